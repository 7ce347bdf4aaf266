"""A rating set to publish: raw votes, scores, splits, the table that pyiqa reads, a card, and checksums."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from groundglass import __version__
from groundglass.errors import NothingProduced, RecipeError
from groundglass.files.atomic import write_bytes
from groundglass.plans.rows_after import every_image, with_values
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import read_tables
from groundglass.ratings.set_statistics import SetStatistics, set_statistics
from groundglass.releases.split import assign_splits
from groundglass.studies.export import FORMULA, encoded, interval_names, scores_table, votes_table
from groundglass.studies.results import StudyResults, counted, score_of, score_study
from groundglass.studies.set_statistics_lines import statistics_lines
from groundglass.tables.parquet import compute, find_keys
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
"""The splits of a rating set, in pyiqa's words."""


@dataclass(frozen=True)
class RatingSet:
    """A rating set that was written: its files by name, the number of images of each split, and notes."""

    folder: Path
    files: tuple[str, ...]
    splits: Mapping[str, int]
    notes: tuple[str, ...]


def release_ratings(
    study: Study,
    folder: Path,
    shares: Mapping[str, float] | None = None,
    stratify: str | None = None,
    licence: str | None = None,
) -> RatingSet:
    """Write a rating set into a new folder. The images are not part of it, only their names and hashes.

    shares    of train, val and test; default: `SHARES`
    stratify  a column of the run, such as meta.generator, whose values each split has in the same shares; default: the
              sources of the images
    licence   of the ratings, for the card

    Images with the same content, or the same prompt, stay in one split. Raises RecipeError if the folder has files, if
    there is no such column, or for comparisons of folders, whose images have no scores of their own; NothingProduced
    without any score.
    """
    if study.body.folders:
        raise RecipeError(
            "a study of folders compares them, and gives no scores to their images",
            f"groundglass study status {study.run} {study.name} shows the results; study export writes the votes",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecipeError(f"{folder} exists and is not an empty folder", "name a new folder with -o")
    with study.store as store:
        items, votes = store.items(), store.votes()
    results = score_study(study.body, items, votes, study.seed)
    if not any(item.score is not None for item in results.items):
        raise NothingProduced(
            f"the study {study.name} has no scores yet", "let people vote first: groundglass study serve"
        )
    splits = split_items(study, items, shares or SHARES, stratify)
    scores = scores_table(study.body, results, study.recipe)
    scores = scores.append_column("split", pa.array([splits[row] for row in scores["row"].to_pylist()]))
    scores = scores.append_column("sha256", _of_rows(items, scores["row"], "sha256"))
    log = votes_table(items, votes, study.body, study.recipe)
    recipe = (study.run / "recipe.yaml").read_bytes()
    files = {
        "votes.csv": encoded(log, "csv"),
        "votes.parquet": encoded(log, "parquet"),
        "scores.csv": encoded(scores, "csv"),
        "scores.parquet": encoded(scores, "parquet"),
        f"meta_info_{study.name}.csv": meta_info(study, votes, results, splits),
        "study.yaml": (study.folder / "study.yaml").read_bytes(),
        "recipe.yaml": recipe,
    }
    said = statistics_lines(statistics_of(study, items, results, stratify), stratify or GENERATOR)
    files["README.md"] = card(study, results, splits, licence, tuple(files), said).encode()
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    for name, data in (files | {"SHA256SUMS": sums.encode()}).items():
        write_bytes(data, folder / name)
    counts = Counter(splits[item.row] for item in results.items)
    return RatingSet(folder, (*files, "SHA256SUMS"), dict(counts), results.notes)


def _of_rows(items: pa.Table, rows: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    return items[name].take(find_keys(rows, items["row"]))


def split_items(
    study: Study, items: pa.Table, shares: Mapping[str, float], stratify: str | None
) -> dict[str, str]:
    """The split of each rated row."""
    rated = [item for item in items.to_pylist() if item["role"] == "rate"]
    ids = pa.array([item["row"] for item in rated], pa.string())
    roots, strata = _strata_of(study, ids, stratify)
    same = [item["content"] or item["prompt"] for item in rated]
    table = pa.table(
        {
            "id": ids,
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
    return dict(zip(found["id"].to_pylist(), found["split"].to_pylist(), strict=True))


def _strata_of(study: Study, ids: pa.Array, stratify: str | None) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The photo of each row, and its value of a column; of the source without one."""
    tables = read_tables(RunFolder(study.run), load_record(RunFolder(study.run)))
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


GENERATOR = "meta.generator"
"""The column whose values the card ranks, if the run has it and no other was named."""


def statistics_of(
    study: Study, items: pa.Table, results: StudyResults, stratify: str | None = None
) -> SetStatistics:
    """The statistics of the scores of each dimension; groups are the values of ``stratify``, or the generators."""
    known = {item["row"]: item for item in items.to_pylist()}
    rows = [item.row for item in results.items]
    try:
        _, strata = _strata_of(study, pa.array(rows, pa.string()), stratify or GENERATOR)
        groups = strata.cast(pa.string()).to_pylist()
    except RecipeError:
        if stratify is not None:
            raise
        groups = []
    names = study.body.dimensions if len(study.body.dimensions) > 1 else ("score",)
    scores = {
        name: [item.more[name][0] if item.more else item.score for item in results.items] for name in names
    }
    content = [known[row]["content"] or known[row]["prompt"] for row in rows]
    return set_statistics(scores, groups, content if any(content) else (), seed=study.seed)


def meta_info(study: Study, votes: pa.Table, results: StudyResults, splits: Mapping[str, str]) -> bytes:
    """The table that pyiqa's datasets read: the image's name, its score, and the split (`split_index: split`).

    A name that a spreadsheet takes for a formula begins with ./, which is the same path.
    """
    spread = _spread(study, votes)
    names = study.body.dimensions if len(study.body.dimensions) > 1 else ("score",)
    rows: list[dict[str, Any]] = []
    for item in results.items:
        if item.score is None:
            continue
        said: dict[str, Any] = {"img_name": _path(item.name), "mos": item.score, "std": spread.get(item.item)}
        for name, (score, ends) in (item.more or {"score": (item.score, item.ci95)}).items():
            one, low, high = interval_names(name)
            said |= {low: ends and ends[0], high: ends and ends[1]}
            said |= {} if name == names[0] else {one: score}
        rows.append(said | {"votes": item.votes, "split": splits[item.row]})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(rows[0])
    table.writerows([_field(value) for value in row.values()] for row in rows)
    return out.getvalue().encode()


def _path(name: str) -> str:
    return f"./{name}" if name.startswith(FORMULA) else name


def _field(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _spread(study: Study, votes: pa.Table) -> dict[str, float]:
    """The standard deviation (ddof 1) of the votes on each item, on the first dimension."""
    by_item: dict[str, list[float]] = {}
    for vote in counted(votes):
        value = score_of(vote["score"], study.body.dimensions[0])
        if vote["item"] and value is not None:
            by_item.setdefault(vote["item"], []).append(value)
    return {item: float(np.std(values, ddof=1)) for item, values in by_item.items() if len(values) > 1}


METHODS = {
    "acr": "maximum a posteriori scores of votes from 1 to 5 (groundglass: map)",
    "slider": "maximum a posteriori scores of votes from 0 to 100 (groundglass: map)",
    "accept": "the share of votes to keep, with Wilson's interval",
    "pairwise": "Bradley and Terry's scores of comparisons, with mean 0",
}


def card(
    study: Study,
    results: StudyResults,
    splits: Mapping[str, str],
    licence: str | None,
    files: tuple[str, ...],
    statistics: Sequence[str] = (),
) -> str:
    """README.md of a rating set, with the header that the Hugging Face hub reads.

    statistics  the sections on its scores (`statistics_lines`)
    """
    body = study.body
    rejected = [rater.rater for rater in results.raters if rater.rejected]
    counts = Counter(splits[item.row] for item in results.items)
    agreement = [
        f"- {name.replace('_', ' ')}: {value:.3f}"
        for name, value in results.agreement.items()
        if value is not None
    ]
    flags = Counter(
        name for rater in results.raters for name, many in rater.flags.items() for _ in range(many)
    )
    flagged = ", ".join(f"{name} {many:,}" for name, many in sorted(flags.items()))
    shown = ", ".join(f"{name} {counts[name]:,}" for name in SHARES if counts[name])
    lines = [
        "---",
        *([f"license: {json.dumps(licence)}"] if licence else []),
        f"pretty_name: {json.dumps(f'Ratings: {study.name}')}",
        "tags: [image-quality-assessment]",
        "---",
        f"# Ratings: {study.name}",
        "",
        f"{len(results.items):,} images, {results.votes:,} votes of {len(results.raters)} raters, made with "
        f"groundglass {__version__}. The images are not part of this set: `scores.csv` names each by its path and its "
        "SHA-256.",
        "",
        f"- protocol: {body.protocol}"
        + (f" ({', '.join(body.dimensions)})" if body.protocol == "slider" else ""),
        *([f"- question: {' '.join(body.question.split())}"] if body.question else []),
        f"- scores: {METHODS[body.protocol]}, with 95 % intervals",
        f"- votes wanted for each image: {body.votes}; {results.lacking:,} are missing",
        f"- raters whose votes no score uses: {', '.join(rejected) or 'none'}",
        f"- flags of votes, which count nevertheless: {flagged or 'none'}",
        f"- splits: {shown}; images of one content or prompt are in one split",
        f"- recipe of the images: `recipe.yaml`, SHA-256 {study.recipe}",
        *(["", "## Agreement", "", *agreement] if agreement else []),
        *(["", *statistics] if statistics else []),
        *(["", "## Notes", "", *(f"- {note}" for note in results.notes)] if results.notes else []),
        "",
        "## Files",
        "",
        *(f"- `{name}`: {ABOUT.get(name, 'for pyiqa: image, score and split')}" for name in files),
        "- `SHA256SUMS`: check them with `sha256sum -c SHA256SUMS`",
        "",
        "Raters appear under pseudonyms. Votes on training and check trials are in `votes.csv` with `counts` false.",
    ]
    return "\n".join(lines) + "\n"


ABOUT = {
    "votes.csv": "every vote with its trial",
    "votes.parquet": "the same, with types",
    "scores.csv": "the scores, their intervals and the splits",
    "scores.parquet": "the same, with types",
    "study.yaml": "the settings of the study",
    "recipe.yaml": "the recipe of the images",
}
