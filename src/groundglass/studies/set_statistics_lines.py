"""The statistics of a rating set in the Markdown of its card, with those of published sets beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from groundglass.ratings.agreement import srcc
from groundglass.ratings.set_statistics import Group, SetStatistics, published_sets
from groundglass.text.format import plain_line

BLOCKS = " ▁▂▃▄▅▆▇█"
MOST_ROWS = 40
"""Groups that a card lists."""


def statistics_lines(found: SetStatistics, grouped: str = "") -> list[str]:
    """The sections "Scores" and "Groups" of a card.

    grouped  the name of the column of the groups, such as meta.generator

    >>> from groundglass.ratings.set_statistics import set_statistics
    >>> lines = statistics_lines(set_statistics({"quality": [1, 2, 3, 4]}))
    >>> lines[0], lines[4]
    ('## Scores', '| **quality** | 4 | 2.5 | 1.29 | 0 | 1 | 2.5 | 4 | `█  █  █  █` |')
    """
    if not found.distributions:
        return []
    lines = [
        "## Scores",
        "",
        "| | images | mean | sd | skew | lowest | median | highest | from lowest to highest |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            _row(f"**{_cell(name)}**", vars(one) | {"images": one.n})
            for name, one in found.distributions.items()
        ),
    ]
    for other in published_sets():
        for name, one in other["dimensions"].items():
            lines.append(_row(f"{other['name']}, {name}", {**one, "images": other["images"]}))
    lines += [""]
    for row in found.together:
        lines.append(
            f"- {row.one} and {row.other}: SRCC {_number(row.srcc, 3)}{_ends(row.srcc_ci95, 3)}, "
            f"PLCC {_number(row.plcc, 3)}, on {row.n:,} images"
        )
    if found.together:
        lines += [
            f"- {one['name']}: {row['one']} and {row['other']} have SRCC {row['srcc']:.3f}"
            f"{_ends(row['srcc_ci95'], 3)}"
            for one in published_sets()
            if (row := one.get("together"))
        ]
    lines += [f"- {one['name']}, from {one['source']}: {one['known']}" for one in published_sets()]
    lines += [f"- {note}" for note in found.notes]
    return lines + _group_lines(found, grouped)


def _row(name: str, one: Mapping[str, Any]) -> str:
    values = (one["mean"], one["sd"], one.get("skew"), one["low"], one["median"], one["high"])
    said = " | ".join(_number(value) for value in values)
    return f"| {name} | {one['images']:,} | {said} | `{_bars(one['counts'])}` |"


def _bars(counts: Sequence[int]) -> str:
    """A histogram in block characters; a bar that is not empty is never blank."""
    most = max(1, *counts)
    return "".join(BLOCKS[-(-8 * count // most)] for count in counts)


def _number(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    return (f"{value:.{digits}f}" if digits is not None else f"{value:.3g}").replace("-", "−")


def _ends(ci95: Sequence[float] | None, digits: int) -> str:
    return "" if not ci95 else f" ({ci95[0]:.{digits}f} to {ci95[1]:.{digits}f})"


def _cell(text: str) -> str:
    """Text of unknown origin in a cell of a Markdown table."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", plain_line(text))


def _group_lines(found: SetStatistics, grouped: str) -> list[str]:
    lines: list[str] = []
    for name, rows in found.groups.items():
        # A single group ranks nothing.
        if len(rows) < 2:
            continue
        beside = _published_means(rows)
        head = ["group", "images", "mean", "95 % interval", "sd", "rank group"]
        lines += [
            "",
            f"## {name} by {grouped.removeprefix('meta.') or 'group'}",
            "",
            f"| {' | '.join([*head, *([f'{PUBLISHED} mean'] if beside else [])])} |",
            f"|{'---|' * (len(head) + bool(beside))}",
        ]
        for row in rows[:MOST_ROWS]:
            cells = [
                _cell(row.group), f"{row.n:,}", _number(row.mean), _ends(row.ci95, 2).strip(" ()") or "–",
                _number(row.sd), "–" if row.rank_group is None else str(row.rank_group),
            ]  # fmt: skip
            cells += [_number(beside.get(row.group))] if beside else []
            lines.append(f"| {' | '.join(cells)} |")
        if len(rows) > MOST_ROWS:
            lines += ["", f"{len(rows) - MOST_ROWS} more groups have lower means."]
        lines += ["", *_order_beside(rows, beside)]
    return lines


PUBLISHED = "AIGIQA-20K"


def _published_means(rows: Sequence[Group]) -> dict[str, float]:
    """The published mean of each group that has the name of a generator there; sd1.5 and SD_15 are one name."""
    published = next(one for one in published_sets() if one["name"] == PUBLISHED)
    means = {_folded(row["group"]): row["mean"] for row in published["dimensions"]["mos"]["groups"]}
    return {row.group: means[_folded(row.group)] for row in rows if _folded(row.group) in means}


def _folded(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _order_beside(rows: Sequence[Group], beside: Mapping[str, float]) -> list[str]:
    """A sentence on the ranks, and one on the order of the generators that a published set has too."""
    lines = [
        "Rank group 1 has the best group and all that are not shown to differ from it (at 5 %, Holm's correction)."
    ]
    shared = [row for row in rows if row.group in beside]
    means, published = ([row.mean for row in shared], [beside[row.group] for row in shared])
    value = srcc(np.array(means), np.array(published)) if shared else None
    if value is not None:
        lines.append(
            f"The means of the {len(shared)} groups that {PUBLISHED} has too are in an order with SRCC {value:.2f} to "
            "its order. Its images, prompts and settings were others."
        )
    return lines
