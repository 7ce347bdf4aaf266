"""Reads votes from CSV and Parquet: long tables, comparisons, and matrices without a header.

| table | columns |
|---|---|
| votes on a scale | item, rater, score, and session if there is one |
| comparisons | left, right, choice (left, right or tie), rater |
| items × raters | no header; an empty cell or nan is a missing vote |
| wins | no header, as many columns as rows; row i, column j: how often i won against j |
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from groundglass.errors import RecipeError
from groundglass.ratings.votes import Comparisons, Ints, Votes, comparisons_from_wins, votes_from_matrix
from groundglass.text.decode_text import decode_text
from groundglass.text.suggest import nearest

VOTES = ("item", "rater", "score")
COMPARISONS = ("left", "right", "choice", "rater")
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "item": ("image", "imagename", "name", "file", "filename", "stimulus", "stimuli", "pvs", "uri", "path", "video"),
    "rater": (
        "subject", "observer", "user", "participant", "annotator", "worker", "workerid", "judge", "voter", "viewer",
        "subjectid", "observerid", "userid", "raterid", "participantid", "person", "assessor",
    ),
    "score": ("rating", "vote", "opinion", "opinionscore", "value", "quality", "answer", "response", "stars"),
    "session": ("sessionid", "sessionname", "block", "run", "day", "visit"),
    "left": ("a", "conditiona", "imagea", "itema", "first", "image1", "item1", "leftimage", "leftitem", "x"),
    "right": ("b", "conditionb", "imageb", "itemb", "second", "image2", "item2", "rightimage", "rightitem", "y"),
    "choice": (
        "winner", "preferred", "preference", "selected", "isaselected", "chosen", "vote", "answer", "response",
    ),
}  # fmt: skip
"""Other headers that people use, in small letters without signs: they are suggested, never assumed."""
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
CHOICES = {
    "left": 1.0, "a": 1.0, "right": 0.0, "b": 0.0, "tie": 0.5, "=": 0.5, "equal": 0.5, "same": 0.5, "not sure": 0.5,
}  # fmt: skip
SEPARATORS = ("\t", ";", ",")
"""The first of them in the first row separates columns: with semicolons, a comma may be a decimal point."""
FAR = 6
"""A vote this many quartile ranges away from the middle half of the votes gets a note."""


@dataclass(frozen=True)
class Table:
    """A table's cells as text, without spaces at their ends.

    header  None for a matrix
    lines   for each row, its place in the file, such as "line 3"
    """

    name: str
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    comma: bool = False
    """A comma is a decimal point: the columns are separated by something else."""

    def number(self, cell: str) -> float | None:
        """The number of a cell; None if it is empty or NaN. Raises ValueError for a text and for an infinite number."""
        if cell.lower() in MISSING:
            return None
        value = float(cell.replace(",", ".") if self.comma else cell)
        if np.isinf(value):
            raise ValueError(cell)
        return value


@dataclass(frozen=True)
class ReadVotes:
    """Votes, and notes on the rows that are not among them."""

    votes: Votes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadComparisons:
    """Comparisons, and notes on the rows that are not among them."""

    comparisons: Comparisons
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """A CSV file (commas, semicolons or tabs) or a Parquet file (by its ending).

    Raises RecipeError if it is empty, damaged, or has rows of different lengths.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _parquet(path)
        return _csv(path)
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise RecipeError(
            f"{path} is not a table of votes: {error}", "give a CSV or a Parquet file"
        ) from error


def holds_comparisons(table: Table) -> bool:
    """True if the header has left and right, or other words for them and none for a score.

    >>> holds_comparisons(Table("a.csv", ("left", "right", "choice", "rater"), (), ()))
    True
    """
    if table.header is None:
        return False
    plain = {_plain(name) for name in table.header}
    if {"left", "right"} <= plain:
        return True
    if plain & {"item", "score"}:
        return False
    return all(plain & {role, *OTHER_WORDS[role]} for role in ("left", "right"))


def votes_of(
    table: Table, columns: Mapping[str, str] | None = None, scale: tuple[float, float] | None = None
) -> ReadVotes:
    """The votes of a long table or of an items × raters matrix.

    columns  the table's names for item, rater, score and session where they differ; a+b joins columns
    scale    the lowest and the highest vote; None accepts every finite number

    Items and raters are in the order of their first rows; those of a matrix are 0, 1, 2, …. Raises RecipeError for
    missing columns, cells that are not numbers, and votes outside the scale.
    """
    if table.header is None:
        return _matrix(table, scale)
    table, left_out = counted_rows(table)
    chosen = _columns(table, VOTES, columns or {}, optional=("session",))
    cells = {role: _cells(table, name) for role, name in chosen.items()}
    for role in ("item", "rater"):
        _refuse_empty(table, role, cells[role])
    scores, wrong = _numbers(table, cells["score"])
    if wrong:
        raise RecipeError(
            f"{table.name}: {_places(wrong)} is not a number", "leave a missing vote empty, or write nan"
        )
    here = np.flatnonzero(~np.isnan(scores))
    _check_scale(scores[here], [table.lines[at] for at in here], scale)
    items, item = _numbered(cells["item"])
    raters, rater = _numbered(cells["rater"])
    sessions = _numbered(cells["session"])[1] if "session" in cells else np.zeros(len(scores), np.int64)
    notes = left_out + _notes_on_missing(len(scores) - len(here))
    notes += _notes_on_far(scores[here], [table.lines[at] for at in here], scale)
    if "session" not in cells:
        close = _alike("session", table.header or ())
        notes += [f"'{close}' looks like sessions, and is not used: --session {close}"] if close else []
    votes = Votes(items, raters, item[here], rater[here], scores[here], sessions[here])
    doubled = _doubled(votes, [table.lines[at] for at in here])
    return ReadVotes(votes, tuple(notes + doubled))


def comparisons_of(
    table: Table, columns: Mapping[str, str] | None = None, words: Mapping[str, float] | None = None
) -> ReadComparisons:
    """The comparisons of a long table or of a matrix of wins.

    columns  the table's names for left, right, choice and rater where they differ; a+b joins columns
    words    what the column choice holds, if not left, right and tie: 1 for left, 0 for right, .5 for a tie

    A choice may also be the name of the item that won. Raises RecipeError for missing columns, unknown choices, and an
    item that is compared with itself.
    """
    if table.header is None:
        return ReadComparisons(_wins(table))
    table, left_out = counted_rows(table)
    chosen = _columns(table, COMPARISONS, columns or {})
    cells = {role: _cells(table, name) for role, name in chosen.items()}
    for role in ("left", "right", "rater"):
        _refuse_empty(table, role, cells[role])
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
    return ReadComparisons(comparisons, tuple(left_out + _notes_on_missing(len(choices) - len(here))))


def counted_rows(table: Table) -> tuple[Table, list[str]]:
    """The votes that count of a table that `study export` wrote, and a note on the others; any other table as it is.

    >>> header = ("vote_id", "item", "rater", "score", "counts")
    >>> table = Table("a.csv", header, (("1", "a", "r", "3", "true"), ("2", "a", "r", "1", "false")), ("2", "3"))
    >>> [row[0] for row in counted_rows(table)[0].rows]
    ['1']
    """
    if table.header is None or not {"vote_id", "counts"} <= set(table.header):
        return table, []
    at = table.header.index("counts")
    kept = [place for place, row in enumerate(table.rows) if row[at].lower() != "false"]
    left_out = len(table.rows) - len(kept)
    rows, lines = (tuple(part[place] for place in kept) for part in (table.rows, table.lines))
    note = f"{left_out} votes train or check raters, or were undone, and do not count"
    return replace(table, rows=rows, lines=lines), [note] if left_out else []


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        read = pq.read_table(path)
    except pa.ArrowException as error:
        raise ValueError(f"it is not a sound Parquet file: {error}") from error
    columns = [
        ["" if value is None else str(value).strip() for value in column.to_pylist()]
        for column in read.columns
    ]
    rows = tuple(zip(*columns, strict=True))
    if not rows:
        raise ValueError("it has no rows")
    return Table(str(path), tuple(read.column_names), rows, tuple(f"row {at + 1}" for at in range(len(rows))))


def _csv(path: Path) -> Table:
    text = decode_text(path.read_bytes()).text
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise ValueError("it is empty")
    separator = next((sign for sign in SEPARATORS if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[str, ...]] = []
    lines: list[str] = []
    for row in reader:
        if len(row) > 1 or (row and row[0].strip()):
            rows.append(tuple(cell.strip() for cell in row))
            lines.append(f"line {reader.line_num}")
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            raise ValueError(f"{line} has {len(row)} cells, and the first row has {width}")
    comma = separator != ","
    if _is_matrix(rows[0], comma):
        return Table(str(path), None, tuple(rows), tuple(lines), comma)
    if len(rows) == 1:
        raise ValueError("it has a header and no rows")
    return Table(str(path), rows[0], tuple(rows[1:]), tuple(lines[1:]), comma)


def _is_matrix(row: Sequence[str], comma: bool) -> bool:
    """True if a first row holds numbers and missing votes only, so that it is not a header."""
    sign = r"[.,]" if comma else r"\."
    pattern = re.compile(rf"[-+]?(\d+({sign}\d*)?|{sign}\d+)([eE][-+]?\d+)?")
    return all(cell.lower() in MISSING or pattern.fullmatch(cell) for cell in row)


def _matrix(table: Table, scale: tuple[float, float] | None) -> ReadVotes:
    width = len(table.rows[0])
    flat, wrong = _numbers(table, [cell for row in table.rows for cell in row], width)
    if wrong:
        raise RecipeError(
            f"{table.name}: {_places(wrong)} is not a number", "leave a missing vote empty, or write nan"
        )
    here = np.flatnonzero(~np.isnan(flat))
    lines = [f"{table.lines[at // width]}, column {at % width + 1}" for at in here]
    _check_scale(flat[here], lines, scale)
    notes = [f"the file has no header: {len(table.rows)} rows are items, and {width} columns are raters"]
    notes += _notes_on_far(flat[here], lines, scale)
    return ReadVotes(votes_from_matrix(flat.reshape(-1, width)), tuple(notes))


def _wins(table: Table) -> Comparisons:
    flat, wrong = _numbers(table, [cell for row in table.rows for cell in row], len(table.rows[0]))
    if wrong:
        raise RecipeError(f"{table.name}: {_places(wrong)} is not a number")
    try:
        return comparisons_from_wins(np.nan_to_num(flat).reshape(-1, len(table.rows[0])))
    except ValueError as error:
        raise RecipeError(
            f"{table.name}: {error}",
            "for an items × raters matrix use a method for votes, such as --method map",
        ) from error


def _columns(
    table: Table, roles: Sequence[str], said: Mapping[str, str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """The table's column for each role. Raises RecipeError that names columns which look like the missing ones."""
    header = table.header or ()
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise RecipeError(f"{table.name} has two columns '{twice[0]}'", "rename one of them")
    small = {name.lower(): name for name in header}
    found: dict[str, str] = {}
    missing: list[str] = []
    for role in (*roles, *optional):
        if role in said:
            for part in said[role].split("+") if said[role] not in header else [said[role]]:
                if part not in header:
                    close = nearest(part, header)
                    raise RecipeError(
                        f"{table.name} has no column '{part}'{f'; {close!r} looks like it' if close else ''}",
                        f"its columns are {', '.join(header)}",
                    )
            found[role] = said[role]
        elif role in small:
            found[role] = small[role]
        elif role in roles:
            missing.append(role)
    if missing:
        raise _missing_columns(table, missing, set(found.values()))
    return found


def _missing_columns(table: Table, missing: Sequence[str], taken: set[str]) -> RecipeError:
    header = table.header or ()
    parts: list[str] = []
    options: list[str] = []
    for role in missing:
        close = _alike(role, [name for name in header if name not in taken])
        if close:
            taken.add(close)
            options.append(f"--{role} {_quoted(close)}")
            parts.append(f"there is no column '{role}'; '{close}' looks like it: {options[-1]}")
        else:
            parts.append(f"there is no column '{role}'")
    hint = f"add {' '.join(options)}; " if len(options) > 1 else ""
    return RecipeError(f"{table.name}: {'. '.join(parts)}", f"{hint}its columns are {', '.join(header)}")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.+-]+", name) else f"'{name}'"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _alike(role: str, header: Sequence[str]) -> str | None:
    """The column that looks like a role: another word for it, or a misspelling."""
    plain = {_plain(name): name for name in reversed(header)}
    for word in OTHER_WORDS[role]:
        if word in plain:
            return plain[word]
    return nearest(role, header)


def _cells(table: Table, name: str) -> list[str]:
    header = table.header or ()
    places = [header.index(part) for part in ([name] if name in header else name.split("+"))]
    if len(places) == 1:
        return [row[places[0]] for row in table.rows]
    return ["/".join(row[place] for place in places) for row in table.rows]


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


def _refuse_empty(table: Table, role: str, cells: Sequence[str]) -> None:
    empty = [table.lines[at] for at, cell in enumerate(cells) if not cell]
    if empty:
        raise RecipeError(
            f"{table.name}: the {role} is empty in {len(empty)} rows, the first is {empty[0]}",
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
    return [
        f"{len(far)} votes are far from all others, and count: {shown}. --scale LOW-HIGH refuses such votes"
    ]


def _doubled(votes: Votes, lines: Sequence[str]) -> list[str]:
    """Names the first vote that a rater gave twice on an item in one session."""
    seen: dict[tuple[int, int, int], int] = {}
    triples = zip(votes.item.tolist(), votes.rater.tolist(), votes.session.tolist(), strict=True)
    again = [(key, at) for at, key in enumerate(triples) if seen.setdefault(key, at) != at]
    if not again:
        return []
    key, at = again[0]
    return [
        f"{len(again)} votes are doubled within a session; the first is of '{votes.raters[key[1]]}' on "
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


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The different names in the order of their first appearance, and the number of each."""
    order = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return tuple(order), np.array([order[name] for name in names], np.int64)


def _places(found: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"'{cell}' in {line}" for cell, line in found[:3])
    return f"{shown} and {len(found) - 3} more" if len(found) > 3 else shown
