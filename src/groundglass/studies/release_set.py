"""A rating set to publish: raw votes, scores, splits, the table that pyiqa reads, a card, and checksums."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from groundglass.ratings.set_statistics import SetStatistics, set_statistics
from groundglass.studies.export import FORMULA, encoded, scores_table, votes_table
from groundglass.studies.rating_set import RatingSet, rating_set_of_run
from groundglass.studies.score_columns import interval_names
from groundglass.studies.set_card import card
from groundglass.studies.set_statistics_lines import statistics_lines
from groundglass.studies.vote_values import counted, score_of
from groundglass.studies.write_set import write_set
from groundglass.tables.parquet import find_keys

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study


@dataclass(frozen=True)
class WrittenSet:
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
) -> WrittenSet:
    """Write a rating set into a new folder. The images are not part of it, only their names and hashes.

    shares    of train, validation and test; default: the splits of the run's `split` step, or else the usual ones
    stratify  a column of the run, such as meta.generator, whose values each split has in the same shares; default: the
              sources of the images
    licence   of the ratings, for the card

    Images with the same content, or the same prompt, stay in one split. If it was interrupted it goes on; a folder with
    anything else is refused. Raises RecipeError for such a folder and as `rating_set_of_run` does; NothingProduced
    without any score.
    """
    found = rating_set_of_run(study, shares, stratify)
    files = set_files(found, licence)
    write_set(folder, files)
    return WrittenSet(folder, (*files, "SHA256SUMS"), found.counts, found.notes)


def set_files(found: RatingSet, licence: str | None) -> dict[str, bytes]:
    """The files of a rating set by name, without images and checksums."""
    study = found.study
    scores = scores_table(study.body, found.results, study.recipe)
    scores = scores.filter(pa.array([row in found.splits for row in scores["row"].to_pylist()], pa.bool_()))
    rows = scores["row"].to_pylist()
    scores = scores.append_column("split", pa.array([found.splits[row] for row in rows], pa.string()))
    if found.files:
        scores = scores.append_column("file", pa.array([found.files[row] for row in rows], pa.string()))
    hashes = found.items["sha256"].take(find_keys(scores["row"], found.items["row"]))
    scores = scores.append_column("sha256", hashes)
    log = vote_log(found)
    files = {
        "votes.csv": encoded(log, "csv"),
        "votes.parquet": encoded(log, "parquet"),
        "scores.csv": encoded(scores, "csv"),
        "scores.parquet": encoded(scores, "parquet"),
        f"meta_info_{study.name}.csv": meta_info(found),
        "study.yaml": (study.folder / "study.yaml").read_bytes(),
        "recipe.yaml": (study.run / "recipe.yaml").read_bytes(),
    }
    said = statistics_lines(statistics_of(found), found.grouped)
    return files | {"README.md": card(found, licence, tuple(files), said).encode()}


def vote_log(found: RatingSet) -> pa.Table:
    """Every vote of the study with its trial."""
    return votes_table(found.items, found.votes, found.study.body, found.study.recipe)


def statistics_of(found: RatingSet, split: str | None = None) -> SetStatistics:
    """The statistics of each dimension's scores, by the values of the set's groups; of one split if it is named."""
    facts = found.facts()
    items = [item for item in found.scored if split is None or found.splits[item.row] == split]
    scores = {name: [found.scores_of(item)[name][0] for item in items] for name in found.names}
    groups = [found.groups.get(item.row) for item in items]
    content = [facts[item.row]["content"] or facts[item.row]["prompt"] for item in items]
    return set_statistics(
        scores,
        groups if any(one is not None for one in groups) else (),
        content if any(content) else (),
        seed=found.study.seed,
    )


def meta_info(found: RatingSet) -> bytes:
    """The table that pyiqa's datasets read: the image's name, its score, and the split (`split_index: split`).

    A name that a spreadsheet takes for a formula begins with ./, which is the same path.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    rows = score_rows(found)
    table.writerow(rows[0])
    table.writerows([_field(value) for value in row.values()] for row in rows)
    return out.getvalue().encode()


def score_rows(found: RatingSet) -> list[dict[str, Any]]:
    """One row for each image with a score: img_name, mos, std, interval, further dimensions, votes, split."""
    spread = _spread(found)
    rows: list[dict[str, Any]] = []
    for item in found.scored:
        if item.score is None:
            continue
        said: dict[str, Any] = {
            "img_name": _path(found.name_of(item)),
            "mos": item.score,
            "std": spread.get(item.item),
        }
        for name, (score, ends) in found.scores_of(item).items():
            one, low, high = interval_names(name)
            said |= {low: ends and ends[0], high: ends and ends[1]}
            said |= {} if name == found.names[0] else {one: score}
        rows.append(said | {"votes": item.votes, "split": found.splits[item.row]})
    return rows


def _path(name: str) -> str:
    return f"./{name}" if name.startswith(FORMULA) else name


def _field(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _spread(found: RatingSet) -> dict[str, float]:
    """The standard deviation (ddof 1) of the votes on each item, on the first dimension."""
    by_item: dict[str, list[float]] = {}
    for vote in counted(found.votes):
        value = score_of(vote["score"], found.study.body.dimensions[0])
        if vote["item"] and value is not None:
            by_item.setdefault(vote["item"], []).append(value)
    return {item: float(np.std(values, ddof=1)) for item, values in by_item.items() if len(values) > 1}
