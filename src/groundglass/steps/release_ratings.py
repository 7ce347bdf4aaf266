"""Releases of ratings: a rating set, or a challenge, of the images of the current set that people rated in a study."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import NothingProduced, RecipeError
from groundglass.plans.planner import PlannedStep, Planner, find_column
from groundglass.plans.state import State
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.model import Step
from groundglass.recipes.split_model import SplitStep
from groundglass.releases.journal import check_place
from groundglass.releases.manifest import high_rows
from groundglass.releases.read_finished import finished_release
from groundglass.releases.release import write_release
from groundglass.releases.writers.ratings import ChallengeRelease, RatingsRelease
from groundglass.steps.benchmark.columns import studies_before
from groundglass.steps.made_files import made_files
from groundglass.steps.release import Released, described, is_release_of, release_context, release_folder
from groundglass.steps.release_rows import answer_columns, rows_to_release
from groundglass.studies.challenge_set import (
    HIDDEN,
    PUBLIC,
    check_challenge,
    public_files,
    set_one_date,
    write_hidden,
)
from groundglass.studies.export import encoded
from groundglass.studies.open_study import make_study
from groundglass.studies.rating_set import (
    GENERATOR,
    WORDS_OF_RECIPES,
    RatingSet,
    assign_rated,
    notes_on,
    scored_study,
    splits_in,
)
from groundglass.studies.release_set import set_files, vote_log
from groundglass.studies.write_set import CARD, write_set
from groundglass.tables.parquet import compute, find_keys
from groundglass.tables.rows import ROWS
from groundglass.tables.verdicts import VERDICTS
from groundglass.text.format import some

TABLE_BYTES = 2_000
"""The size of the tables for each rated image, about; most of it are the votes."""


def plan_ratings(planner: Planner, body: RatingsRelease) -> None:
    """Refuse a rating set without a study before it, and splits that the recipe has already made."""
    before = planner.loaded.recipe.steps[: planner.index]
    studies = studies_before(before)
    if not studies:
        planner.fail(
            ("release", "format"),
            f"no step before this one has ratings to put into `{body.format}`",
            "add a `study` step that rates the images of the set",
        )
    if body.study is not None and body.study not in studies:
        planner.fail(
            ("release", "study"),
            f"no study before this one is called '{body.study}'",
            f"the studies: {', '.join(studies)}",
            studies,
            body.study,
        )
    if body.stratify is not None:
        find_column(planner, body.stratify, ("release", "stratify"))
    if makes_splits(before):
        for key in ("stratify", "validation", "test"):
            if getattr(body, key) is not None:
                planner.fail(
                    ("release", key),
                    f"`{key}` has no meaning here: a step before this one makes the splits",
                    "write it in the `split` step, or leave it out",
                )
    if isinstance(body, ChallengeRelease) and not _tests(before, body):
        planner.fail(
            ("release", "format"),
            "a challenge hides the scores of the split test, and no image is in it",
            "add `test: 20%` to the `split` step",
        )


def makes_splits(before: Sequence[Step]) -> bool:
    """Whether a step puts images into splits."""
    return any(isinstance(step.body, SplitStep | HoldOutStep) for step in before)


def _tests(before: Sequence[Step], body: RatingsRelease) -> bool:
    if not makes_splits(before):
        return body.shares["test"] > 0
    return any(
        bool(step.body.test) if isinstance(step.body, SplitStep) else "test" in step.body.splits
        for step in before
        if isinstance(step.body, SplitStep | HoldOutStep)
    )


def check_place_of_ratings(place: Path, body: RatingsRelease, recipe: str) -> None:
    """Refuse a folder that a run of this recipe could not write to. Raises RecipeError, UnreachableError."""
    if not isinstance(body, ChallengeRelease):
        check_place(place, recipe)
        return
    there = {path.name for path in place.iterdir()} if place.is_dir() else set[str]()
    others = sorted(there - {PUBLIC, HIDDEN})
    if others:
        raise RecipeError(
            f"{place} is not empty, and is not a challenge: it has {others[0]}",
            "choose a new or an empty folder",
        )
    # Only the hidden part names the recipe. The run compares what is in the public one with what it would write.
    check_place(place / HIDDEN, recipe)


def release_ratings_of(state: State, planned: PlannedStep) -> Released:
    """Write the rating set or the challenge of a run into its folder; an interrupted one goes on."""
    body = planned.step.body
    assert isinstance(body, RatingsRelease)
    rows = rows_to_release(state, planned.scope)
    try:
        found = rating_set(state, planned, rows, body)
        if isinstance(body, ChallengeRelease):
            check_challenge(found)
    except NothingProduced as error:
        nothing = {"folder": None, "pictures": {}, "files": 0, "bytes": 0}
        return Released(VERDICTS.empty_table(), nothing, (error.message,), left_out=rows.num_rows)
    folder = release_folder(state, planned)
    left_out = rows.num_rows - len(found.splits)
    if isinstance(body, ChallengeRelease):
        made = _challenge(state, planned, rows, found, folder, body)
    elif body.images:
        made = _with_images(state, planned, rows, found, folder, body)
    else:
        files = set_files(found, body.licence)
        write_set(folder, files)
        made = _tables_only(found, folder, files, body)
    unrated = (
        (f"{some(left_out, 'images')} of the set have no ratings: they are not part of it",)
        if left_out
        else ()
    )
    return replace(made, notes=(*made.notes, *unrated, *found.notes), left_out=left_out)


def rating_set(state: State, planned: PlannedStep, rows: pa.Table, body: RatingsRelease) -> RatingSet:
    """The rating set of the rows of a release, with the recipe's splits or with splits of its own.

    Raises NothingProduced without any score.
    """
    steps = [one.step for one in state.run.plan.steps]
    studies = studies_before(steps[: steps.index(planned.step)])
    name = body.study or list(studies)[-1]
    study = make_study(state.run.folder, name, studies[name], state.run.seed, None, list)
    items, votes, results = scored_study(study)
    ids = set(rows["id"].to_pylist())
    rated = [item for item in items.to_pylist() if item["role"] == "rate" and item["row"] in ids]
    keys = pa.chunked_array([pa.array([item["row"] for item in rated], pa.string())])
    mine = rows.take(find_keys(keys, rows["id"]))
    if makes_splits(steps):
        splits = splits_in(mine.select(["id", "split"]))
    else:
        strata = _column(mine, body.stratify or "source")
        splits = assign_rated(study, rated, mine["root"], strata, body.shares)
    grouped = body.stratify or GENERATOR
    groups = _column(mine, grouped).to_pylist()
    found = RatingSet(
        study, items, votes, results, splits, dict(zip(keys.to_pylist(), groups, strict=True)), grouped
    )
    return replace(found, notes=notes_on(found))


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of the release's rows as text; nulls if they do not have it."""
    if name not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    return rows[name].cast(pa.string())


def _tables_only(
    found: RatingSet, folder: Path, files: Mapping[str, bytes], body: RatingsRelease
) -> Released:
    return Released(
        VERDICTS.empty_table(),
        {
            "folder": folder.name if body.to is None else str(folder),
            "archive": None,
            "pictures": {WORDS_OF_RECIPES.get(split, split): many for split, many in found.counts.items()},
            "files": len(files),
            "bytes": sum(map(len, files.values())),
            "resumed": 0,
            "licences": {},
            "ratings": _facts(found),
        },
    )


def _facts(found: RatingSet) -> dict[str, Any]:
    return {
        "study": found.study.name,
        "images": len(found.scored),
        "votes": found.results.votes,
        "raters": len(found.results.raters),
        "splits": found.counts,
    }


def _with_images(
    state: State, planned: PlannedStep, rows: pa.Table, found: RatingSet, folder: Path, body: RatingsRelease
) -> Released:
    """A release of images with the tables of the ratings next to them."""
    chosen = _rated_rows(rows, found)
    plain = body.model_copy(update={"scores": False, "card": False, "meta_info": False})
    answers = answer_columns(state, planned.scope)
    log = encoded(vote_log(found), "csv")
    finished = finished_release(folder, plain, answers)
    if finished is not None and (body.to is None or is_release_of(folder, chosen, state)):
        if (folder / "votes.csv").read_bytes() != log:
            raise RecipeError(
                f"{folder} contains a rating set with other votes; nothing is ever overwritten",
                "choose another folder, or delete this one yourself",
            )
        made = finished
    else:
        context = replace(
            release_context(state, planned, chosen, answers),
            lists=lambda manifest: {
                **made_files(state, manifest),
                **set_files(found.with_files(_files(manifest)), body.licence),
            },
            lists_key=hashlib.sha256(log).hexdigest(),
        )
        made = write_release(folder, chosen, plain, context)
    done = described(made, plain)
    return replace(done, facts={**done.facts, "ratings": _facts(found)})


def _challenge(
    state: State,
    planned: PlannedStep,
    rows: pa.Table,
    found: RatingSet,
    folder: Path,
    body: ChallengeRelease,
) -> Released:
    """Both parts of a challenge."""
    public = folder / PUBLIC
    if not body.images:
        files = public_files(found, body.licence)
        write_set(public, files)
        write_hidden(found, folder)
        set_one_date(public)
        return _tables_only(found, folder, files, body)
    plain = body.model_copy(
        update={"scores": False, "card": False, "meta_info": False, "metadata": "none", "archive": None}
    )
    chosen = _without_facts(_rated_rows(rows, found, scored=True))
    made = finished = finished_release(public, plain)
    if made is None:
        context = replace(
            release_context(state, planned, chosen, ()),
            recipe="",
            lock="",
            ranked_by=None,
            lists=lambda manifest: {
                **made_files(state, manifest),
                **public_files(found.with_files(_files(manifest)), body.licence),
            },
            lists_key=hashlib.sha256(encoded(vote_log(found), "csv")).hexdigest(),
        )
        made = write_release(public, chosen, plain, context)
    written = found.with_files(_files(_manifest(public)))
    if finished is not None:
        _check_public(public, chosen, public_files(written, body.licence))
    write_hidden(written, folder)
    set_one_date(public)
    done = described(made, plain)
    name = folder.name if body.to is None else str(folder)
    return replace(done, facts={**done.facts, "folder": name, "ratings": _facts(written)})


def _check_public(public: Path, rows: pa.Table, files: Mapping[str, bytes]) -> None:
    """Refuse a public part that an earlier run wrote of other images or other votes."""
    ids = set(_manifest(public)["id"].to_pylist())
    same = ids <= set(rows["id"].to_pylist()) and all(
        (public / name).is_file() and (public / name).read_bytes() == data
        for name, data in files.items()
        if name != CARD
    )
    if not same:
        raise RecipeError(
            f"{public} contains a challenge with other images or votes; nothing is ever overwritten",
            "choose another folder, or delete this one yourself",
        )


def _rated_rows(rows: pa.Table, found: RatingSet, scored: bool = False) -> pa.Table:
    """The rows of a set; with ``scored`` only those with a score."""
    keys = [item.row for item in found.scored if item.score is not None or not scored]
    chosen = rows.filter(compute.is_in(rows["id"], pa.array(keys, pa.string())))
    splits = [found.splits[row] for row in chosen["id"].to_pylist()]
    named = [WORDS_OF_RECIPES.get(split, split) for split in splits]
    place = chosen.column_names.index("split")
    return chosen.set_column(place, "split", pa.array(named, pa.string()))


NEEDED = (*ROWS.names, "path", "file_format", "licence", "author", "split")


def _without_facts(rows: pa.Table) -> pa.Table:
    """The rows of a challenge, without any score or column of the source, in an order that says nothing of them.

    Folders of a source may be named after a quality, so only the names of files are kept.
    """
    kept = rows.select([name for name in NEEDED if name in rows.column_names])
    names = [uri.rsplit("/", 1)[-1] for uri in kept["uri"].to_pylist()]
    kept = kept.set_column(kept.column_names.index("uri"), "uri", pa.array(names, pa.string()))
    return kept.sort_by([("sha256", "ascending"), ("id", "ascending")])


def _manifest(folder: Path) -> pa.Table:
    return pq.read_table(folder / "manifest.parquet", columns=["id", "file", "scale", "role"])


def _files(manifest: pa.Table) -> dict[str, str]:
    """The file of each written row."""
    rows = high_rows(manifest).select(["id", "file"]).to_pylist()
    return {row["id"]: row["file"] for row in rows}
