"""Complexity: how much there is in a picture, judged from its grey levels and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundglass.kernel.record import Column, Measure, Value

if TYPE_CHECKING:
    from groundglass.kernel.image.frame import Frame


def complexity(frame: Frame) -> dict[str, Value]:
    """Entropy of the grey levels, and mean energy of the differences between neighbours.

    ``entropy`` is -Σ p·log2 p over the 256 levels of luma: 0 bit for one level, 8 bit when all are as
    frequent. ``gradient_energy`` is the mean over pixels of (I(x+1,y) - I(x,y))² + (I(x,y+1) - I(x,y))².

    Source: Shannon, 1948; Subbarao, Choi and Nikzad, "Focusing techniques", Optical Engineering 1993.

    >>> from groundglass.kernel import testing
    >>> from groundglass.kernel.image.frame import open_frame
    >>> complexity(open_frame(testing.png(testing.flat(64, 48))))
    {'entropy': 0.0, 'gradient_energy': 0.0}
    """
    return {"entropy": entropy(frame.histogram), "gradient_energy": frame.gradients.gradient_energy}


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy in bits of a histogram.

    >>> entropy(np.array([5, 5, 0]))
    1.0
    """
    p = counts[counts > 0] / counts.sum()
    return abs(float(np.sum(p * np.log2(p))))


MEASURE = Measure(
    name="complexity",
    version=1,
    compute=complexity,
    columns={
        "entropy": Column("bit/px", 0, 8, "higher", "entropy of the 256 grey levels"),
        "gradient_energy": Column(
            "grey²", 0, 2 * 255**2, "higher", "mean squared difference to the next pixels"
        ),
    },
    reference="Shannon, 1948; Subbarao, Choi and Nikzad, Optical Engineering 1993",
)
"""Its record in the catalog."""
