"""The defects that an audit plants, written out: the damage, its strengths, and the measures that should detect it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import GaussianBlur, MotionBlur
from groundglass.degradations.catalog import distort
from groundglass.degradations.clipping import Clipping
from groundglass.degradations.crop import Crop, lay_into
from groundglass.degradations.jpeg import Jpeg, jpeg_file
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.noise import GaussianNoise
from groundglass.degradations.overlay import LogoOverlay, TextOverlay
from groundglass.degradations.resize import FalseResolution, Scale
from groundglass.degradations.sharpen import Sharpen
from groundglass.errors import RecipeError
from groundglass.image.encode import encode_png
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from groundglass.degradations.settings import Pixels

Kind = Literal["fault", "copy", "leak", "source"]
"""The kind of a defect, and the kind that a gate looks for: a fault of the image itself, a copy next to its original,
an image of a test set, or a fault of a whole source."""


@dataclass(frozen=True)
class Severity:
    """One strength of a defect.

    name     its name on the scorecard
    inside   the image is first placed into another photograph and covers this share of it, 0 to 1; 0: it is not
    chain    settings of `groundglass.degradations`, applied one after the other
    quality  the result is then saved as a JPEG file of this quality, on its grid; None: as a lossless file
    """

    name: str
    chain: tuple[Any, ...] = ()
    quality: int | None = None
    inside: float = 0.0


@dataclass(frozen=True)
class Defect:
    """A defect of an image.

    what       the damage, in a few words
    seen_by    the measures that are expected to detect it
    kind       the kind of gate that can detect it
    look       the best way to show it: a "detail" at 1:1, or the "whole" image scaled down
    exact      the copy has exactly the bytes of its original
    """

    name: str
    what: str
    severities: tuple[Severity, ...]
    seen_by: tuple[str, ...]
    kind: Kind = "fault"
    look: Literal["detail", "whole"] = "detail"
    exact: bool = False


_GRAIN = GaussianNoise(6, grey=True, grain=0.6)
_MIRRORED = Mirror(across=True)
_DETAIL = ("sharpness", "complexity", "resolution")

DEFECTS: dict[str, Defect] = {
    defect.name: defect
    for defect in (
        Defect(
            "jpeg",
            "saved as JPEG",
            tuple(Severity(f"q{quality}", (), quality) for quality in (30, 50, 70, 85, 95)),
            ("blockiness", "header"),
        ),
        Defect(
            "jpeg_cropped",
            "saved as JPEG, then cropped off its grid and saved without loss",
            tuple(Severity(f"q{q}", (Jpeg(q, shift_x=3, shift_y=5),)) for q in (30, 50, 70, 85)),
            ("blockiness", "resolution"),
        ),
        Defect(
            "upscaled",
            "upscaled from a smaller image",
            tuple(Severity(f"x{factor:g}", (FalseResolution(factor),)) for factor in (1.5, 2, 3, 4)),
            _DETAIL,
        ),
        Defect(
            "upscaled_grain",
            "upscaled, then given film grain",
            tuple(Severity(f"x{factor:g}", (FalseResolution(factor), _GRAIN)) for factor in (2, 4)),
            _DETAIL,
        ),
        Defect(
            "upscaled_sharpened",
            "upscaled, then sharpened",
            tuple(Severity(f"x{factor:g}", (FalseResolution(factor), Sharpen(1.5))) for factor in (2, 4)),
            _DETAIL,
        ),
        Defect(
            "upscaled_disguised",
            "upscaled, sharpened and given film grain",
            tuple(Severity(f"x{f:g}", (FalseResolution(f), Sharpen(1.5), _GRAIN)) for f in (2, 4)),
            _DETAIL,
        ),
        Defect(
            "blur",
            "out of focus: Gaussian blur",
            tuple(Severity(f"{sigma:g} px", (GaussianBlur(sigma),)) for sigma in (1, 2, 4)),
            _DETAIL,
        ),
        Defect(
            "motion_blur",
            "the camera moved",
            tuple(Severity(f"{length} px", (MotionBlur(length),)) for length in (7, 15, 31)),
            _DETAIL,
        ),
        Defect(
            "noise",
            "Gaussian noise in all channels",
            tuple(Severity(f"sd {sigma}", (GaussianNoise(sigma),)) for sigma in (5, 15, 30)),
            ("noise", "sharpness", "complexity"),
        ),
        Defect(
            "banding",
            "too few grey levels",
            tuple(Severity(f"{levels} levels", (Banding(levels),)) for levels in (32, 16, 8)),
            ("exposure", "text_and_graphics", "complexity"),
        ),
        Defect(
            "oversharpened",
            "halos at every edge",
            tuple(Severity(f"{amount:.0%}", (Sharpen(amount),)) for amount in (1.5, 4)),
            ("sharpness", "noise"),
        ),
        Defect(
            "clipped",
            "highlights burnt out",
            tuple(Severity(f"{share:.0%}", (Clipping(highlights=share),)) for share in (0.05, 0.2)),
            ("exposure",),
            look="whole",
        ),
        Defect(
            "letterbox",
            "black bars above and below",
            tuple(Severity(f"{share:.0%}", (Letterbox(rows=share),)) for share in (0.05, 0.12)),
            ("borders", "exposure"),
            look="whole",
        ),
        Defect(
            "text",
            "a caption on the image",
            (Severity("small", (TextOverlay(0.04),)), Severity("large", (TextOverlay(0.12),))),
            ("text_and_graphics",),
            look="whole",
        ),
        Defect(
            "logo",
            "a logo in a corner",
            (Severity("pale", (LogoOverlay(0.15, opacity=0.5),)), Severity("solid", (LogoOverlay(0.25),))),
            ("text_and_graphics",),
            look="whole",
        ),
        Defect("exact_duplicate", "the same bytes again", (Severity("copy"),), (), "copy", "whole", True),
        Defect(
            "near_duplicate",
            "a copy in another quality or size",
            (
                Severity("q60", (), 60),
                Severity("x0.7", (Scale(0.7),)),
                Severity("caption", (TextOverlay(0.06),)),
            ),
            ("fingerprint",),
            "copy",
            "whole",
        ),
        Defect(
            "mirrored_duplicate",
            "a mirrored copy",
            (Severity("copy", (_MIRRORED,)),),
            ("fingerprint",),
            "copy",
            "whole",
        ),
        Defect(
            "leak",
            "a test image, saved again, mirrored or resized",
            (
                Severity("as it is"),
                Severity("mirrored", (_MIRRORED,)),
                Severity("q60", (), 60),
                Severity("x0.5", (Scale(0.5),)),
                Severity("x2", (Scale(2),)),
            ),
            ("leaks",),
            "leak",
            "whole",
        ),
        Defect(
            "leak_inside",
            "a larger image that contains a test image",
            (
                Severity("1/4 of it", inside=1 / 4),
                Severity("1/4, mirrored, q60", (_MIRRORED,), 60, inside=1 / 4),
                Severity("1/9 of it", inside=1 / 9),
            ),
            ("leaks",),
            "leak",
            "whole",
        ),
        Defect(
            "leak_part",
            "a part of a test image",
            (
                Severity("60 %", (Crop(0.6),)),
                Severity("60 %, mirrored, q60", (Crop(0.6), _MIRRORED), 60),
                Severity("36 %", (Crop(0.36),)),
            ),
            ("leaks",),
            "leak",
            "whole",
        ),
        Defect(
            "jpeg_source",
            "a whole source saved as JPEG",
            tuple(Severity(f"q{quality}", (), quality) for quality in (50, 70, 85, 95)),
            ("blockiness",),
            "source",
        ),
    )
}
"""Defects by name, in the order of the scorecard."""

CLEAN = Defect("clean", "no defect: the photo, saved without loss", (Severity("as it was"),), ())
"""The version on which false alarms are counted: it is processed like the defects, without the damage."""


def find_defects(names: Sequence[str]) -> tuple[Defect, ...]:
    """The defects of these names, in the order of the catalog; all without a name.

    Raises RecipeError with the nearest valid name.

    >>> [defect.name for defect in find_defects(["noise", "blur"])]
    ['blur', 'noise']
    >>> find_defects(["bluur"])
    Traceback (most recent call last):
    groundglass.errors.RecipeError: there is no defect 'bluur'. Did you mean 'blur'?
    """
    for name in names:
        if name not in DEFECTS:
            raise RecipeError(
                f"there is no defect '{name}'.{did_you_mean(name, DEFECTS)}", f"one of {', '.join(DEFECTS)}"
            )
    return tuple(defect for defect in DEFECTS.values() if not names or defect.name in names)


def injure(
    rgb: Pixels,
    severity: Severity,
    random: np.random.Generator,
    compression: int = 3,
    background: Pixels | None = None,
) -> bytes:
    """An image with a defect, as a file: JPEG, or a lossless PNG.

    ``compression`` is PNG's, 0 to 9: it matters only to measures that read the file's bytes. ``background`` is the
    other photograph, for severities that are placed into one.
    """
    if severity.inside and background is not None:
        rgb = lay_into(background, rgb, severity.inside, random)
    made = distort(rgb, severity.chain, random)
    return encode_png(made, compression) if severity.quality is None else jpeg_file(made, severity.quality)
