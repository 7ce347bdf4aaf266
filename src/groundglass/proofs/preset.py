"""How thoroughly a proof is done: what is trained, and how often chance is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """The counts of a proof.

    splits     random splits of the pool into two sets, whose differences are the null of a selection
    draws      random sets of equal size that stand for an arm which is larger than the one it is compared with
    resamples  resamples of the photographs, with replacement, for arms that hold the same photographs
    shared     one null, of the largest pool and the smallest count, serves all selections: a training is dear
    averaged   whether an effect is the mean over the resamples; else it is that of the photographs as they are.
               A network's result has noise of its own, which only a mean lowers; a closed form has none
    known      pairs of random halves that were called different when the preset was measured (`benchmarks.proofs`), and
               how many were tried; None where that was not done
    seconds    CPU seconds that one comparison takes, for forecasts; with `gpu`, on the GPU
    alarms     random splits on which the rate of false alarms is measured in the proof itself; 0: it is too slow
    """

    name: str
    meaning: str
    splits: int
    draws: int
    resamples: int
    shared: bool
    averaged: bool
    alarms: int
    seconds: float
    known: tuple[int, int] | None = None


INSTANT = Preset(
    "instant", "one ridge regression per kind of edge, x2, no seeds", 200, 40, 200, False, False, 40, 4.0
)
QUICK = Preset(
    "quick",
    "a network of 21 thousand parameters, x2, 150 iterations from a base",
    8,
    2,
    4,
    True,
    True,
    0,
    60.0,
    (0, 40),
)
STANDARD = Preset(
    "standard",
    "a network of 78 thousand parameters, x2, 400 iterations from a base",
    8,
    2,
    4,
    True,
    True,
    0,
    300.0,
    (0, 40),
)

GPU = Preset("gpu", "EDSR or MSRResNet, x2, 20,000 iterations", 8, 2, 4, True, True, 0, 3600.0)

PRESETS = {preset.name: preset for preset in (INSTANT, QUICK, STANDARD, GPU)}
