"""A rating set as a record: the votes and scores of a study, the split of each image, and its group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from groundglass.errors import NothingProduced, RecipeError
from groundglass.plans.rows_after import every_image, with_values
from groundglass.plans.run_folder import RunFolder, RunRecord, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.releases.split import assign_splits
from groundglass.releases.split_names import ordered_splits
from groundglass.releases.writers.ratings import shares_of
from groundglass.studies.results import ItemResult, StudyResults, score_study
from groundglass.tables.parquet import compute, find_keys, read_table
from groundglass.text.format import some
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

TRAIN, VALIDATION, TEST = "train", "val", "test"
"""The splits of a rating set, in pyiqa's words."""
WORDS = {"validation": VALIDATION}
"""Names of a recipe's splits that pyiqa calls otherwise."""
WORDS_OF_RECIPES = {word: split for split, word in WORDS.items()}
GENERATOR = "meta.generator"
"""The column whose values the card ranks, if the run has it and no other was named."""


@dataclass(frozen=True)
class RatingSet:
    """The votes, scores and splits that a rating set is written from.

    items, votes  the tables of the study
    results       of all its votes
    splits        the split of each row of the set; a rated image that is not among them is not part of it
    groups        the value of ``grouped`` of each row, such as its generator
    files         the image file of each row, if the images are part of the set
    notes         sentences for people
    """

    study: Study
    items: pa.Table
    votes: pa.Table
    results: StudyResults
    splits: Mapping[str, str]
    groups: Mapping[str, str | None] = field(default_factory=dict)
    grouped: str = GENERATOR
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> tuple[ItemResult, ...]:
        """The images of the set, scored or not, in the order of the study."""
        return tuple(item for item in self.results.items if item.row in self.splits)

    @property
    def outside(self) -> int:
        """Rated images that are not part of the set."""
        return len(self.results.items) - len(self.scored)

    @property
    def counts(self) -> dict[str, int]:
        """The images of each split."""
        found = Counter(self.splits[item.row] for item in self.scored)
        order = ordered_splits(WORDS_OF_RECIPES.get(name, name) for name in found)
        return {word: found[word] for word in (WORDS.get(name, name) for name in order)}

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions of the scores; ``score`` if there is one."""
        body = self.study.body
        return body.dimensions if len(body.dimensions) > 1 else ("score",)

    def name_of(self, item: ItemResult) -> str:
        """The image's file in the set, or its name in its source."""
        return self.files.get(item.row, item.name)

    def scores_of(self, item: ItemResult) -> dict[str, tuple[float | None, Any]]:
        """The score of each dimension with its interval."""
        return dict(item.more) or {"score": (item.score, item.ci95)}

    def facts(self) -> dict[str, Mapping[str, Any]]:
        """The study's item of each rated row."""
        return {item["row"]: item for item in self.items.to_pylist() if item["role"] == "rate"}

    def with_files(self, files: Mapping[str, str]) -> RatingSet:
        """The set of the images that were written, under the names of their files."""
        return replace(
            self, files=files, splits={row: split for row, split in self.splits.items() if row in files}
        )


def scored_study(study: Study) -> tuple[pa.Table, pa.Table, StudyResults]:
    """The items, the votes and the results of a study.

    Raises RecipeError for comparisons of folders, whose images have no scores of their own; NothingProduced without
    any score.
    """
    if study.body.folders:
        raise RecipeError(
            "a study of folders compares them, and gives no scores to their images",
            f"groundglass study status {study.run} {study.name} shows the results; study export writes the votes",
        )
    with study.store as store:
        items, votes = store.items(), store.votes()
    results = score_study(study.body, items, votes, study.seed)
    if not any(item.score is not None for item in results.items):
        raise NothingProduced(
            f"the study {study.name} has no scores yet", "let people vote first: groundglass study serve"
        )
    return items, votes, results


def rating_set_of_run(
    study: Study, shares: Mapping[str, float] | None = None, stratify: str | None = None
) -> RatingSet:
    """The rating set of a study of a finished run.

    shares    of train, validation and test; None takes the splits of the run's `split` step, or else the usual ones
    stratify  a column of the run whose values each split has in the same shares; default: the images' sources

    Raises RecipeError for a column that the run does not have, and as `scored_study` does.
    """
    items, votes, results = scored_study(study)
    folder = RunFolder(study.run)
    record = load_record(folder)
    tables = read_tables(folder, record)
    rated = [item for item in items.to_pylist() if item["role"] == "rate"]
    ids = pa.array([item["row"] for item in rated], pa.string())
    given = None if shares or stratify else splits_of_run(folder, record)
    if given is not None:
        splits = {row: given[row] for row in ids.to_pylist() if row in given}
    else:
        roots, strata = _strata_of(tables, ids, stratify)
        splits = assign_rated(study, rated, roots, strata, shares or shares_of())
    grouped = stratify or GENERATOR
    try:
        groups = _strata_of(tables, ids, grouped)[1].cast(pa.string()).to_pylist()
    except RecipeError:
        if stratify is not None:
            raise
        groups = [None] * len(ids)
    found = RatingSet(
        study, items, votes, results, splits, dict(zip(ids.to_pylist(), groups, strict=True)), grouped
    )
    return replace(found, notes=notes_on(found))


def splits_of_run(folder: RunFolder, record: RunRecord) -> dict[str, str] | None:
    """The split of each row that the last `split` step of a run gave, in pyiqa's words; None without such a step."""
    steps = [step.step for step in record.steps if step.kind == "split" and folder.splits(step.step).exists()]
    return splits_in(read_table(folder.splits(steps[-1]))) if steps else None


def splits_in(table: pa.Table) -> dict[str, str]:
    """The splits of a table id, split, in pyiqa's words."""
    given: list[str] = table["split"].to_pylist()
    named = [WORDS.get(split, split) for split in given]
    return dict(zip(table["id"].to_pylist(), named, strict=True))


def _strata_of(
    tables: RunTables, ids: pa.Array, stratify: str | None
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The photo of each row, and its value of a column; of the source without one."""
    places = find_keys(pa.chunked_array([ids]), tables.rows["id"])
    # The votes may be those of an earlier run, with images that this run no longer has.
    roots = compute.coalesce(tables.rows["root"].take(places), ids)
    if stratify is None:
        return roots, tables.rows["source"].take(places)
    every = with_values(tables, every_image(tables), [step.step for step in tables.record.steps])
    if stratify not in every.column_names:
        known = [name for name in every.column_names if name.startswith("meta.") or name == "source"]
        raise RecipeError(
            f"this run has no column '{stratify}' to stratify by.{did_you_mean(stratify, every.column_names)}",
            f"its columns: {', '.join(known)}",
        )
    return roots, every[stratify].take(find_keys(roots, every["id"]))


def assign_rated(
    study: Study, rated: Sequence[Mapping[str, Any]], roots: Any, strata: Any, shares: Mapping[str, float]
) -> dict[str, str]:
    """The split of each rated row, in pyiqa's words. Images with the same content or prompt stay in one split.

    rated          items of the study
    roots, strata  the photo of each, and the value by which the splits are stratified
    shares         of train, validation and test
    """
    same = [item["content"] or item["prompt"] for item in rated]
    table = pa.table(
        {
            "id": pa.array([item["row"] for item in rated], pa.string()),
            "root": roots,
            "sha256": pa.array([item["sha256"] for item in rated], pa.string()),
            "phash": pa.nulls(len(rated), pa.uint64()),
            "stratum": compute.fill_null(strata.cast(pa.string()), ""),
            "same": pa.array(same, pa.string()),
        }
    )
    found = assign_splits(
        table,
        shares,
        study.seed,
        f"ratings of {study.name}",
        stratify="stratum",
        group="same" if any(same) else None,
    )
    return splits_in(found)


def notes_on(found: RatingSet) -> tuple[str, ...]:
    """Sentences on what people should know of a set: images outside of it, and contents in two splits."""
    notes = list(found.results.notes)
    if found.outside:
        said = "rated image is" if found.outside == 1 else "rated images are"
        notes.append(f"{found.outside:,} {said} not part of the set: the recipe dropped it after the rating")
    facts = found.facts()
    splits: dict[str, set[str]] = {}
    for item in found.scored:
        same = facts[item.row]["content"] or facts[item.row]["prompt"]
        if same:
            splits.setdefault(same, set()).add(found.splits[item.row])
    torn = sum(len(each) > 1 for each in splits.values())
    if torn:
        notes.append(
            f"{some(torn, 'contents')} have images in several splits: give the `split` step a `group` column"
        )
    return tuple(notes)
