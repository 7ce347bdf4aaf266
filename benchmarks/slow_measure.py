"""A measure that keeps its worker waiting, as one with a network does; for `cascade`."""

from __future__ import annotations

import time

from groundglass.catalog import Measure, Value
from groundglass.image.frame import Frame
from groundglass.measures.complexity.complexity import MEASURE, complexity

SECONDS = 0.05
"""Pause for each image, s."""


def slow_entropy(frame: Frame) -> dict[str, Value]:
    """The entropy of `complexity`, after a pause."""
    time.sleep(SECONDS)
    return {"slow_entropy": complexity(frame)["entropy"]}


SLOW = Measure(
    "slow_entropy", 1, slow_entropy, {"slow_entropy": MEASURE.columns["entropy"]}, MEASURE.reference
)
