"""Complexity: how much detail an image has, by its grey levels and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from groundglass.catalog import Column, Measure, Value
from groundglass.image.downscale_to_analysis_size import reduced
from groundglass.image.encode import encode_grey_jpeg
from groundglass.measures.complexity.cooccurrence import cooccurrence

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

COMPRESSED_SIDE = 512
"""Longer side, px, to which an image is reduced before it is compressed."""
COMPRESSED_QUALITY = 75
"""IJG quality at which it is compressed."""


def complexity(frame: Frame) -> dict[str, Value]:
    """Entropy, differences, co-occurrence and compressibility of luma.

    ``entropy`` is -Σ p·log2 p over the 256 levels of luma: 0 bit for one level, 8 bit when all are as
    frequent. ``gradient_energy`` is the mean over pixels of (I(x+1,y) - I(x,y))² + (I(x,y+1) - I(x,y))².
    ``compression_ratio`` is the size of a grey JPEG of quality 75 over the bytes of its pixels, after the
    image was reduced to 512 px on its longer side: .02 for an almost empty image, .3 for a thicket.

    The ``glcm`` columns are Haralick's, from one table of co-occurring luma in 32 levels: neighbours at
    distance 1, right and below together, symmetric (`texture`). Large images are counted in every nth row.
    They are empty for a single pixel, ``glcm_correlation`` also where all is one level.

    Source: Shannon, 1948; Subbarao, Choi and Nikzad, "Focusing techniques", Optical Engineering 1993;
    Haralick, Shanmugam and Dinstein, "Textural features for image classification", IEEE SMC 1973;
    compression as complexity: Machado and Cardoso, "Computing aesthetics", SBIA 1998.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> flat = complexity(open_frame(testing.png(testing.flat(64, 48))))
    >>> flat["entropy"], flat["gradient_energy"], flat["glcm_energy"]
    (0.0, 0.0, 1.0)
    """
    return {
        "entropy": entropy(frame.histogram),
        "gradient_energy": frame.gradients.gradient_energy,
        "compression_ratio": compression_ratio(frame.luma),
        **texture(cooccurrence(frame.luma)),
    }


def compression_ratio(luma: npt.NDArray[np.uint8]) -> float:
    """Bytes of a JPEG of H×W uint8 luma, reduced, over its number of pixels."""
    # Reduced first, so that the ratio depends little on the image's size.
    small = reduced(luma, COMPRESSED_SIDE)
    return len(encode_grey_jpeg(small, COMPRESSED_QUALITY)) / small.size


def texture(counts: npt.NDArray[np.int64]) -> dict[str, Value]:
    """Haralick's contrast, energy, entropy and correlation of an N×N symmetric table of co-occurring levels.

    Contrast Σ p(i,j)·(i-j)², energy √Σ p², entropy -Σ p·log2 p in bits, correlation of i and j.

    >>> texture(np.array([[2, 1], [1, 0]]))["glcm_contrast"]
    0.5
    """
    names = ("glcm_contrast", "glcm_energy", "glcm_entropy", "glcm_correlation")
    if not counts.any():
        return dict.fromkeys(names)
    p = counts / counts.sum()
    i, j = np.indices(p.shape)
    mean = (i * p).sum()
    variance = ((i - mean) ** 2 * p).sum()
    correlation = float(((i - mean) * (j - mean) * p).sum() / variance) if variance > 0 else None
    # Rounding can bring the energy just above 1, out of its column's range.
    contrast, energy = float(((i - j) ** 2 * p).sum()), float(np.sqrt((p**2).sum()))
    return dict(zip(names, (contrast, min(1.0, energy), entropy(counts), correlation), strict=True))


def entropy(counts: npt.NDArray[np.int64]) -> float:
    """Shannon entropy in bits of a histogram.

    >>> entropy(np.array([5, 5, 0]))
    1.0
    """
    p = counts[counts > 0] / counts.sum()
    # `abs` in place of a minus, so that one level gives 0.0 and not -0.0.
    return abs(float(np.sum(p * np.log2(p))))


MEASURE = Measure(
    name="complexity",
    version=2,
    compute=complexity,
    columns={
        "entropy": Column("bit/px", 0, 8, "higher", "entropy of the 256 grey levels"),
        "gradient_energy": Column(
            "grey²", 0, 2 * 255**2, "higher", "mean squared difference to the next pixels"
        ),
        "compression_ratio": Column("", 0, None, "higher", "bytes of a grey JPEG at 512 px over its pixels"),
        "glcm_contrast": Column("level²", 0, 31**2, "higher", "mean squared step to a neighbour, 32 levels"),
        "glcm_energy": Column("", 0, 1, "lower", "1 where all pairs of neighbours are equal"),
        "glcm_entropy": Column("bit", 0, 10, "higher", "entropy of the pairs of neighbours"),
        "glcm_correlation": Column("", -1, 1, "neither", "how well a pixel predicts its neighbour"),
    },
    reference="Shannon, 1948; Subbarao, Choi and Nikzad, Optical Engineering 1993; Haralick et al., IEEE SMC 1973",
)
"""Its record in the catalog."""
