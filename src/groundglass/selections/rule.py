"""The base of all rules of a recipe's `select`: their settings, and the methods that plan, run and audit call."""

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
"""The target of a rule: faults of single images, copies, images of test sets, whole sources, or listed images."""


class Lookup(Protocol):
    """The look-ups that a rule may make while a recipe is planned.

    ``key`` is the rule's own key for the name: if it does not exist, the recipe is refused at that key.
    """

    @property
    def scope(self) -> Scope:
        """The columns that are available at this step."""
        ...

    def column(self, key: str, name: str) -> ColumnPath:
        """A column that a recipe names."""
        ...

    def expression(self, key: str, text: str) -> tuple[ColumnPath, ...]:
        """The columns that an expression names."""
        ...

    def better(self, key: str, path: ColumnPath) -> Order:
        """The better direction of a column."""
        ...

    def file(self, key: str, path: str) -> None:
        """A file that can be read."""
        ...

    def reference(self, key: str, text: str) -> ColumnPath:
        """A profile or folder to judge sources by; returns the column of the photos' blockiness."""
        ...

    def of_study(self, key: str, name: str) -> Lookup:
        """The same, with the columns of a study step under their own names; refuses a name that is not one."""
        ...

    def inside(self, key: str, index: int) -> Lookup:
        """The same for a rule that is inside this one."""
        ...

    def refuse(self, key: str, message: str, hint: str) -> NoReturn:
        """Refuse the recipe at a key."""
        ...


@dataclass(frozen=True)
class Taken:
    """A measure that a rule takes itself, even if the recipe does not name it.

    of  the rows themselves, or the photos that they come from: its columns are then below ``root``
    """

    measure: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    of: Literal["rows", "photographs"] = "rows"


@dataclass(frozen=True)
class Needs:
    """The inputs that a rule must have before it can judge.

    columns     the columns that the recipe names
    orders      for each column that it ranks by, the better direction, unless the recipe states it
    taken       measures that it takes itself
    reads       the columns of those measures
    references  profiles or folders that it compares sources with
    notes       remarks for the user before the run
    study       the study step with columns that are named alone
    """

    columns: tuple[ColumnPath, ...] = ()
    orders: Mapping[str, Order] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()
    reads: tuple[ColumnPath, ...] = ()
    references: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    study: str = ""

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            self.columns + other.columns,
            {**self.orders, **other.orders},
            tuple(taken for taken in self.taken if taken not in other.taken) + other.taken,
            self.reads + other.reads,
            self.references + other.references,
            self.notes + other.notes,
            self.study or other.study,
        )


@dataclass(frozen=True)
class Given:
    """The values that were looked up for a rule, besides the pool.

    orders      `Needs.orders`
    profiles    the clean profiles of `Needs.references`, by their names in the recipe
    blockiness  the pool's column of the photos' blockiness, if there are references
    """

    orders: Mapping[str, Order] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    blockiness: str = ""


@dataclass(frozen=True)
class Judged:
    """Verdicts in the pool's order, the rule's thresholds, and notes for the user."""

    verdicts: pa.Table
    thresholds: tuple[Threshold, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Rule(Member):
    """One rule that keeps or drops the rows of a pool. Its fields are its keys in a recipe's `select`.

    pool_relative  whether a row's verdict depends on the other rows: `why` can then only explain it for this pool
    catches        the target of the rule
    """

    pool_relative: ClassVar[bool] = False
    catches: ClassVar[Catches] = "fault"

    def needs(self, lookup: Lookup) -> Needs:
        """The inputs that it must have; refuses the recipe if one does not exist."""
        raise NotImplementedError

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        """The verdicts on a pool that has the needed columns."""
        raise NotImplementedError

    def label(self) -> str:
        """The kept rows, in a few words."""
        raise NotImplementedError

    def at_most(self, rows: int) -> int:
        """The most rows that it can keep, out of ``rows``."""
        return rows

    def freeze(self, pool: pa.Table, given: Given) -> tuple[Frozen, ...]:
        """Its limits on this pool, to judge rows outside of it; empty if it does not look for single faults."""
        return ()

    def only_alone(self) -> tuple[str, str] | None:
        """The key that forbids it inside another rule, and the alternative; None if it is allowed there."""
        return None
