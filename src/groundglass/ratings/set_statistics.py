"""The statistics of a rating set: the distribution of its scores, how dimensions go together, a ranking of groups."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from groundglass.ratings.agreement import pearson, srcc
from groundglass.ratings.rank_groups import LEVEL, holm, p_of_difference, rank_groups
from groundglass.ratings.rated_images import FEWEST, contents_of
from groundglass.ratings.resampling import Wanted, draws, excludes_zero, interval, resample
from groundglass.ratings.votes import Flags, Floats, Ints

BOOTSTRAPS = 1_000
BARS = 10
"""Bars of a histogram."""
MOST_GROUPS = 100
"""Groups that are ranked; more are not groups but names."""


@dataclass(frozen=True)
class Distribution:
    """The scores of one dimension. ``skew`` (of the population) is None if all are equal; ``counts`` are of ``BARS``
    bars of equal width from ``low`` to ``high``. ``missing`` images have no score.
    """

    n: int
    missing: int
    mean: float
    sd: float
    skew: float | None
    low: float
    q25: float
    median: float
    q75: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Together:
    """The correlations of two dimensions on the images that have both; the interval is of the SRCC."""

    one: str
    other: str
    n: int
    srcc: float | None
    srcc_ci95: tuple[float, float] | None
    plcc: float | None


@dataclass(frozen=True)
class Group:
    """The scores of one group, such as a generator. ``sd`` is None for one image.

    rank_group  1 has the group with the best mean and all that are not shown to differ from it; None if unknown
    """

    group: str
    n: int
    mean: float
    sd: float | None
    ci95: tuple[float, float] | None = None
    rank_group: int | None = None


@dataclass(frozen=True)
class SetStatistics:
    """The statistics of each dimension of a rating set, and its groups from best to worst."""

    distributions: Mapping[str, Distribution]
    together: tuple[Together, ...]
    groups: Mapping[str, tuple[Group, ...]]
    contents: int
    notes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "distributions": {
                name: vars(one) | {"counts": list(one.counts)} for name, one in self.distributions.items()
            },
            "together": [
                vars(row) | {"srcc_ci95": row.srcc_ci95 and list(row.srcc_ci95)} for row in self.together
            ],
            "groups": {
                name: [vars(row) | {"ci95": row.ci95 and list(row.ci95)} for row in rows]
                for name, rows in self.groups.items()
            },
            "contents": self.contents,
            "notes": list(self.notes),
        }


def set_statistics(
    scores: Mapping[str, Sequence[float | None] | Floats],
    groups: Sequence[str | None] = (),
    content: Sequence[str | None] = (),
    bootstrap: int = BOOTSTRAPS,
    seed: int = 0,
) -> SetStatistics:
    """The statistics of N images with the scores of one or more dimensions.

    scores   for each dimension N numbers; None and NaN are missing
    groups   such as the generator of each image; an image without one is in no group
    content  what an image shows, such as its prompt: a bootstrap draws whole contents

    Raises ValueError for columns of different lengths.

    >>> found = set_statistics({"quality": [1, 2, 3, 4]}, ["a", "a", "b", "b"])
    >>> found.distributions["quality"].mean, [row.group for row in found.groups["quality"]]
    (2.5, ['b', 'a'])
    """
    columns = {
        name: np.array([np.nan if one is None else one for one in values], np.float64)
        for name, values in scores.items()
    }
    lengths = {len(one) for one in (*columns.values(), groups, content) if len(one)}
    if len(lengths) > 1:
        raise ValueError(f"columns of {min(lengths)} and of {max(lengths)} images")
    size = max(lengths, default=0)
    place = contents_of(content) if len(content) else np.arange(size)
    words = [(groups[at] if len(groups) else None) or "" for at in range(size)]
    notes: list[str] = []
    if len(groups) and (without := words.count("")):
        notes.append(f"{without:,} of {size:,} images have no group, and are in no ranking")
    if len({*words} - {""}) > MOST_GROUPS:
        notes.append(f"{len({*words} - {''}):,} groups are not ranked (at most {MOST_GROUPS})")
        words = [""] * size
    return SetStatistics(
        {name: _distribution(values) for name, values in columns.items() if np.isfinite(values).any()},
        tuple(
            _together(one, columns[one], other, columns[other], place, bootstrap, seed)
            for one, other in itertools.combinations(columns, 2)
        ),
        {
            name: _ranking(values, words, place, bootstrap, seed)
            for name, values in columns.items()
            if any(words)
        },
        len(np.unique(place)),
        tuple(notes),
    )


def _distribution(values: Floats) -> Distribution:
    known = values[np.isfinite(values)]
    centred = known - known.mean()
    spread = float(np.sqrt((centred**2).mean()))
    skew = float((centred**3).mean() / spread**3) if spread > 1e-12 * max(1.0, abs(known.mean())) else None
    low, q25, median, q75, high = (float(one) for one in np.quantile(known, (0, 0.25, 0.5, 0.75, 1)))
    # All scores equal: one bar, rather than numpy's range around it.
    counts = np.histogram(known, BARS, (low, high))[0] if high > low else np.array([len(known)])
    sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return Distribution(
        len(known), len(values) - len(known), float(known.mean()), sd, skew, low, q25, median, q75, high,
        tuple(counts.tolist()),
    )  # fmt: skip


def _together(
    one: str, x: Floats, other: str, y: Floats, content: Ints, bootstrap: int, seed: int
) -> Together:
    both: Flags = np.isfinite(x) & np.isfinite(y)
    x, y, content = x[both], y[both], content[both]
    rank, straight = srcc(x, y), pearson(x, y)
    ci95 = None
    if bootstrap and rank is not None and len(np.unique(content)) >= FEWEST:
        ci95 = interval(
            resample(y, content, {"x": Wanted(x, np.ones(len(x), np.bool_))}, bootstrap, seed)["x"].srcc
        )
    return Together(one, other, len(x), rank, ci95, straight)


def _ranking(
    values: Floats, words: Sequence[str], content: Ints, bootstrap: int, seed: int
) -> tuple[Group, ...]:
    """The groups from the best mean to the worst; differences as in a benchmark, on resamples of the contents."""
    known = np.isfinite(values) & np.array([bool(word) for word in words], np.bool_)
    if not known.any():
        return ()
    names, place = np.unique(np.array(words)[known], return_inverse=True)
    y, content = values[known], content[known]
    here = np.eye(len(names))[place]
    count = here.sum(axis=0)
    mean = y @ here / count
    rows = [
        Group(
            str(name),
            int(count[at]),
            float(mean[at]),
            float(y[place == at].std(ddof=1)) if count[at] > 1 else None,
        )
        for at, name in enumerate(names)
    ]
    contents = [len(np.unique(content[place == at])) for at in range(len(names))]
    if bootstrap:
        sums = np.concatenate(
            [
                weights @ np.concatenate([here * y[:, None], here], axis=1)
                for weights in draws(content, bootstrap, seed)
            ]
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums[:, : len(names)] / sums[:, len(names) :]
        number = _rank_groups(names.tolist(), mean, means, contents)
        rows = [
            replace(
                row,
                ci95=interval(means[:, at]) if contents[at] >= FEWEST else None,
                rank_group=number.get(row.group),
            )
            for at, row in enumerate(rows)
        ]
    return tuple(sorted(rows, key=lambda row: (row.rank_group or 0, -row.mean)))


def _rank_groups(
    names: Sequence[str], mean: Floats, means: Floats, contents: Sequence[int]
) -> dict[str, int]:
    """The rank groups of the groups whose interval is known."""
    usable = [at for at in range(len(names)) if contents[at] >= FEWEST and interval(means[:, at]) is not None]
    pairs = list(itertools.combinations(usable, 2))
    if not pairs:
        return {}
    drawn = [means[:, one] - means[:, other] for one, other in pairs]
    p = holm(
        [
            p_of_difference(float(mean[one] - mean[other]), found, min(contents[one], contents[other]))
            for (one, other), found in zip(pairs, drawn, strict=True)
        ]
    )
    different = {
        frozenset((names[one], names[other])): value is not None
        and value < LEVEL
        and excludes_zero(interval(found))
        for (one, other), value, found in zip(pairs, p, drawn, strict=True)
    }
    return rank_groups({names[at]: float(mean[at]) for at in usable}, different)


@cache
def published_sets() -> tuple[Mapping[str, Any], ...]:
    """Figures of published rating sets, computed by ``benchmarks/published_sets.py`` from their public tables.

    Each has name, source, images, known (what the table does and does not have), dimensions and, if known, groups.

    >>> [one["name"] for one in published_sets()]
    ['AIGIQA-20K', 'AGIQA-3K']
    """
    text = (files("groundglass.ratings") / "published_sets.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["set"])
