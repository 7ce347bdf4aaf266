"""Images with a MOS and the scores of measures: the table that a benchmark compares, and how it is read."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from groundglass.errors import RecipeError
from groundglass.ratings.vote_columns import plain_word
from groundglass.ratings.vote_table import MISSING, Table
from groundglass.ratings.votes import Flags, Floats, Ints, Votes
from groundglass.text.suggest import nearest

NAMES = (
    "name",
    "image",
    "imagename",
    "item",
    "file",
    "filename",
    "uri",
    "path",
    "stimulus",
    "id",
)
"""Headers of the images' names as `plain_word` writes them, in order of preference."""
MOS_WORDS = (
    "mosquality", "mosscore", "meanopinionscore", "meanopinion", "opinionscore", "opinion", "rating", "quality",
    "score", "dmos",
)  # fmt: skip
"""Headers that are suggested for the MOS, as `plain_word` writes them."""
FEWEST = 3
"""Images below which there is no rank correlation."""

Cell = str | float | None


@dataclass(frozen=True)
class RatedImages:
    """N images that have a MOS.

    names     their names; 0, 1, 2, … if the table has none
    mos       (N) finite, higher is better
    scores    each measure's (N) values, NaN where it failed
    failures  for each score, how many images failed for which reason: empty, text or infinite
    content   (N) number of the image's content; images of one content are drawn together in a bootstrap
    strata    for each column, the (N) words by which images are grouped
    se        (N) the standard error of the MOS, NaN where unknown; None without the votes' deviations
    grouped   whether a column of the table states the contents
    unrated   names of images without a MOS, which do not count
    """

    names: tuple[str, ...]
    mos: Floats
    scores: Mapping[str, Floats]
    failures: Mapping[str, Mapping[str, int]]
    content: Ints
    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    se: Floats | None = None
    grouped: bool = False
    named: bool = True
    notes: tuple[str, ...] = ()
    unrated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not np.isfinite(self.mos).all():
            raise ValueError("a MOS is NaN or infinite; leave such images out")

    def only(self, kept: Flags) -> RatedImages:
        """The images that ``kept`` (N) marks."""
        return replace(
            self,
            names=tuple(name for name, here in zip(self.names, kept, strict=True) if here),
            mos=self.mos[kept],
            scores={name: values[kept] for name, values in self.scores.items()},
            content=self.content[kept],
            strata={
                name: tuple(word for word, here in zip(words, kept, strict=True) if here)
                for name, words in self.strata.items()
            },
            se=None if self.se is None else self.se[kept],
        )


def rated_images(
    mos: Sequence[float] | Floats,
    scores: Mapping[str, Sequence[Cell] | Floats],
    names: Sequence[str] = (),
    content: Sequence[str] = (),
    strata: Mapping[str, Sequence[str]] | None = None,
    se: Sequence[float] | Floats | None = None,
) -> RatedImages:
    """The images from columns of N values; those whose MOS is NaN are left out.

    scores   numbers, or cells of a table: an empty cell, NaN, an infinite number and a text count as failed
    content  the content of each image; without it, each image is a content of its own
    se       the standard error of each MOS

    Raises ValueError for columns of different lengths.

    >>> images = rated_images([1, 2, 3], {"a": [0.1, "", "inf"]})
    >>> images.scores["a"].tolist(), dict(images.failures["a"])
    ([0.1, nan, nan], {'empty': 1, 'infinite': 1})
    """
    values = np.asarray(mos, np.float64)
    kept = ~np.isnan(values)
    lengths = {len(column) for column in (*scores.values(), *(strata or {}).values())}
    lengths |= {len(column) for column in (names, content, () if se is None else se) if len(column)}
    if lengths - {len(values)}:
        raise ValueError(f"{len(values)} MOS, and a column of {min(lengths - {len(values)})} values")
    parsed = {
        name: _numbers([column[at] for at in np.flatnonzero(kept).tolist()])
        for name, column in scores.items()
    }
    whole = RatedImages(
        tuple(names) or tuple(map(str, range(len(values)))),
        np.where(kept, values, 0.0),
        {},
        {name: failures for name, (_, failures) in parsed.items()},
        contents_of(content) if len(content) else np.arange(len(values), dtype=np.int64),
        {name: tuple(words) for name, words in (strata or {}).items()},
        None if se is None else np.asarray(se, np.float64),
        bool(len(content)),
        bool(len(names)),
    ).only(kept)
    found = replace(whole, scores={name: numbers for name, (numbers, _) in parsed.items()})
    left = len(values) - len(found.mos)
    if left:
        said = "image has no MOS and does" if left == 1 else "images have no MOS and do"
        unrated = tuple(names[at] for at in np.flatnonzero(~kept).tolist()) if len(names) else ()
        found = replace(found, notes=(f"{left} {said} not count",), unrated=unrated)
    alone = sum(1 for at in np.flatnonzero(kept).tolist() if len(content) and not content[at])
    if alone:
        said = "1 image has no content" if alone == 1 else f"{alone} images have no content"
        found = replace(found, notes=(*found.notes, f"{said}: each is counted as a content of its own"))
    return found


def read_rated_images(
    table: Table,
    scores: Sequence[str],
    mos: str | None = None,
    name: str | None = None,
    content: str | None = None,
    strata: Sequence[str] = (),
    sd: str | None = None,
    votes: str | None = None,
) -> RatedImages:
    """The images of a table with a header.

    mos    column of the MOS; None takes the column ``mos``
    name   column of the images' names; None takes the first column that is called like one
    sd     column of the standard deviation of the votes on an image
    votes  column of the number of votes on an image, or the number itself if it is the same for all

    Raises RecipeError for missing columns, a MOS that is not a number, and names that appear twice.
    """
    if table.header is None:
        raise RecipeError(
            f"{table.name} has no header", "the first line names the columns, such as name,mos,score"
        )
    header = table.header
    twice = sorted({one for one in header if header.count(one) > 1})
    if twice:
        raise RecipeError(f"{table.name} has two columns '{twice[0]}'", "rename one of them")
    mos = mos if mos is not None else _default_mos(table)
    for one in scores:
        if one == mos:
            raise RecipeError(
                f"'{one}' is the MOS: it cannot be compared with itself", "leave out --score " + one
            )
    cells = {one: column_of(table, one) for one in dict.fromkeys((*scores, mos, *strata))}
    names = _names(table, name)
    return rated_images(
        _numbers_of(table, mos, cells[mos], NO_MOS),
        {one: _plain_numbers(table, cells[one]) for one in dict.fromkeys(scores)},
        names,
        column_of(table, content) if content else (),
        {one: cells[one] for one in strata},
        _errors_of_table(table, sd, votes),
    )


def column_of(table: Table, name: str) -> list[str]:
    """The cells of a column. Raises RecipeError with the nearest name if there is none."""
    header = table.header or ()
    if name not in header:
        close = nearest(name, header)
        raise RecipeError(
            f"{table.name} has no column '{name}'{f'; {close!r} looks like it' if close else ''}",
            f"its columns are {', '.join(header)}",
        )
    place = header.index(name)
    return [row[place] for row in table.rows]


def with_votes(images: RatedImages, votes: Votes) -> RatedImages:
    """The same images with the standard errors of their MOS, from the votes on items of the same names."""
    once = votes.one_each()
    count = once.per_item(np.ones(len(once.score)))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = once.per_item(once.score) / count
        spread = once.per_item((once.score - mean[once.item]) ** 2) / (count - 1)
        se = np.where(count > 1, np.sqrt(spread / count), np.nan)
    by_name = dict(zip(votes.items, se.tolist(), strict=True))
    found = np.array([by_name.get(name, np.nan) for name in images.names])
    return replace(images, se=found)


def _default_mos(table: Table) -> str:
    header = table.header or ()
    small = {one.lower(): one for one in reversed(header)}
    if "mos" in small:
        return small["mos"]
    words = {plain_word(one): one for one in reversed(header)}
    close = next((words[word] for word in MOS_WORDS if word in words), None)
    raise RecipeError(
        f"{table.name} has no column 'mos'"
        + (f"; '{close}' looks like it: --mos {shlex.quote(close)}" if close else ""),
        f"its columns are {', '.join(table.header or ())}",
    )


def _names(table: Table, name: str | None) -> list[str]:
    words = {plain_word(one): one for one in reversed(table.header or ())}
    chosen = name or next((words[word] for word in NAMES if word in words), None)
    if chosen is None:
        return []
    cells = column_of(table, chosen)
    refuse_doubled(table, cells, "--name takes the names from another column")
    return cells


def refuse_doubled(table: Table, names: Sequence[str], otherwise: str) -> None:
    """Raise RecipeError if a name appears twice, with both lines."""
    first: dict[str, int] = {}
    again = [(at, name) for at, name in enumerate(names) if first.setdefault(name, at) != at]
    if again:
        at, name = again[0]
        rows = (
            "1 row repeats the name of another"
            if len(again) == 1
            else f"{len(again)} rows repeat the name of another"
        )
        raise RecipeError(
            f"{table.name}: {rows}; the first is '{name}': {table.lines[first[name]]} and {table.lines[at]}",
            f"remove one of them; {otherwise}",
        )


NO_MOS = "leave a missing MOS empty: the image then does not count"
NO_ERROR = "leave it empty where it is unknown"


def _numbers_of(table: Table, column: str, cells: Sequence[str], hint: str) -> Floats:
    values = np.full(len(cells), np.nan)
    for at, cell in enumerate(cells):
        try:
            value = table.number(cell)
        except ValueError as error:
            raise RecipeError(
                f"{table.name}: the {column} '{cell}' in {table.lines[at]} is not a number",
                hint,
            ) from error
        values[at] = np.nan if value is None else value
    return values


def _errors_of_table(table: Table, sd: str | None, votes: str | None) -> Floats | None:
    """The standard errors from the columns of a table."""
    deviations = None if sd is None else _numbers_of(table, sd, column_of(table, sd), NO_ERROR)
    counts = None
    if votes is not None:
        # A number is a count only if no column is called so.
        plain = votes.isdecimal() and votes not in (table.header or ())
        counts = int(votes) if plain else _numbers_of(table, votes, column_of(table, votes), NO_ERROR)
    return standard_errors(deviations, counts)


def standard_errors(
    deviations: Sequence[float] | Floats | None, counts: Sequence[float] | Floats | int | None
) -> Floats | None:
    """The standard error of each MOS from the deviations and the number of votes; None if neither is given.

    Raises RecipeError if only one is given, for a negative deviation, and for less than one vote.

    >>> standard_errors([1.0, 0.5], 25).tolist()
    [0.2, 0.1]
    """
    if deviations is None and counts is None:
        return None
    if deviations is None:
        raise RecipeError("--votes has no use without --sd", "add --sd COLUMN, or leave out --votes")
    if counts is None:
        raise RecipeError(
            "--sd needs the number of votes on each image",
            "add --votes COLUMN, or a number such as --votes 21",
        )
    sd, n = np.asarray(deviations, np.float64), np.asarray(counts, np.float64)
    if np.nanmin(n, initial=1) < 1 or np.nanmin(sd, initial=0) < 0:
        raise RecipeError("a standard deviation is negative, or an image has less than one vote")
    return sd / np.sqrt(n)


def _plain_numbers(table: Table, cells: Sequence[str]) -> Sequence[str]:
    # In a table with semicolons a comma may be a decimal point.
    return [cell.replace(",", ".") for cell in cells] if table.comma else cells


def _numbers(cells: Sequence[Cell]) -> tuple[Floats, dict[str, int]]:
    """The cells as numbers, NaN where they have none, and how many have none for which reason."""
    values, failures = np.full(len(cells), np.nan), Counter[str]()
    for at, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING):
            failures["empty"] += 1
            continue
        try:
            value = float(cell)
        except ValueError:
            failures["text"] += 1
            continue
        if np.isfinite(value):
            values[at] = value
        else:
            failures["empty" if np.isnan(value) else "infinite"] += 1
    return values, dict(failures)


def contents_of(cells: Sequence[str | None]) -> Ints:
    """The number of each image's content. Images without one do not belong together: each gets its own.

    >>> contents_of(["a", "b", "", "a", None]).tolist()
    [0, 1, 2, 0, 3]
    """
    order: dict[str | int, int] = {}
    return np.array([order.setdefault(cell or at, len(order)) for at, cell in enumerate(cells)], np.int64)
