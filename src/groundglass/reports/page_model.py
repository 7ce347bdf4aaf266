"""The content of the report's page, in reading order: plain records for the template."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from groundglass.errors import REASONS
from groundglass.image.header import WARNINGS
from groundglass.reports.charts import Chart, charts_of
from groundglass.reports.charts_svg import funnel_bar
from groundglass.reports.facts import RunFacts, SourceFacts
from groundglass.reports.step_pools import Pool, Pools
from groundglass.tables.parquet import compute
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import duration, number, share, some, thousands

_SAMPLES = 200
"""The most failures that are listed by name; more are only counted."""


@dataclass(frozen=True)
class StepView:
    """One step, for the list of steps and for its own view."""

    index: int
    facts: StepRecord
    bar: str
    charts: tuple[Chart, ...]
    judged: int
    reached: bool
    live: bool

    @property
    def time(self) -> str:
        return duration(self.facts.seconds)

    @property
    def share(self) -> str:
        return share(self.facts.out, self.facts.into)

    @property
    def grows(self) -> bool:
        """Whether it can make more rows than came in (tiles)."""
        return self.facts.kind == "transform"


@dataclass(frozen=True)
class ReasonView:
    """A reason why images left a step, their number, and their share of the images that came in.

    left  whether the images left: an image without a model's answer stays
    """

    step: StepRecord
    index: int
    reason: str
    count: int
    share: str
    width: float
    failed: bool
    left: bool


@dataclass(frozen=True)
class SourceView:
    """One source: the outcomes of its photographs, the share kept, and the medians of the first measures."""

    facts: SourceFacts
    share: str
    width: float
    medians: tuple[str, ...]


@dataclass(frozen=True)
class FailureView:
    """Failures with one reason, or files with one warning: the word, its meaning, their number, and some of them."""

    reason: str
    meaning: str
    count: int
    samples: tuple[tuple[str, str], ...]


def view_steps(facts: RunFacts, pools: Pools) -> tuple[StepView, ...]:
    """The steps with their bars and charts."""
    wholes = _wholes(facts.steps)
    return tuple(_view_step(index, wholes[index], pools) for index in range(len(facts.steps)))


def _view_step(index: int, whole: int, pools: Pools) -> StepView:
    step = pools.facts.steps[index]
    pool = pools.of(step) if step.seconds is not None else Pool(*_nothing())
    title = f"{thousands(step.into)} in, {thousands(step.out)} out"
    charts = charts_of(step, pool, pools, f"step{index}")
    return StepView(
        index,
        step,
        funnel_bar(whole, step.into, step.out, title),
        charts,
        len(pool),
        step.seconds is not None,
        any(chart.limit is not None for chart in charts),
    )


def _nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str | None]]:
    return np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0), []


def _wholes(steps: tuple[StepRecord, ...]) -> list[int]:
    """The count of a full bar, for each step: the most rows among the steps that count the same kind of rows."""
    group, groups = 0, [0]
    for _, step in pairwise(steps):
        group += step.kind == "transform"
        groups.append(group)
    most = Counter[int]()
    for place, step in zip(groups, steps, strict=False):
        most[place] = max(most[place], step.out, 0 if step.kind == "transform" else step.into)
    return [most[place] for place in groups]


def view_reasons(facts: RunFacts) -> tuple[ReasonView, ...]:
    """Every reason of every step, the most frequent first. Each image counts once per step."""
    most = max((number for step in facts.steps for number in step.reasons.values()), default=1)
    views = [
        ReasonView(
            step,
            index,
            reason,
            many,
            f"{share(many, step.into)} of {thousands(step.into)}",
            100 * many / most,
            is_failure(step, reason),
            has_left(step, reason),
        )
        for index, step in enumerate(facts.steps)
        for reason, many in step.reasons.items()
        if many
    ]
    return tuple(sorted(views, key=lambda view: (-view.count, view.index, view.reason)))


def has_left(step: StepRecord, reason: str) -> bool:
    """Whether images left a step for this reason: images without a model's answer (``caption: refused``) stay."""
    return step.kind != "annotate" or ": " not in reason


def is_failure(step: StepRecord, reason: str) -> bool:
    """Whether this reason means that images could not be used, not that they were judged and dropped.

    >>> rule = StepRecord("select-1", "select", "blockiness < 30", 9, 4, dropped=3, failed=2)
    >>> is_failure(rule, "no blockiness: too_small"), is_failure(rule, "blockiness, limit 30; no noise: flat")
    (True, False)
    """
    if step.kind != "annotate" and not (step.failed and step.dropped):
        return step.failed > 0
    return all(known_word(part) in REASONS for part in reason.split("; "))


def known_word(reason: str) -> str:
    """The word of `groundglass.errors.REASONS` in a reason.

    >>> known_word("no blockiness: too_small"), known_word("truncated")
    ('too_small', 'truncated')
    """
    return reason.rpartition(": ")[2]


def median_columns(pools: Pools) -> tuple[str, ...]:
    """The measures whose medians are in the table of sources: four, those that decided something first."""
    steps = pools.facts.steps
    decided = [threshold.column for step in steps for threshold in step.whole_rule]
    decided += [step.ranking.column for step in steps if step.ranking]
    judging = [name for name, column in pools.facts.columns.items() if column.better != "neither"]
    return tuple(name for name in dict.fromkeys((*decided, *judging)) if name in pools.columns)[:4]


def view_sources(facts: RunFacts, pools: Pools) -> tuple[SourceView, ...]:
    """The sources, largest first: counted over the whole run, their medians over the images shown."""
    names = np.array(facts.rows["source"].to_pylist(), object)
    counted = facts.sources or tuple(
        _count_source(str(name), names == name, facts, pools) for name in dict.fromkeys(names.tolist())
    )
    views = (_view_source(source, (names == source.name) & ~pools.derived, pools) for source in counted)
    return tuple(sorted(views, key=lambda view: -view.facts.photographs))


def _count_source(name: str, mine: np.ndarray, facts: RunFacts, pools: Pools) -> SourceFacts:
    photographs = mine & ~pools.derived
    became = [int((photographs & (pools.status == code)).sum()) for code in range(4)]
    derived = int((mine & pools.derived & (pools.status == 0) & (pools.left >= len(facts.steps))).sum())
    return SourceFacts(name, int(photographs.sum()), became[2], became[1], derived)


def _view_source(source: SourceFacts, photographs: np.ndarray, pools: Pools) -> SourceView:
    values = (pools.values(column)[photographs] for column in median_columns(pools))
    finite = (column[np.isfinite(column)] for column in values)
    medians = tuple(number(float(np.median(column)) if column.size else None) for column in finite)
    width = 100 * source.kept / max(1, source.photographs)
    return SourceView(source, share(source.kept, source.photographs), width, medians)


def plain_reason(reason: str) -> str:
    """A reason as people write it; names of columns in it stay unchanged.

    >>> plain_reason("no flat_share: too_small"), plain_reason("blockiness, limit 30; noise_sigma, limit 5")
    ('no flat_share: too small', 'blockiness, limit 30 and noise_sigma, limit 5')
    """
    return " and ".join(map(_plain_part, reason.split("; ")))


def _plain_part(reason: str) -> str:
    word = known_word(reason)
    return reason.removesuffix(word) + word.replace("_", " ") if word in REASONS else reason


def view_failures(facts: RunFacts) -> tuple[FailureView, ...]:
    """Failures by reason, the most frequent first; counts come from the steps, names from the sample."""
    counts = Counter[str]()
    for step in facts.steps:
        counts.update({reason: many for reason, many in step.reasons.items() if _has_failed(step, reason)})
    for reason, many in Counter(failure.reason for failure in facts.failures).items():
        counts[reason] = max(counts[reason], many)
    return tuple(
        FailureView(reason, REASONS.get(known_word(reason), ""), many, _samples(facts, reason))
        for reason, many in counts.most_common()
    )


def view_warnings(facts: RunFacts) -> tuple[FailureView, ...]:
    """Warnings about files that can still be used, the most frequent first, with some names."""
    counts = Counter[str]()
    for step in facts.steps:
        counts.update(step.facts.get("warnings", {}))
    if not counts or "warning" not in facts.rows.column_names:
        return ()
    whole = compute.and_(facts.rows["parent"].is_null(), facts.rows["warning"].is_valid())
    warned = facts.rows.filter(whole).select(["uri", "warning"]).to_pylist()
    return tuple(
        FailureView(
            word,
            WARNINGS.get(word, ""),
            many,
            tuple((row["uri"], "") for row in warned if word in row["warning"].split("; "))[:_SAMPLES],
        )
        for word, many in counts.most_common()
    )


def _has_failed(step: StepRecord, reason: str) -> bool:
    return has_left(step, reason) and is_failure(step, reason)


def _samples(facts: RunFacts, reason: str) -> tuple[tuple[str, str], ...]:
    found = [(failure.uri, failure.detail) for failure in facts.failures if failure.reason == reason]
    return tuple(found[:_SAMPLES])


def headline(facts: RunFacts) -> str:
    """The run in one line, e.g. "30 tiles and 3 photographs held out, from 44 files"."""
    files = sum(step.into for step in facts.steps if step.kind == "source")
    if not files:
        return "No images yet" if facts.state == "running" else "No images"
    last = next((step for step in reversed(facts.steps) if step.seconds is not None), None)
    if last is None:
        return some(files, "files")
    return f"{_outcome(facts, last)} from {some(files, 'files')}"


def _outcome(facts: RunFacts, last: StepRecord) -> str:
    """The result after the last step: the kept set, and the images held out of it."""
    held, unit = sum(part.count for part in facts.held_out), facts.unit(last)
    if not held:
        return some(last.out, unit)
    # a release counts what it wrote, and it writes what is held out too
    kept = last.out - held if last.kind == "release" else last.out
    words = [
        thousands(part.count) if part.unit == unit else some(part.count, part.unit) for part in facts.held_out
    ]
    return f"{some(kept, unit)} and {' and '.join(words)} held out,"


def summary(facts: RunFacts) -> str:
    """The run in one sentence; images that were dropped and then held out do not count as dropped."""
    dropped, failed = (sum(getattr(step, name) for step in facts.steps) for name in ("dropped", "failed"))
    # Held-out images that a rule had dropped are in a split of their own, so they are not lost.
    dropped -= sum(part.regained for part in facts.held_out)
    known = [step.seconds for step in facts.steps if step.seconds is not None]
    steps = some(len(facts.steps), "steps")
    done = steps if len(known) == len(facts.steps) else f"{len(known)} of {steps}"
    time = duration(sum(known))
    return f"{thousands(dropped)} dropped and {thousands(failed)} failed in {done}, {time} in all; seed {facts.seed}."
