"""The mean score at each level of a setting, and of higher against lower values within one content."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from groundglass.ratings.rated_images import FEWEST
from groundglass.ratings.resampling import draws, interval
from groundglass.ratings.setting_values import Setting
from groundglass.ratings.shuffled_settings import centred
from groundglass.ratings.votes import Flags, Floats, Ints


@dataclass(frozen=True)
class Level:
    """The images with one value of a setting, or with values from ``low`` to ``high``.

    mean    of their scores, with its 95 % interval; None with fewer than three contents
    above   the mean of how far each score is above the mean of its group; None if no groups are held equal
    paired  the mean of how far each score is above the mean of the same content, with its interval, after the mean of
            its group was taken off; None if no content has images with different values
    """

    level: str
    low: float | None
    high: float | None
    n: int
    contents: int
    mean: float
    ci95: tuple[float, float] | None = None
    above: float | None = None
    paired: float | None = None
    paired_ci95: tuple[float, float] | None = None


@dataclass(frozen=True)
class Paired:
    """For the contents with images at different values: the score at higher values minus that at lower ones, after the
    mean of each image's group was taken off.

    higher  the share of these contents where it is positive
    """

    contents: int
    difference: float
    ci95: tuple[float, float] | None
    higher: float


def levels_of(
    y: Floats,
    inside: Floats | None,
    setting: Setting,
    content: Ints,
    shared: Flags,
    bootstrap: int,
    seed: int,
) -> tuple[Level, ...]:
    """The levels of N scores.

    inside  (N) the scores minus the means of their groups; None if no groups are held equal
    shared  (N) whether the content of an image has images at different levels
    """
    within = y if inside is None else inside
    above = centred(within, content)
    here = np.eye(len(setting.levels))[setting.codes]
    both = here * shared[:, None]
    found = [
        Level(
            one.name, one.low, one.high, int(here[:, at].sum()), len(np.unique(content[here[:, at] > 0])),
            float(y @ here[:, at] / here[:, at].sum()),
            above=None if inside is None else float(inside @ here[:, at] / here[:, at].sum()),
            paired=float(above @ both[:, at] / both[:, at].sum()) if both[:, at].any() else None,
        )
        for at, one in enumerate(setting.levels)
    ]  # fmt: skip
    if not bootstrap:
        return tuple(found)
    parts = np.concatenate([here * y[:, None], here, both * above[:, None], both], axis=1)
    sums = np.concatenate([weights @ parts for weights in draws(content, bootstrap, seed)])
    total, count, paired, pairs = np.split(sums, 4, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means, differences = total / count, paired / pairs
    return tuple(
        replace(
            one,
            ci95=interval(means[:, at]) if one.contents >= FEWEST else None,
            paired_ci95=interval(differences[:, at])
            if len(np.unique(content[both[:, at] > 0])) >= FEWEST
            else None,
        )
        for at, one in enumerate(found)
    )


def paired_of(
    y: Floats, setting: Setting, content: Ints, shared: Flags, bootstrap: int, seed: int
) -> Paired | None:
    """Higher against lower values of a number, within each content."""
    if setting.numbers is None or not shared.any():
        return None
    found: list[float] = []
    numbers, scores, where = setting.numbers[shared], y[shared], content[shared]
    order = np.argsort(where, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(where[order])) + 1):
        # If an odd value is alone above or below the median, the mean divides them.
        for middle in (np.median(numbers[rows]), numbers[rows].mean()):
            lower, higher = scores[rows][numbers[rows] < middle], scores[rows][numbers[rows] > middle]
            if len(lower) and len(higher):
                found.append(float(higher.mean() - lower.mean()))
                break
    differences = np.array(found)
    if not len(differences):
        return None
    ci95 = None
    if bootstrap and len(differences) >= FEWEST:
        each = draws(np.arange(len(differences)), bootstrap, seed)
        ci95 = interval(np.concatenate([weights @ differences / len(differences) for weights in each]))
    return Paired(len(differences), float(differences.mean()), ci95, float((differences > 0).mean()))
