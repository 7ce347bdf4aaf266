"""The record of what a step of a run did: written by the step, read by the card, the report and the funnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal


@dataclass(frozen=True)
class Threshold:
    """One comparison of a rule: ``column op limit``, such as ``blockiness < 30``; ``op`` is <, <=, > or >=.

    >>> str(Threshold("blockiness", "<", 30.0))
    'blockiness < 30'
    """

    column: str
    op: str
    limit: float

    def __str__(self) -> str:
        return f"{self.column} {self.op} {self.limit:g}"


@dataclass(frozen=True)
class Ranking:
    """A rule that cuts one ranked list in two: the best rows by ``column`` are kept.

    order  the direction that is better
    rule   the recipe's key for it, so that the report can write it again
    """

    column: str
    order: Literal["higher", "lower"]
    rule: Literal["top_k", "quantile"]


@dataclass(frozen=True)
class StepRecord:
    """The work of a step, in counts.

    step        the step's unique name in the recipe, e.g. "select-1"
    kind        source, measure, select, hold_out, transform, split, release …
    label       what it does in a few words, e.g. "blockiness < 30"
    into        rows of the current set before it (for a source: files listed)
    out         rows of the current set after it (for a source: rows that can be read)
    dropped     rows that the rule left out
    failed      rows that could not be used
    seconds     wall time; None if the run ended before this step
    cached      rows that needed no work, since their results were stored already
    reasons     number of rows that left or failed, by reason
    thresholds  the limits that rows had to meet
    notes       further results, a sentence each
    facts       further values that only steps of this kind have
    """

    step: str
    kind: str
    label: str
    into: int
    out: int
    dropped: int = 0
    failed: int = 0
    held_out: int = 0
    seconds: float | None = 0.0
    cached: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole_rule(self) -> tuple[Threshold, ...]:
        """Its thresholds, if a row is kept exactly when all of them hold; () for any other rule."""
        return self.thresholds if self.facts.get("rule") == "where" and self.facts.get("exact") else ()

    @property
    def ranking(self) -> Ranking | None:
        """The list that it cuts in two; None if it does not, or if it cuts a list in each group."""
        ranking = self.facts.get("ranking")
        return Ranking(**ranking) if ranking else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a measure step added."""
        return tuple(self.facts.get("columns", ()))

    def shown(self) -> dict[str, Any]:
        """The record with the names that `groundglass show --json` prints, as `read_step` reads it."""
        record = asdict(self)
        return {"step": record.pop("step"), "kind": record.pop("kind"), "in": record.pop("into"), **record}


def read_step(shown: Mapping[str, Any]) -> StepRecord:
    """The record that `StepRecord.shown` was written from.

    >>> limits = (Threshold("blockiness", "<", 30.0),)
    >>> record = StepRecord("select-1", "select", "blockiness < 30", 9, 4, 5, thresholds=limits)
    >>> read_step(record.shown()) == record
    True
    """
    known = {field.name for field in fields(StepRecord)}
    found: dict[str, Any] = {name: value for name, value in shown.items() if name in known}
    limits = tuple(Threshold(**threshold) for threshold in found.get("thresholds", ()))
    found |= {"into": shown["in"], "thresholds": limits, "notes": tuple(found.get("notes", ()))}
    return StepRecord(**found)
