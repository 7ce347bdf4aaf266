"""The gates of a pair as a measure: whether HQ is a faithful sharper version of LQ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundglass.catalog import Column, Measure, Value
from groundglass.libraries import cv2
from groundglass.measures.pairs.made_pair import made_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundglass.image.frame import Frame

MOST_DB = 100.0
"""Written for equal images, where the ratio is infinite."""
COLUMNS = {
    name: "colour_cast" if name == "cast" else name
    for name in (
        "shift", "corner", "rotation", "correlation", "dense_residual", "cast", "colour_residual", "excess", "unlike",
        "hallucinated_share", "down_psnr", "structure_shift", "already_clean", "texture_gain", "added_detail",
    )
}  # fmt: skip
"""The column of each value of the gates; `cast` is a word of SQL, so no expression could name it."""


def pair(frame: Frame) -> dict[str, Value]:
    """Whether HQ is a faithful sharper version of LQ, for an image that a step made and the image it was made from.

    A degraded image is the LQ of its pair, and a restored one the HQ. The gates and their limits are those of
    `groundglass check-pairs`: identical, copy, geometry, cast, local and smooth. An LQ larger than 256 px is judged in
    pieces, and the values are the worst piece's. An LQ under 32 px, an HQ under 96 px, or a pair without structure is
    `unknown`, and has no numbers; another scene has only those of the geometry. An image that was cropped or resized
    after a step made it has no value (``no_pair``).

    Invented texture that averages out at the size of LQ passes all gates.

    Source: the gates of `groundglass.measures.pairs.gates`; their limits were fitted on captured ×4 pairs.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import MadeImage, open_frame
    >>> def halved(rgb, *_):
    ...     return MadeImage(cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA), "halved", {})
    >>> photo = open_frame(testing.png(testing.photo(256, 256)), makes=halved)
    >>> pair(photo.at("degraded(128x128,x2,0123456789abcdef)"))["pair_verdict"]
    'accepted'
    """
    from groundglass.measures.pairs.verdict import judge_pixels

    lq, hq = made_pair(frame)
    judged = judge_pixels(lq.rgb, hq.rgb, keep_map=True)
    found: dict[str, Value] = {column: judged.values.get(name) for name, column in COLUMNS.items()}
    if isinstance(down := found["down_psnr"], float):
        found["down_psnr"] = min(down, MOST_DB)
    return {
        "pair_verdict": judged.verdict,
        "pair_reasons": " | ".join(judged.reasons) or None,
        **found,
        "pair_map": _bits(judged.map) if judged.map is not None and judged.map.any() else None,
    }


def _bits(places: NDArray[Any]) -> bytes:
    """A PNG of one bit a pixel."""
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_BILEVEL, 1]
    encoded = cv2.imencode(".png", places.astype("uint8") * 255, settings)[1]
    return encoded.tobytes()


MEASURE = Measure(
    name="pair",
    version=1,
    compute=pair,
    of_pairs=True,
    columns={
        "pair_verdict": Column(
            "", None, None, "neither", "accepted, rejected, or unknown if the pair cannot be judged", str
        ),
        "pair_reasons": Column(
            "",
            None,
            None,
            "neither",
            "each gate that decided: its value, its limit and the place; of an accepted pair, notes; | is between them",
            str,
        ),
        "shift": Column("px of HQ", 0, None, "lower", "how far HQ is moved against LQ, at the centre"),
        "corner": Column("px of HQ", 0, None, "lower", "the same at the corner that moved farthest"),
        "rotation": Column("°", -180, 180, "neither", "how far HQ is turned against LQ"),
        "correlation": Column(
            "", -1, 1, "higher", "of HQ's and LQ's structures; below .5 it is another scene"
        ),
        "dense_residual": Column(
            "px of HQ", 0, None, "lower", "90th percentile of the local shifts that are left after alignment"
        ),
        "colour_cast": Column("ΔE", 0, None, "lower", "median difference in colour over the whole image"),
        "colour_residual": Column(
            "ΔE", 0, None, "lower", "difference in colour after a fit of HQ's colours to LQ's"
        ),
        "excess": Column("", 0, None, "lower", "error of the worst place, in multiples of the usual error"),
        "unlike": Column("", 0, None, "lower", "how unlike LQ's the structure of the worst place is"),
        "hallucinated_share": Column("", 0, 1, "lower", "share of the area where HQ shows what LQ does not"),
        "down_psnr": Column(
            "dB",
            None,
            MOST_DB,
            "neither",
            "PSNR of HQ, reduced and fitted, to LQ; a floor, not a score to rank by",
        ),
        "structure_shift": Column("", 0, 2, "lower", "how far the structures of LQ and of HQ differ"),
        "already_clean": Column(
            "", 0, 1, "neither", "near 1: LQ is a plain reduction of HQ, with nothing to restore"
        ),
        "texture_gain": Column(
            "", None, None, "higher", "log2 of HQ's gradient to upscaled LQ's; 0: no new detail"
        ),
        "added_detail": Column(
            "",
            None,
            None,
            "higher",
            "log2 of the detail that only HQ's grid can hold to LQ's finest; lower is smoother",
        ),
        "pair_map": Column(
            "",
            None,
            None,
            "neither",
            "a 1-bit PNG of LQ's size: where HQ shows what LQ does not",
            bytes,
            hidden=True,
        ),
    },
    reference="groundglass; Evangelidis & Psarakis 2008 (alignment), Wang et al. 2004 (structure)",
)
"""Its record in the catalog."""
