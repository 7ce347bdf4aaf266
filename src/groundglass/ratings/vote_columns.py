"""Finds the columns of a table of votes by their names, and suggests those with another word for a role."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from groundglass.errors import RecipeError
from groundglass.ratings.vote_table import Table
from groundglass.text.suggest import nearest

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


def holds_comparisons(table: Table) -> bool:
    """True if the header has left and right, or other words for them and none for a score.

    >>> holds_comparisons(Table("a.csv", ("left", "right", "choice", "rater"), (), ()))
    True
    """
    if table.header is None:
        return False
    plain = {plain_word(name) for name in table.header}
    if {"left", "right"} <= plain:
        return True
    if plain & {"item", "score"}:
        return False
    return all(plain & {role, *OTHER_WORDS[role]} for role in ("left", "right"))


def find_columns(
    table: Table, roles: Sequence[str], said: Mapping[str, str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """The table's column for each role. ``said`` has the names that the user gave.

    Raises RecipeError that names columns which look like the missing ones.
    """
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
    close: dict[str, str | None] = {}
    for role in missing:
        close[role] = alike(role, [name for name in header if name not in taken])
        taken.add(close[role] or "")
    listed = f"its columns are {', '.join(header)}"
    if not any(close.values()):
        return RecipeError(f"{table.name}: there is no column {_or(missing)}", f"{_way_out(table)}; {listed}")
    if len(missing) == 1:
        role, name = next(iter(close.items()))
        looks = f"'{name}' looks like it: --{role} {_quoted(name or '')}"
        return RecipeError(f"{table.name}: there is no column '{role}'; {looks}", listed)
    looks = ", ".join(f"'{name}' looks like {role}" for role, name in close.items() if name)
    options = " ".join(f"--{role} {_quoted(name) if name else 'COLUMN'}" for role, name in close.items())
    return RecipeError(
        f"{table.name}: there is no column {_or(missing)}; {looks}", f"add {options}; {listed}"
    )


def _way_out(table: Table) -> str:
    """The hint if no column looks like a missing one."""
    header, first = table.header or (), table.rows[0]
    if any(_is_number(table, cell) for cell in header):
        return "the first line looks like a row: write the names of the columns above it"
    numbers = [_is_number(table, cell) for cell in first]
    if len(numbers) > 3 and all(numbers[1:]):
        return (
            "say which columns to read, such as --rater COLUMN; or, if each column is a rater, remove the first line "
            "and the names of the items"
        )
    return "say which columns to read, such as --rater COLUMN"


def _is_number(table: Table, cell: str) -> bool:
    try:
        return table.number(cell) is not None
    except ValueError:
        return False


def _or(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.+-]+", name) else f"'{name}'"


def plain_word(name: str) -> str:
    """A header in small letters without signs.

    >>> plain_word("Image_Name")
    'imagename'
    """
    return re.sub(r"[\W_]+", "", name.lower())


def alike(role: str, header: Sequence[str]) -> str | None:
    """The column that looks like a role: another word for it, or a misspelling."""
    plain = {plain_word(name): name for name in reversed(header)}
    for word in OTHER_WORDS[role]:
        if word in plain:
            return plain[word]
    return nearest(role, header)


def cells_of(table: Table, name: str) -> list[str]:
    """The cells of a column; those of a+b are joined with a slash."""
    header = table.header or ()
    places = [header.index(part) for part in ([name] if name in header else name.split("+"))]
    if len(places) == 1:
        return [row[places[0]] for row in table.rows]
    return ["/".join(row[place] for place in places) for row in table.rows]
