"""The votes and scores of a study as files: CSV that no spreadsheet takes for formulas, JSON lines, and Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_bytes
from groundglass.recipes.study_model import OF_PAIRS, StudyStep
from groundglass.studies.records import COUNTED, VERDICTS
from groundglass.studies.results import StudyResults, score_study
from groundglass.studies.score_columns import interval_names
from groundglass.text.format import some

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

FORMATS = ("csv", "jsonl", "parquet")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell of text that begins with one of these is a formula, or may become one, for a spreadsheet."""
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def export_votes(study: Study, format: str) -> bytes:
    """All votes of a study with their trials, undone ones too, in one of `FORMATS`; see `votes_table`."""
    return encoded(votes_table(study.store.items(), study.store.votes(), study.body, study.recipe), format)


def write_exports(
    study: Study, votes: Path | None, scores: Path | None, keep: Path | None, drop: Path | None
) -> list[str]:
    """Write the files that are named, in the formats of their endings; a sentence for each.

    Raises RecipeError if there are no verdicts to list, UnreachableError if a file cannot be written.
    """
    said: list[str] = []
    log, items = study.store.votes(), study.store.items()
    if votes is not None:
        table = votes_table(items, log, study.body, study.recipe)
        write_bytes(encoded(table, _format(votes)), votes)
        said.append(f"{votes}: {some(table.num_rows, 'votes')}")
    if scores is None and keep is None and drop is None:
        return said
    results = score_study(study.body, items, log, study.seed)
    if scores is not None:
        table = scores_table(study.body, results, study.recipe)
        write_bytes(encoded(table, _format(scores)), scores)
        said.append(f"{scores}: {some(table.num_rows, 'scores')}")
    if keep is not None or drop is not None:
        kept, dropped, undecided = verdict_lists(study.body, results, items)
        for path, text in ((keep, kept), (drop, dropped)):
            if path is not None:
                write_bytes(text.encode(), path)
                said.append(f"{path}: {some(text.count(chr(10)) // 2, 'images')}")
        if undecided:
            said.append(
                f"{some(undecided, 'images')} without votes, or with as many to keep as to drop, are in no list"
            )
    return said


def _format(path: Path) -> str:
    return path.suffix.lstrip(".").lower()


def votes_table(items: pa.Table, votes: pa.Table, body: StudyStep, recipe: str) -> pa.Table:
    """The log of a study: one row for each vote.

    ``vote_id`` comes first. item, or left and right, are rows of the run (or arm/file), ``…_name`` their names.
    ``score`` is a number (1 for keep, 0 for drop); several sliders have a column each. ``choice`` is left, right or
    tie. ``counts`` says whether the vote counts for the scores. `groundglass study scores` reads the table.
    """
    known = {item["id"]: item for item in items.to_pylist()}
    several = body.dimensions if len(body.dimensions) > 1 else ()
    rows = [_vote(vote, known, several) | {"recipe": recipe} for vote in votes.to_pylist()]
    shown = {f"score_{name}": pa.float64() for name in several}
    shown |= {"choice": pa.string()} if body.protocol == "pairwise" else {}
    fields: list[pa.Field] = []
    unused = ("item",) if body.protocol in OF_PAIRS else ("left", "right")
    for field in votes.schema:
        if field.name in unused:
            continue
        fields.append(pa.field(field.name, *([pa.float64()] if field.name == "score" else [field.type])))
        if field.name in ("item", "left", "right"):
            fields.append(pa.field(f"{field.name}_name", pa.string()))
        if field.name == "score":
            fields += [pa.field(name, kind) for name, kind in shown.items()]
    fields += [pa.field("counts", pa.bool_()), pa.field("recipe", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def _vote(
    vote: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]], several: tuple[str, ...]
) -> dict[str, Any]:
    row = dict(vote)
    for side in ("item", "left", "right"):
        item = items.get(vote[side] or "")
        row |= {side: item and item["row"], f"{side}_name": item and item["name"]}
    said = json.loads(vote["score"])
    row["score"] = float(said) if isinstance(said, int | float) else None
    if isinstance(said, dict):
        row |= {f"score_{name}": said.get(name) for name in several}
        row["score"] = None if several else next(iter(said.values()), None)
    elif isinstance(said, str):
        row["score"] = VERDICTS.get(said)
        row["choice"] = None if said in VERDICTS else said
    row["counts"] = vote["kind"] in COUNTED and not vote["undone_by"]
    return row


def scores_table(body: StudyStep, results: StudyResults, recipe: str) -> pa.Table:
    """One row for each image or pair: row, name, arm, content, score, its interval, votes, and the recipe's hash."""
    rows: list[dict[str, Any]] = []
    fields = [("row", pa.string()), ("name", pa.string()), ("arm", pa.string()), ("content", pa.string())]
    names = body.dimensions if len(body.dimensions) > 1 else ("score",)
    for name in names:
        fields += [(one, pa.float64()) for one in interval_names(name)]
    fields += [("votes", pa.int64()), ("recipe", pa.string())]
    for item in results.items:
        row = {"row": item.row, "name": item.name, "arm": item.arm, "content": item.content}
        for name, (score, ends) in (item.more or {"score": (item.score, item.ci95)}).items():
            row |= dict(zip(interval_names(name), (score, *(ends or (None, None))), strict=True))
        rows.append(row | {"votes": item.votes, "recipe": recipe})
    return pa.Table.from_pylist(rows, pa.schema(fields))


def encoded(table: pa.Table, format: str) -> bytes:
    """A table as the bytes of a file. Raises ValueError for an unknown format."""
    if format == "parquet":
        out = io.BytesIO()
        pq.write_table(table, out)
        return out.getvalue()
    if format == "jsonl":
        lines = (json.dumps(row, ensure_ascii=False) for row in table.to_pylist())
        return "".join(f"{line}\n" for line in lines).encode()
    if format != "csv":
        raise ValueError(f"{format} is not one of {', '.join(FORMATS)}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([[cell(value) for value in row.values()] for row in table.to_pylist()])
    return text.getvalue().encode()


def cell(value: Any) -> Any:
    """A value for a cell of a CSV file. Text that a spreadsheet takes for a formula begins with ' then.

    >>> cell("=1+1"), cell("-3.5"), cell(-3.5), cell(["blur", "noise"]), cell(None), cell(True)
    ("'=1+1", '-3.5', -3.5, 'blur; noise', '', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return cell("; ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value))
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def verdict_lists(body: StudyStep, results: StudyResults, items: pa.Table) -> tuple[str, str, int]:
    """The lists of images to keep and to drop, for `select: {keep: …}`, and how many images are in neither.

    The majority decides; an image without votes, or with as many for as against, is in no list. An image of a run is
    named by its id, one of a folder by its path in it. Raises RecipeError if the study asks for no verdicts.
    """
    if body.protocol not in ("accept", "pair_accept"):
        raise RecipeError(
            f"a study with the protocol {body.protocol} has scores, not verdicts",
            'select by its scores instead: select: {study: NAME, where: "score >= 3"}',
        )
    known = {item["id"]: item for item in items.to_pylist()}
    lists: dict[bool, list[str]] = {True: [], False: []}
    open_ones = 0
    for result in results.items:
        if result.score is None or result.score == 0.5:
            open_ones += 1
            continue
        item = known[result.item]
        entry = str(PurePosixPath(item["row"]).relative_to(item["arm"])) if item["arm"] else item["row"]
        share = f"{result.score:.0%} of {result.votes} votes to keep"
        lists[result.score > 0.5].append(f"# {' '.join(item['name'].split())}: {share}\n{entry}\n")
    return "".join(lists[True]), "".join(lists[False]), open_ones
