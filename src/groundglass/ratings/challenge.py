"""A challenge: submissions of many teams, scored on a hidden split and ranked with intervals.

A submission is a CSV file with the columns name and score. Its team is the folder that it is in, or the file's name if
it is directly in the folder of submissions. Its day is the day (UTC) on which the file was last written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from groundglass import __version__
from groundglass.errors import RecipeError
from groundglass.ratings.agreement import srcc
from groundglass.ratings.rank_groups import LEVEL, holm, p_of_difference, rank_groups
from groundglass.ratings.rated_images import FEWEST, RatedImages
from groundglass.ratings.resampling import Resampled, Wanted, interval, resample
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.score_agreement import pearson
from groundglass.ratings.vote_table import MISSING, Table, read_table
from groundglass.ratings.votes import Floats
from groundglass.text.suggest import nearest

HEADER = ("name", "score")
SCORED, REFUSED, OVER_LIMIT = "scored", "refused", "over the limit"


@dataclass(frozen=True)
class Submission:
    """One file.

    state   scored, refused or over the limit; `reason` and `line` say why it is not scored
    score   (SRCC + PLCC) / 2, from -1 to 1; higher is better. Signs count: a reversed score gets a negative value
    best    whether it is the best of its team, which is the one that is ranked
    """

    team: str
    file: str
    written: datetime
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
        return vars(self) | {
            "written": self.written.isoformat(timespec="seconds"),
            "ci95": list(self.ci95) if self.ci95 else None,
        }


@dataclass(frozen=True)
class Challenge:
    """The result: all submissions, and the best one of each team in the order of rank."""

    submissions: tuple[Submission, ...]
    images: int
    contents: int
    per_day: int | None
    bootstrap: int
    seed: int

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
        }


class BadSubmission(Exception):
    """A submission that cannot be scored: the reason, and the line of the file."""

    def __init__(self, reason: str, line: str | None = None) -> None:
        super().__init__(reason, line)
        self.reason, self.line = reason, line


def run_challenge(
    folder: Path, hidden: RatedImages, per_day: int | None = None, bootstrap: int = 2_000, seed: int = 0
) -> Challenge:
    """Score and rank all submissions of a folder on the hidden images.

    per_day  so many submissions of a team are scored each day, the first ones by the time of their file; None: all.
             A refused file does not count: it shows its team nothing about the hidden split

    A submission that cannot be scored is a row with a reason. Raises CannotScore if the hidden split cannot rank any
    score, RecipeError if the folder holds no CSV file.
    """
    if len(hidden.mos) < FEWEST or np.ptp(hidden.mos) == 0:
        raise CannotScore(
            f"the hidden split has {len(hidden.mos)} images with a MOS, or all MOS are equal: nothing can be ranked"
        )
    found, values = _read_all(folder, hidden, per_day)
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
        tuple(_ranked(found, both, contents)), len(hidden.mos), contents, per_day, bootstrap, seed
    )


def list_submissions(folder: Path) -> list[Submission]:
    """All CSV files of the folder and of the teams' folders in it, by team and time."""
    files = sorted(
        path
        for path in (*folder.glob("*"), *folder.glob("*/*"))
        if path.suffix.lower() == ".csv" and path.is_file() and not path.name.startswith(".")
    )
    if not files:
        raise RecipeError(
            f"{folder} holds no CSV file",
            "a submission is TEAM.csv or TEAM/ANY_NAME.csv, with the columns name,score",
        )
    found = [
        Submission(
            path.stem if path.parent == folder else path.parent.name,
            path.relative_to(folder).as_posix(),
            datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )
        for path in files
    ]
    return sorted(found, key=lambda one: (one.team, one.written, one.file))


def read_submission(path: Path, names: Sequence[str]) -> Floats:
    """The scores of the hidden images, in the order of ``names``. Raises BadSubmission with the reason and the line."""
    try:
        table = read_table(path)
    except RecipeError as error:
        raise BadSubmission(
            error.message.replace(str(path), "the file").replace("a table of votes", "a table")
        ) from error
    columns = _columns(table)
    scores: dict[str, float] = {}
    first: dict[str, str] = {}
    expected = set(names)
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


def _read_all(
    folder: Path, hidden: RatedImages, per_day: int | None
) -> tuple[list[Submission], dict[int, Floats]]:
    """All submissions, and the values of those that count by their place."""
    counted: Counter[tuple[str, str]] = Counter()
    values: dict[int, Floats] = {}
    rows: list[Submission] = []
    for at, one in enumerate(list_submissions(folder)):
        try:
            read = read_submission(folder / one.file, hidden.names)
        except BadSubmission as bad:
            rows.append(replace(one, state=REFUSED, reason=bad.reason, line=bad.line))
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
            frozenset((found[a].team, found[b].team)): value is not None and value < LEVEL
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
