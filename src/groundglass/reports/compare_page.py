"""The page of two runs: the changes of the recipe, both funnels, and the images that entered or left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.reports.assets import CHANGES_SCRIPTS, parts_beside
from groundglass.reports.charts_svg import funnel_bar
from groundglass.reports.compare import Comparison, Side, StepPair
from groundglass.reports.compare_facts import PairFacts, pair_facts
from groundglass.reports.facts import RunFacts
from groundglass.reports.fill import fill
from groundglass.reports.page_data import packed, script, step_data
from groundglass.reports.render import SHEETS, default_sheets, write_beside, write_folder
from groundglass.reports.step_pools import Pools
from groundglass.reports.thumbnail_sheets import write_sheets
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import command, some, thousands

MOST_REASONS = 8
"""The number of reasons that are listed; the others are counted together."""


@dataclass(frozen=True)
class PairView:
    """One step of the two funnels. ``note`` is the change in the recipe; ``a`` or ``b`` is None if absent."""

    kind: str
    label: str
    note: str
    a: StepRecord | None
    b: StepRecord | None
    bars: tuple[str, str]
    more: int | None


@dataclass(frozen=True)
class ReasonCount:
    """The number of images that entered or left for a reason of a step."""

    reason: str
    step: str
    count: int
    width: float


def render_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write the page of two runs into ``folder`` and return its ``index.html``.

    Raises UnreachableError if the folder cannot be written.
    """
    facts = pair_facts(comparison)
    return write_folder(folder, lambda made: _write_all(comparison, facts, made))


def _write_all(comparison: Comparison, facts: PairFacts, folder: Path) -> None:
    pools, before = Pools(facts.b), Pools(facts.a)
    settings = default_sheets(len(facts.b.rows))
    sheets = write_sheets(facts.b.rows["id"].to_pylist(), facts.b.thumbnails, folder / SHEETS, settings)
    more = {
        "titles": ["Entered", "Left", "", "", ""],
        "sides": [
            _side(pools, None, _name(comparison.b, comparison)),
            _side(before, before, _name(comparison.a, comparison)),
        ],
    }
    text = script(facts.b, pools, sheets, settings.height, more)
    page = fill("compare.html.j2", _context(comparison, facts))
    write_beside(folder, CHANGES_SCRIPTS, text, page)


def _name(side: Side, comparison: Comparison) -> str:
    """A run in a heading: its number, with the recipe's name if the two names differ."""
    same = comparison.a.record.name == comparison.b.record.name
    return f"run {side.record.number}" if same else f"{side.record.name} run {side.record.number}"


def _side(pools: Pools, own_steps: Pools | None, name: str) -> dict[str, Any]:
    """One run's story of the images. Its thresholds are left out, because the values shown are the second run's."""
    side: dict[str, Any] = {
        "title": f"In {name}",
        "folder": pools.facts.folder,
        "left": packed(pools.left, "i4"),
        "there": packed((pools.born < len(pools.facts.steps)).astype(np.uint8), "u1"),
    }
    if own_steps is not None:
        side["steps"] = [{**step_data(step, own_steps), "lines": []} for step in pools.facts.steps]
    return side


def _context(comparison: Comparison, facts: PairFacts) -> dict[str, Any]:
    a, b = comparison.a, comparison.b
    return {
        "parts": parts_beside(CHANGES_SCRIPTS),
        "a": facts.a,
        "b": facts.b,
        "names": (_name(a, comparison), _name(b, comparison)),
        "headline": headline(comparison),
        "lead": _lead(comparison),
        "changes": comparison.changes,
        "pairs": _pairs(comparison),
        "entered": _reasons(facts.entered, a),
        "left": _reasons(facts.left, b),
        "counts": (comparison.entered.num_rows, comparison.left.num_rows),
        "notes": _notes(facts.b),
        "again": command("groundglass", "diff", str(a.folder.path), str(b.folder.path)),
        "links": (a.folder.report / "index.html", b.folder.report / "index.html"),
    }


def headline(comparison: Comparison) -> str:
    """The difference in one line, e.g. "120 entered, 34 left, 9,880 in both"."""
    entered, left = comparison.entered.num_rows, comparison.left.num_rows
    if not entered and not left:
        return f"Both keep the same {some(comparison.both, 'images')}"
    return f"{thousands(entered)} entered, {thousands(left)} left, {thousands(comparison.both)} in both"


def _lead(comparison: Comparison) -> str:
    unfinished = [
        f"Run {side.record.number} is not done: the images that it kept so far are compared."
        for side in (comparison.a, comparison.b)
        if side.record.state != "done"
    ]
    changed = sum(comparison.entered["changed"].to_pylist()) + sum(comparison.left["changed"].to_pylist())
    content = (
        [f"The files of {some(changed, 'images')} have different content in the two runs."] if changed else []
    )
    return " ".join([*unfinished, *content])


def _notes(facts: RunFacts) -> list[str]:
    if facts.total is None:
        return []
    return [
        f"This page shows {thousands(len(facts.rows))} of the {thousands(facts.total)} images that entered or left, "
        "drawn at random."
    ]


def _pairs(comparison: Comparison) -> list[PairView]:
    sides = [[pair.a for pair in comparison.steps], [pair.b for pair in comparison.steps]]
    wholes = [max((step.into for side in sides for step in side if step), default=0)] * len(comparison.steps)
    return [_pair_view(pair, whole) for pair, whole in zip(comparison.steps, wholes, strict=True)]


def _pair_view(pair: StepPair, whole: int) -> PairView:
    bars = tuple(
        funnel_bar(
            whole,
            step.into,
            step.out,
            f"{thousands(step.into)} in, {thousands(step.out)} out",
        )
        if step
        else ""
        for step in (pair.a, pair.b)
    )
    more = pair.b.out - pair.a.out if pair.a and pair.b else None
    return PairView(
        pair.either.kind, pair.either.label, step_note(pair), pair.a, pair.b, (bars[0], bars[1]), more
    )


def step_note(pair: StepPair) -> str:
    """The change of a step in the recipe, in a few words; "" without one."""
    if pair.a is None:
        return "new"
    if pair.b is None:
        return "left out"
    return f"was {pair.a.label}" if pair.changed else ""


def _reasons(counted: Counter[tuple[str, str]], side: Side) -> list[ReasonCount]:
    labels = {step.step: step.label for step in side.steps}
    common = counted.most_common(MOST_REASONS)
    most = max((many for _, many in common), default=1)
    listed = [
        ReasonCount(reason or "kept", labels.get(step, ""), many, 100 * many / most)
        for (step, reason), many in common
    ]
    rest = counted.total() - sum(item.count for item in listed)
    return [*listed, *([ReasonCount("rarer reasons", "", rest, 100 * rest / most)] if rest else [])]
