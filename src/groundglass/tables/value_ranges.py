"""Conditions that no value can meet: each condition narrows the range of its column until no value may be left."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from groundglass.tables.columns import ColumnPath, Scope
from groundglass.tables.expressions import Atom
from groundglass.tables.quoting import quoted


@dataclass(frozen=True)
class Range:
    """The values that a column can have. An end is part of it unless a strict comparison set it."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.above or self.below))

    @property
    def in_words(self) -> str:
        """The range, worded as the end of a sentence.

        >>> Range(0, 1).in_words, Range(low=0).in_words, Range(20, 30, above=True).in_words
        ('from 0 to 1', 'at least 0', 'above 20 and at most 30')
        """
        low = f"{'above' if self.above else 'at least'} {self.low:g}" if self.low > -math.inf else ""
        high = f"{'below' if self.below else 'at most'} {self.high:g}" if self.high < math.inf else ""
        if low and high and not (self.above or self.below):
            return f"from {self.low:g} to {self.high:g}"
        return " and ".join(end for end in (low, high) if end)

    def narrowed(self, operator: str, limits: tuple[float, ...]) -> Range:
        """The rest of the range under one more comparison."""
        first, last = limits[0], limits[-1]
        match operator:
            case "<" | "<=":
                strict = operator == "<"
                tighter = first < self.high or (first == self.high and strict)
                return replace(self, high=first, below=strict) if tighter else self
            case ">" | ">=":
                strict = operator == ">"
                tighter = first > self.low or (first == self.low and strict)
                return replace(self, low=first, above=strict) if tighter else self
            case _:
                # Between, or = with two equal limits.
                return self.narrowed(">=", (first,)).narrowed("<=", (last,))


def impossible(comparisons: Iterable[Atom], scope: Scope) -> tuple[Atom, Range] | None:
    """The first condition that no value can meet, and the range that its column has before this condition."""
    left: dict[ColumnPath, Range] = {}
    for atom in comparisons:
        if not _compares_a_column(atom):
            continue
        path = atom.columns[0]
        before = left.get(path) or _of_column(path, scope)
        left[path] = before.narrowed(atom.operator, tuple(float(limit or 0) for limit in atom.limits))
        if left[path].is_empty:
            return atom, before
    return None


def why_impossible(comparisons: Iterable[Atom], scope: Scope) -> tuple[Atom, str, str] | None:
    """The first condition that no value can meet, with a message and a hint about it."""
    found = impossible(comparisons, scope)
    if found is None:
        return None
    atom, left = found
    name = ".".join(atom.columns[0])
    column = scope.find(atom.columns[0])
    meaning = f"{name}: {column.meaning}" if column and column.meaning else ""
    hint = meaning or "turn the comparison around, or leave it out"
    return atom, f"`{atom.text}` is never true here: {name} is {left.in_words}", hint


def _compares_a_column(atom: Atom) -> bool:
    """Whether it compares one column itself, not a function of it, with numbers."""
    equals = (
        atom.operator == "="
        and isinstance(atom.limits[0], int | float)
        and not isinstance(atom.limits[0], bool)
    )
    return (
        (atom.has_threshold or equals) and len(atom.columns) == 1 and atom.subject == quoted(atom.columns[0])
    )


def _of_column(path: ColumnPath, scope: Scope) -> Range:
    # An image has at least 1 px a side; a column `meta.width` may hold any number.
    if path[-1] in ("width", "height") and path[0] != "meta":
        return Range(low=1)
    column = scope.find(path)
    if column is None:
        return Range()
    low = -math.inf if column.low is None else column.low
    return Range(low, math.inf if column.high is None else column.high)
