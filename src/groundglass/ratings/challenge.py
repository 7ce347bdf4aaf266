"""A challenge: submissions of many teams, scored on a hidden split and ranked with intervals.

A submission is a CSV file with the columns name and score. Its team is the folder that it is in, or the file's name if
it is directly in the folder of submissions. Its day is the day (UTC) on which the file was last written.

Teams write these files, so nothing in them is trusted: a link could lead to the hidden split or to another team's file,
and a date in the future would avoid the limit of each day.
"""

from __future__ import annotations

import filecmp
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from groundglass import __version__
from groundglass.errors import RecipeError
from groundglass.ratings.agreement import pearson, srcc
from groundglass.ratings.benchmark import notes_on_contents
from groundglass.ratings.rank_groups import LEVEL, holm, p_of_difference, rank_groups
from groundglass.ratings.rated_images import FEWEST, RatedImages
from groundglass.ratings.resampling import Resampled, Wanted, excludes_zero, interval, resample
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.vote_table import MISSING, Table, read_table
from groundglass.ratings.votes import Floats
from groundglass.text.format import some
from groundglass.text.suggest import nearest

HEADER = ("name", "score")
SCORED, REFUSED, OVER_LIMIT = "scored", "refused", "over the limit"
ROOM = 1_000_000
"""Bytes that a file may have beside its rows."""
LONGEST_ROW = 1_000
"""Bytes for each hidden image; a longer file is not read into memory."""
CLOCKS = timedelta(minutes=10)
"""How far the clocks of two machines may differ before a file's date is in the future."""


@dataclass(frozen=True)
class Submission:
    """One file.

    path    the file as the file system names it; `team` and `file` are the same as text that can be printed
    state   scored, refused or over the limit; `reason` and `line` say why it is not scored
    score   (SRCC + PLCC) / 2, from -1 to 1; higher is better. Signs count: a reversed score gets a negative value
    best    whether it is the best of its team, which is the one that is ranked
    """

    team: str
    file: str
    written: datetime
    path: Path = field(repr=False)
    state: str = SCORED
    reason: str | None = None
    line: str | None = None
    score: float | None = None
    ci95: tuple[float, float] | None = None
    srcc: float | None = None
    plcc: float | None = None
    rank: int | None = None
    rank_group: int | None = None
    best: bool = False

    def plain(self) -> dict[str, Any]:
        """The same for JSON."""
        found = vars(self) | {
            "written": self.written.isoformat(timespec="seconds"),
            "ci95": list(self.ci95) if self.ci95 else None,
        }
        del found["path"]
        return found


@dataclass(frozen=True)
class Challenge:
    """The result: all submissions, the best one of each team in the order of rank, and notes on what was left out."""

    submissions: tuple[Submission, ...]
    images: int
    contents: int
    per_day: int | None
    bootstrap: int
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def ranking(self) -> tuple[Submission, ...]:
        """The best submission of each team, the best team first."""
        return tuple(sorted((one for one in self.submissions if one.best), key=lambda one: one.rank or 0))

    def plain(self) -> dict[str, Any]:
        """The same for JSON; null for what is unknown."""
        return {
            "ranking": [one.plain() for one in self.ranking],
            "submissions": [one.plain() for one in self.submissions],
            "images": self.images,
            "contents": self.contents,
            "per_day": self.per_day,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "version": __version__,
            "notes": list(self.notes),
        }


class BadSubmission(Exception):
    """A submission that cannot be scored: the reason, and the line of the file."""

    def __init__(self, reason: str, line: str | None = None) -> None:
        super().__init__(reason, line)
        self.reason, self.line = reason, line


def run_challenge(
    folder: Path,
    hidden: RatedImages,
    per_day: int | None = None,
    bootstrap: int = 2_000,
    seed: int = 0,
    hidden_file: Path | None = None,
) -> Challenge:
    """Score and rank all submissions of a folder on the hidden images.

    hidden_file  the file of the hidden split: neither it nor a copy of it is ever a submission
    per_day  so many submissions of a team are scored each day, the first ones by the time of their file; None: all.
             A refused file does not count: it shows its team nothing about the hidden split

    A submission that cannot be scored is a row with a reason. Raises CannotScore if the hidden split cannot rank any
    score, RecipeError if the folder holds no CSV file.
    """
    if len(hidden.mos) < FEWEST or np.ptp(hidden.mos) == 0:
        raise CannotScore(
            f"the hidden split has {len(hidden.mos)} images with a MOS, or all MOS are equal: nothing can be ranked"
        )
    listed, notes = list_submissions(folder)
    found, values = _read_all(listed, hidden, per_day, hidden_file)
    contents = len(np.unique(hidden.content))
    drawn: dict[int, Resampled] = {}
    if bootstrap and contents >= FEWEST and values:
        here = np.ones(len(hidden.mos), np.bool_)
        wanted = {str(at): Wanted(each, here) for at, each in values.items()}
        drawn = {
            int(at): each
            for at, each in resample(hidden.mos, hidden.content, wanted, bootstrap, seed).items()
        }
    both = {at: (each.srcc + each.plcc[0]) / 2 for at, each in drawn.items()}
    found = [replace(one, ci95=interval(both[at])) if at in both else one for at, one in enumerate(found)]
    return Challenge(
        tuple(_ranked(found, both, contents)),
        len(hidden.mos),
        contents,
        per_day,
        bootstrap,
        seed,
        (*hidden.notes, *notes, *notes_on_contents(contents, bootstrap)),
    )


def list_submissions(folder: Path) -> tuple[list[Submission], list[str]]:
    """All CSV files of the folder and of the teams' folders in it, by team and time; and a note on other files."""
    files, others = list[Path](), list[Path]()
    for path in _files_below(folder):
        is_csv = path.suffix.lower() == ".csv" and len(path.relative_to(folder).parts) <= 2
        (files if is_csv else others).append(path)
    if not files:
        raise RecipeError(
            f"{folder} holds no CSV file",
            "a submission is TEAM.csv or TEAM/ANY_NAME.csv, with the columns name,score",
        )
    found = [
        Submission(
            _printable(Path(path.stem) if path.parent == folder else Path(path.parent.name)),
            _printable(path.relative_to(folder)),
            _written(path),
            path,
        )
        for path in files
    ]
    notes: list[str] = []
    if others:
        verb = "is not a submission" if len(others) == 1 else "are not submissions"
        shown = ", ".join(_printable(path.relative_to(folder)) for path in others[:3])
        notes = [
            f"{some(len(others), 'files')} {verb} (TEAM.csv or TEAM/ANY_NAME.csv): "
            f"{shown}{' and others' if len(others) > 3 else ''}"
        ]
    return sorted(found, key=lambda one: (one.team, one.written, one.file)), notes


def _files_below(folder: Path) -> Iterator[Path]:
    """All that is not a folder, with links to folders, and folders that cannot be read; names that begin with a dot are
    left out."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            yield from () if path.name.startswith(".") else _files_below(path)
        elif not path.name.startswith("."):
            yield path


def _printable(path: Path) -> str:
    # A name that is not UTF-8 could neither be printed nor written to a file.
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        # Later than the year 9999, or removed meanwhile: it is refused when it is read.
        return datetime.max.replace(tzinfo=UTC)


def read_submission(path: Path, names: Sequence[str], unrated: Sequence[str] = ()) -> Floats:
    """The scores of the hidden images, in the order of ``names``. Images of ``unrated`` may be among them, and do not
    count. Raises BadSubmission with the reason and the line.
    """
    try:
        table = read_table(path)
    except RecipeError as error:
        raise BadSubmission(error.message.replace(str(path), "the file")) from error
    columns = _columns(table)
    scores: dict[str, float] = {}
    first: dict[str, str] = {}
    free = set(unrated)
    expected = {*names, *free}
    for row, line in zip(table.rows, table.lines, strict=True):
        name, cell = (row[at] for at in columns)
        if name in first:
            raise BadSubmission(f"'{name}' appears twice, first in {first[name]}", line)
        if name not in expected:
            close = nearest(name, names)
            raise BadSubmission(
                f"'{name}' is not an image of the split" + (f"; '{close}' looks like it" if close else ""),
                line,
            )
        first[name] = line
        if name not in free:
            scores[name] = _score_of(table, cell, line)
    missing = [name for name in names if name not in scores]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadSubmission(f"'{missing[0]}'{more} has no score")
    values = np.array([scores[name] for name in names])
    if np.ptp(values) == 0:
        raise BadSubmission(f"all scores are {values[0]:g}: a constant cannot be ranked")
    return values


def _columns(table: Table) -> tuple[int, int]:
    if table.header is None:
        raise BadSubmission("there is no header; the first line must be name,score", table.lines[0])
    small = [one.lower() for one in table.header]
    for wanted in HEADER:
        if small.count(wanted) != 1:
            how = "appears twice" if wanted in small else "is missing"
            raise BadSubmission(
                f"the column '{wanted}' {how}; the columns are {', '.join(table.header)}", "line 1"
            )
    return small.index("name"), small.index("score")


def _score_of(table: Table, cell: str, line: str) -> float:
    if cell.lower() in MISSING:
        raise BadSubmission("the score is empty or NaN", line)
    try:
        value = float(cell.replace(",", ".") if table.comma else cell)
    except ValueError:
        raise BadSubmission(f"the score '{cell}' is not a number", line) from None
    if not np.isfinite(value):
        raise BadSubmission(f"the score '{cell}' is infinite or NaN", line)
    return value


def _refuse_file(one: Submission, images: int, hidden_file: Path | None) -> None:
    """Raise BadSubmission for a file that must not be read."""
    path = one.path
    if path.is_symlink():
        raise BadSubmission("it is a link; a submission is a file of its own")
    if not path.is_file():
        raise BadSubmission("it is not a file")
    if hidden_file is not None and filecmp.cmp(path, hidden_file, shallow=False):
        raise BadSubmission("it is the hidden split; keep it where teams cannot read it")
    if one.written > datetime.now(UTC) + CLOCKS:
        raise BadSubmission("its date is in the future, so it belongs to no day")
    if path.stat().st_size > ROOM + LONGEST_ROW * images:
        raise BadSubmission(f"it is too large for {some(images, 'images')}")


def _read_all(
    listed: Sequence[Submission], hidden: RatedImages, per_day: int | None, hidden_file: Path | None
) -> tuple[list[Submission], dict[int, Floats]]:
    """All submissions, and the values of those that count by their place."""
    counted: Counter[tuple[str, str]] = Counter()
    values: dict[int, Floats] = {}
    rows: list[Submission] = []
    for at, one in enumerate(listed):
        try:
            _refuse_file(one, len(hidden.mos), hidden_file)
            read = read_submission(one.path, hidden.names, hidden.unrated)
        except BadSubmission as bad:
            rows.append(replace(one, state=REFUSED, reason=bad.reason, line=bad.line))
            continue
        except OSError as error:
            rows.append(replace(one, state=REFUSED, reason=f"it cannot be read: {error.strerror or error}"))
            continue
        day = one.written.date().isoformat()
        counted[one.team, day] += 1
        if per_day is not None and counted[one.team, day] > per_day:
            reason = f"valid file number {counted[one.team, day]} on {day}: {per_day} a day are scored"
            rows.append(replace(one, state=OVER_LIMIT, reason=reason))
            continue
        values[at] = read
        rows.append(_scored(one, read, hidden.mos))
    return rows, values


def _scored(one: Submission, values: Floats, mos: Floats) -> Submission:
    # Constant values were refused before, so both correlations exist.
    rank, straight = srcc(values, mos) or 0.0, pearson(values, mos) or 0.0
    return replace(one, srcc=rank, plcc=straight, score=(rank + straight) / 2)


def _ranked(found: Sequence[Submission], both: dict[int, Floats], contents: int) -> list[Submission]:
    """The submissions with the best of each team marked, ranked, and grouped by what is shown to differ."""
    best: dict[str, int] = {}
    for at, one in enumerate(found):
        if one.score is not None and (one.team not in best or one.score > (found[best[one.team]].score or 0)):
            best[one.team] = at
    order = sorted(best.values(), key=lambda at: -(found[at].score or 0))
    pairs = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :] if a in both and b in both]
    p = holm(
        [
            p_of_difference((found[a].score or 0) - (found[b].score or 0), both[a] - both[b], contents)
            for a, b in pairs
        ]
    )
    groups: dict[str, int] = {}
    if pairs or len(order) == 1:
        different = {
            frozenset((found[a].team, found[b].team)): value is not None
            and value < LEVEL
            and excludes_zero(interval(both[a] - both[b]))
            for (a, b), value in zip(pairs, p, strict=True)
        }
        groups = rank_groups({found[at].team: found[at].score or 0 for at in order}, different)
    rows = list(found)
    for place, at in enumerate(order):
        # Equal scores share the better rank.
        same = place and found[order[place - 1]].score == found[at].score
        rank = rows[order[place - 1]].rank if same else place + 1
        rows[at] = replace(found[at], best=True, rank=rank, rank_group=groups.get(found[at].team))
    return rows
