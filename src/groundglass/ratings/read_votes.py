"""Reads votes from CSV and Parquet: long tables, comparisons, and matrices without a header.

| table | columns |
|---|---|
| votes on a scale | item, rater, score, and session if there is one |
| comparisons | left, right, choice (left, right or tie), rater |
| items × raters | no header; an empty cell or nan is a missing vote |
| wins | no header, as many columns as rows; row i, column j: how often i won against j |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundglass.errors import RecipeError
from groundglass.ratings.vote_columns import alike, cells_of, find_columns
from groundglass.ratings.vote_table import MISSING, Table, counted_rows
from groundglass.ratings.votes import Comparisons, Ints, Votes, comparisons_from_wins, votes_from_matrix
from groundglass.text.format import some

VOTES = ("item", "rater", "score")
COMPARISONS = ("left", "right", "choice", "rater")
CHOICES = {
    "left": 1.0, "a": 1.0, "right": 0.0, "b": 0.0, "tie": 0.5, "=": 0.5, "equal": 0.5, "same": 0.5, "not sure": 0.5,
}  # fmt: skip
FAR = 6
"""A vote this many quartile ranges away from the middle half of the votes gets a note."""


@dataclass(frozen=True)
class ReadVotes:
    """Votes, and notes on the rows that are not among them.

    strata   the stratum of each vote: the cell of the column `strata`, or else of `session`; () without one
    grouped  the name of this column; "" without one
    """

    votes: Votes
    notes: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    grouped: str = ""


@dataclass(frozen=True)
class ReadComparisons:
    """Comparisons, and notes on the rows that are not among them; strata as in `ReadVotes`."""

    comparisons: Comparisons
    notes: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    grouped: str = ""


def votes_of(
    table: Table, columns: Mapping[str, str] | None = None, scale: tuple[float, float] | None = None
) -> ReadVotes:
    """The votes of a long table or of an items × raters matrix.

    columns  the table's names for item, rater, score, session and strata where they differ; a+b joins columns
    scale    the lowest and the highest vote; None accepts every finite number

    Items and raters are in the order of their first rows; those of a matrix are 0, 1, 2, …. Raises RecipeError for
    missing columns, cells that are not numbers, and votes outside the scale.
    """
    if table.header is None:
        _refuse_names(table, columns or {})
        return _matrix(table, scale)
    table, left_out = counted_rows(table)
    chosen = find_columns(table, VOTES, columns or {}, optional=("session", "strata"))
    cells = {role: cells_of(table, name) for role, name in chosen.items()}
    scores, wrong = _numbers(table, cells["score"])
    if wrong:
        raise _not_numbers(table, wrong)
    here = np.flatnonzero(~np.isnan(scores))
    if not len(here):
        raise RecipeError(
            f"{table.name}: there is no vote", f"the column '{chosen['score']}' has no number in any row"
        )
    _refuse_empty(table, "item", cells["item"], range(len(scores)))
    # A row without a vote needs no rater: it is an item that nobody saw.
    _refuse_empty(table, "rater", cells["rater"], here.tolist())
    _check_scale(scores[here], [table.lines[at] for at in here], scale)
    items, item = _numbered(cells["item"])
    raters, rater = _numbered(filter(None, cells["rater"]), [cells["rater"][at] for at in here])
    sessions = _numbered(cells["session"])[1] if "session" in cells else np.zeros(len(scores), np.int64)
    notes = left_out + _notes_on_missing(len(scores) - len(here))
    notes += _notes_on_far(scores[here], [table.lines[at] for at in here], scale)
    if "session" not in cells:
        used = {part for name in chosen.values() for part in (name, *name.split("+"))}
        close = alike("session", [name for name in table.header or () if name not in used])
        notes += [f"'{close}' looks like sessions, and is not used: --session {close}"] if close else []
    votes = Votes(items, raters, item[here], rater, scores[here], sessions[here])
    doubled = _doubled(votes, [table.lines[at] for at in here], "session" in cells)
    strata, grouped = _strata(chosen, cells, here.tolist())
    return ReadVotes(votes, tuple(notes + doubled), strata, grouped)


def comparisons_of(
    table: Table, columns: Mapping[str, str] | None = None, words: Mapping[str, float] | None = None
) -> ReadComparisons:
    """The comparisons of a long table or of a matrix of wins.

    columns  the table's names for left, right, choice, rater and strata where they differ; a+b joins columns
    words    what the column choice holds, if not left, right and tie: 1 for left, 0 for right, .5 for a tie

    A choice may also be the name of the item that won. Raises RecipeError for missing columns, unknown choices, and an
    item that is compared with itself.
    """
    if table.header is None:
        _refuse_names(table, columns or {})
        return ReadComparisons(_wins(table))
    table, left_out = counted_rows(table)
    chosen = find_columns(table, COMPARISONS, columns or {}, optional=("strata",))
    cells = {role: cells_of(table, name) for role, name in chosen.items()}
    for role in ("left", "right", "rater"):
        _refuse_empty(table, role, cells[role], range(len(table.rows)))
    same = [at for at in range(len(table.rows)) if cells["left"][at] == cells["right"][at]]
    if same:
        raise RecipeError(
            f"{table.name}: {len(same)} comparisons are of an item with itself, the first in {table.lines[same[0]]}: "
            f"'{cells['left'][same[0]]}'",
            "remove these rows; they say nothing about the order of items",
        )
    choices = _choices(table, cells, {word.lower(): value for word, value in (words or {}).items()})
    here = np.flatnonzero(~np.isnan(choices))
    items, both = _numbered([*cells["left"], *cells["right"]])
    left, right = both[: len(choices)], both[len(choices) :]
    raters, rater = _numbered(cells["rater"])
    comparisons = Comparisons(
        items, raters, left[here], right[here], rater[here], choices[here], np.ones(len(here))
    )
    notes = left_out + _notes_on_missing(len(choices) - len(here))
    return ReadComparisons(comparisons, tuple(notes), *_strata(chosen, cells, here.tolist()))


def _strata(
    chosen: Mapping[str, str], cells: Mapping[str, Sequence[str]], here: Sequence[int]
) -> tuple[tuple[str, ...], str]:
    """The stratum of each vote, and the name of its column. An empty cell is a stratum of its own."""
    role = next((role for role in ("strata", "session") if role in chosen), None)
    if role is None:
        return (), ""
    return tuple(cells[role][at] or "(empty)" for at in here), chosen[role]


def _matrix(table: Table, scale: tuple[float, float] | None) -> ReadVotes:
    width = len(table.rows[0])
    flat, wrong = _numbers(table, [cell for row in table.rows for cell in row], width)
    if wrong:
        raise _not_numbers(table, wrong)
    here = np.flatnonzero(~np.isnan(flat))
    lines = [f"{table.lines[at // width]}, column {at % width + 1}" for at in here]
    _check_scale(flat[here], lines, scale)
    notes = [f"the file has no header: {len(table.rows)} rows are items, and {width} columns are raters"]
    notes += _notes_on_far(flat[here], lines, scale)
    return ReadVotes(votes_from_matrix(flat.reshape(-1, width)), tuple(notes))


def _wins(table: Table) -> Comparisons:
    flat, wrong = _numbers(table, [cell for row in table.rows for cell in row], len(table.rows[0]))
    if wrong:
        raise _not_numbers(table, wrong)
    try:
        return comparisons_from_wins(np.nan_to_num(flat).reshape(-1, len(table.rows[0])))
    except ValueError as error:
        raise RecipeError(
            f"{table.name}: {error}",
            "for an items × raters matrix use a method for votes, such as --method map",
        ) from error


def _numbers(table: Table, cells: Sequence[str], width: int = 1) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """The cells as numbers, NaN where missing, and (cell, line) of those that are not numbers."""
    values, wrong = np.full(len(cells), np.nan), list[tuple[str, str]]()
    for at, cell in enumerate(cells):
        try:
            value = table.number(cell)
        except ValueError:
            wrong.append((cell, table.lines[at // width]))
            continue
        if value is not None:
            values[at] = value
    return values, wrong


def _not_numbers(table: Table, wrong: Sequence[tuple[str, str]]) -> RecipeError:
    verb = "is not a number" if len(wrong) == 1 else "are not numbers"
    return RecipeError(
        f"{table.name}: {_places(wrong)} {verb}",
        "write votes as numbers, such as 1 to 5; leave a missing vote empty, or write nan",
    )


def _refuse_names(table: Table, columns: Mapping[str, str]) -> None:
    """A matrix has no names of columns, so an option that names one would do nothing."""
    for role, name in columns.items():
        raise RecipeError(
            f"{table.name} has no header, so it has no column '{name}' for --{role}",
            "write the names of the columns above the first line, or leave the option out",
        )


def _refuse_empty(table: Table, role: str, cells: Sequence[str], asked: Iterable[int]) -> None:
    """Raises RecipeError if a cell is empty in the rows ``asked``."""
    empty = [table.lines[at] for at in asked if not cells[at]]
    if empty:
        raise RecipeError(
            f"{table.name}: the {role} is empty in {some(len(empty), 'rows')}, the first is {empty[0]}",
            "remove these rows, or fill them in",
        )


def _check_scale(scores: np.ndarray, lines: Sequence[str], scale: tuple[float, float] | None) -> None:
    if scale is None:
        return
    outside = np.flatnonzero((scores < scale[0]) | (scores > scale[1]))
    if len(outside):
        first = [(f"{scores[at]:g}", lines[at]) for at in outside.tolist()]
        plural = "votes are" if len(outside) > 1 else "vote is"
        raise RecipeError(
            f"{len(outside)} {plural} outside the scale {scale[0]:g} to {scale[1]:g}: {_places(first)}",
            "correct them, or change --scale",
        )


def _notes_on_missing(count: int) -> list[str]:
    """Rows without a vote."""
    if not count:
        return []
    return [
        "1 row has no vote and does not count"
        if count == 1
        else f"{count} rows have no vote and do not count"
    ]


def _notes_on_far(scores: np.ndarray, lines: Sequence[str], scale: tuple[float, float] | None) -> list[str]:
    """Without a scale: votes so far from the others that they may be typing errors."""
    if scale is not None or len(scores) < 8:
        return []
    low, high = np.percentile(scores, (25, 75))
    steps = np.diff(np.unique(scores))
    width = max(high - low, steps.min(initial=np.inf) if len(steps) else 0)
    far = np.flatnonzero((scores < low - FAR * width) | (scores > high + FAR * width))
    if not len(far):
        return []
    shown = _places([(f"{scores[at]:g}", lines[at]) for at in far.tolist()])
    if len(far) == 1:
        return [f"1 vote is far from all others, and counts: {shown}. --scale LOW-HIGH refuses such votes"]
    return [
        f"{len(far)} votes are far from all others, and count: {shown}. --scale LOW-HIGH refuses such votes"
    ]


def _doubled(votes: Votes, lines: Sequence[str], sessions: bool) -> list[str]:
    """Names the first vote that a rater gave twice on an item, in one session if there are ``sessions``."""
    seen: dict[tuple[int, int, int], int] = {}
    triples = zip(votes.item.tolist(), votes.rater.tolist(), votes.session.tolist(), strict=True)
    again = [(key, at) for at, key in enumerate(triples) if seen.setdefault(key, at) != at]
    if not again:
        return []
    key, at = again[0]
    many = f"{some(len(again), 'votes')} {'is' if len(again) == 1 else 'are'} doubled"
    return [
        f"{many}{' within a session' if sessions else ''}; the first is of '{votes.raters[key[1]]}' on "
        f"'{votes.items[key[0]]}': {lines[seen[key]]} and {lines[at]}"
    ]


def _choices(table: Table, cells: Mapping[str, Sequence[str]], words: Mapping[str, float]) -> np.ndarray:
    """1 for left, 0 for right, .5 for a tie, NaN without a choice."""
    choices, wrong = np.full(len(table.rows), np.nan), dict[str, str]()
    for at, (said, left, right) in enumerate(
        zip(cells["choice"], cells["left"], cells["right"], strict=True)
    ):
        small = said.lower()
        if words:
            value = words.get(small)
        else:
            # The name of an item goes before a word: an item may be named "a".
            value = 1.0 if said == left else 0.0 if said == right else CHOICES.get(small)
        if value is not None:
            choices[at] = value
        elif small not in MISSING:
            wrong.setdefault(said, table.lines[at])
    if wrong:
        shown = ", ".join(f"'{word}' ({line})" for word, line in list(wrong.items())[:4])
        raise RecipeError(
            f"{table.name}: the choice {shown} is not left, right or tie, and not the name of one of the two items",
            "say what the words mean: --left-is WORD --right-is WORD --tie-is WORD",
        )
    return choices


def _numbered(names: Iterable[str], asked: Sequence[str] | None = None) -> tuple[tuple[str, ...], Ints]:
    """The different names in the order of their first appearance, and the number of each in ``asked``, or in all."""
    names = list(names)
    order = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return tuple(order), np.array([order[name] for name in (names if asked is None else asked)], np.int64)


def _places(found: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"'{cell}' in {line}" for cell, line in found[:3])
    return f"{shown} and {len(found) - 3} more" if len(found) > 3 else shown
