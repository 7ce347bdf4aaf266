"""What every rule of a recipe's `select` is: its settings, and what plan, run, forecast and audit ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NoReturn, Protocol

import pyarrow as pa

from groundglass.selections.frozen import Frozen
from groundglass.selections.ranking import Order
from groundglass.settings.field_types import Member
from groundglass.source_quality.clean_profile import Profile
from groundglass.tables.columns import ColumnPath, Scope
from groundglass.tables.step_record import Threshold

Catches = Literal["fault", "copy", "leak", "source", "list"]
"""What a rule looks for: faults of single images, copies, images of test sets, whole sources, or what a list names."""


class Lookup(Protocol):
    """What a rule may look up while a recipe is planned.

    ``key`` is the rule's own key that says it: where something is not there, the recipe is refused at that key.
    """

    @property
    def scope(self) -> Scope:
        """The columns that are known at this step."""
        ...

    def column(self, key: str, name: str) -> ColumnPath:
        """A column that a recipe names."""
        ...

    def expression(self, key: str, text: str) -> tuple[ColumnPath, ...]:
        """The columns that an expression names."""
        ...

    def better(self, key: str, path: ColumnPath) -> Order:
        """Which way of a column is better."""
        ...

    def file(self, key: str, path: str) -> None:
        """A file that can be read."""
        ...

    def reference(self, key: str, text: str) -> ColumnPath:
        """A profile or folder that sources can be judged by; gives the column of the photographs' blockiness."""
        ...

    def inside(self, key: str, index: int) -> Lookup:
        """The same for a rule that stands inside this one."""
        ...

    def refuse(self, key: str, message: str, hint: str) -> NoReturn:
        """Refuse the recipe at a key."""
        ...


@dataclass(frozen=True)
class Taken:
    """A measure that a rule takes itself, whether or not the recipe names it.

    of  the rows themselves, or the photographs that they come from: its columns are then below ``root``
    """

    measure: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    of: Literal["rows", "photographs"] = "rows"


@dataclass(frozen=True)
class Needs:
    """What a rule must have before it can judge.

    columns     those that the recipe names
    orders      for each column that it ranks by, where the recipe does not say it: which way is better
    taken       measures that it takes itself
    reads       the columns of those measures
    references  profiles or folders that it judges sources by
    notes       what a user should know beforehand
    """

    columns: tuple[ColumnPath, ...] = ()
    orders: Mapping[str, Order] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()
    reads: tuple[ColumnPath, ...] = ()
    references: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            self.columns + other.columns,
            {**self.orders, **other.orders},
            tuple(taken for taken in self.taken if taken not in other.taken) + other.taken,
            self.reads + other.reads,
            self.references + other.references,
            self.notes + other.notes,
        )


@dataclass(frozen=True)
class Given:
    """What was looked up for a rule, beside the pool.

    orders      `Needs.orders`
    profiles    the clean profiles of `Needs.references`, by what the recipe calls them
    blockiness  the pool's column of the photographs' blockiness, where there are references
    """

    orders: Mapping[str, Order] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    blockiness: str = ""


@dataclass(frozen=True)
class Judged:
    """Verdicts in the pool's order, what the rule held rows to, and things the user should know."""

    verdicts: pa.Table
    thresholds: tuple[Threshold, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Rule(Member):
    """One rule that keeps or drops the rows of a pool. Its fields are its keys in a recipe's `select`.

    pool_relative  whether a row's verdict depends on the other rows: then `why` can only say it of this pool
    catches        what it looks for
    """

    pool_relative: ClassVar[bool] = False
    catches: ClassVar[Catches] = "fault"

    def needs(self, lookup: Lookup) -> Needs:
        """What it must have; refuses the recipe where something is not there."""
        raise NotImplementedError

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        """The verdicts on a pool that has the columns it needs."""
        raise NotImplementedError

    def label(self) -> str:
        """What it keeps, in a few words."""
        raise NotImplementedError

    def at_most(self, rows: int) -> int:
        """How many of so many rows it can keep at most."""
        return rows

    def freeze(self, pool: pa.Table, given: Given) -> tuple[Frozen, ...]:
        """What it came to on this pool, for rows that were not there; nothing where it looks for no single faults."""
        return ()

    def only_alone(self) -> tuple[str, str] | None:
        """The key for which it cannot stand inside another rule, and what to do instead; None where it can."""
        return None
