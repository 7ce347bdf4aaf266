"""The images that `groundglass benchmark iqa` compares: from a table or from a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundglass.errors import RecipeError

if TYPE_CHECKING:
    from groundglass.benchmarks.score_columns import KnownMeasure
    from groundglass.ratings.rated_images import RatedImages
    from groundglass.ratings.votes import Votes


@dataclass(frozen=True)
class Asked:
    """The columns that were asked for, by their role."""

    scores: tuple[str, ...]
    mos: str | None
    name: str | None = None
    content: str | None = None
    strata: tuple[str, ...] = ()
    sd: str | None = None
    votes: str | None = None


@dataclass(frozen=True)
class Data:
    """The images, where they come from, and what is known of their measures."""

    images: RatedImages
    source: str
    sha256: str
    measures: Mapping[str, KnownMeasure] = field(default_factory=dict)
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)


def read_data(source: str, asked: Asked, runs: Path) -> Data:
    """The images of a table, or of a run if there is no such file."""
    if Path(source).is_file():
        return _from_table(Path(source), asked)
    if Path(source).suffix.lower() in (".csv", ".tsv", ".parquet", ".pq", ".txt"):
        raise RecipeError(f"there is no file {source}", "name a CSV or Parquet file, or a run")
    return _from_run(source, asked, runs)


def _from_table(path: Path, asked: Asked) -> Data:
    from groundglass.benchmarks.score_columns import known_measure
    from groundglass.files.hashes import file_sha256
    from groundglass.ratings.rated_images import read_rated_images
    from groundglass.ratings.vote_table import read_table

    images = read_rated_images(
        read_table(path),
        asked.scores,
        asked.mos,
        asked.name,
        asked.content,
        asked.strata,
        asked.sd,
        asked.votes,
    )
    known = {name: facts for name in asked.scores if (facts := known_measure(name))}
    return Data(images, str(path), file_sha256(path), known)


def _from_run(run: str, asked: Asked, runs: Path) -> Data:
    from groundglass.benchmarks.read_run import read_run_scores
    from groundglass.benchmarks.score_columns import numbers_of, words_of
    from groundglass.plans.run_folder import find_run
    from groundglass.ratings.rated_images import rated_images, standard_errors
    from groundglass.reports.named_thumbnails import named_thumbnails

    if asked.name is not None:
        raise click.UsageError("--name is for a table: the images of a run have the names of their source")
    folder = find_run(run, runs)
    mos = asked.mos or "mos"
    numeric = [*asked.scores, mos, *(name for name in (asked.sd,) if name)]
    counted = [asked.votes] if asked.votes and not asked.votes.isdecimal() else []
    words = [*([asked.content] if asked.content else []), *asked.strata]
    if mos in asked.scores:
        raise RecipeError(
            f"'{mos}' is the MOS: it cannot be compared with itself", f"leave out --score {mos}"
        )
    found = read_run_scores(folder, [*numeric, *counted, *words])
    texts = {name: words_of(found.columns[name]) for name in words}
    try:
        numbers = {
            name: numbers_of(name, found.columns[name]) for name in [*numeric[len(asked.scores) :], *counted]
        }
    except ValueError as error:
        raise RecipeError(str(error)) from None
    try:
        counts: Any = numbers[asked.votes] if counted and asked.votes else int(asked.votes or 0) or None
    except ValueError:
        raise click.UsageError(f"--votes {asked.votes} is not a column and not a number") from None
    images = rated_images(
        numbers[mos],
        {name: found.columns[name] for name in asked.scores},
        found.names,
        texts[asked.content] if asked.content else (),
        {name: texts[name] for name in asked.strata},
        standard_errors(numbers[asked.sd] if asked.sd else None, counts),
    )
    images = replace(images, notes=(*images.notes, *found.notes))
    plain = json.dumps([found.names, {name: list(map(str, each)) for name, each in found.columns.items()}])
    known = {name: one for name, one in found.measures.items() if name in asked.scores}
    shown = named_thumbnails(found.tables, found.rows, found.names)
    return Data(images, str(folder.path), hashlib.sha256(plain.encode()).hexdigest(), known, shown)


def read_votes_behind(path: Path | None) -> tuple[Votes | None, tuple[str, ...]]:
    """The votes of a table, if there is one, and notes on those that do not count."""
    if path is None:
        return None, ()
    from groundglass.ratings.read_votes import votes_of
    from groundglass.ratings.vote_table import read_table

    try:
        found = votes_of(read_table(path))
    except RecipeError as error:
        raise RecipeError(
            f"--votes-table: {error.message}", "the table of votes needs the columns item, rater and score"
        ) from error
    return found.votes, tuple(f"--votes-table: {note}" for note in found.notes)
