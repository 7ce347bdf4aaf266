"""The images that a study may rate: those of a run, those that one of its steps dropped, or those of folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import ImageError, RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import read_listed
from groundglass.image.frame import Makes, open_frame
from groundglass.image.header import ImageLimits
from groundglass.made_images.makes import makes_of
from groundglass.plans.measure_missing import THUMBNAIL_ASK
from groundglass.plans.rows_after import After, rows_after, with_values
from groundglass.plans.run_folder import RunFolder, RunRecord
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.recipes.errors import error_at
from groundglass.recipes.recipe_text import read_text
from groundglass.recipes.study_model import StudyStep
from groundglass.recipes.yaml_nodes import parse
from groundglass.sources.folder import look_into_folders
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import compute
from groundglass.text.suggest import did_you_mean

LEFT_OUT = pa.schema(
    [("row", pa.string()), ("name", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)
"""Images that the study would have had, and why it does not have them."""


@dataclass(frozen=True)
class Candidate:
    """An image that may become an item.

    path            its locator
    size, mtime_ns  as in the run's listing
    proven          its pixels were decoded before
    makes           makes them if a step of the run made the image
    also            other names by which a file of answers may call it: its uri and its sha256
    """

    row: str
    name: str
    path: bytes
    sha256: str
    width: int
    height: int
    region: str = ""
    arm: str = ""
    content: str = ""
    prompt: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    proven: bool = False
    makes: Makes | None = None
    also: tuple[str, ...] = ()


def left_out(row: str, name: str, reason: str, detail: str = "") -> dict[str, Any]:
    """A row of `LEFT_OUT`."""
    return {"row": row, "name": name, "reason": reason, "detail": detail}


def locator_of(text: str) -> bytes:
    r"""The locator of an item, which the database keeps in hex.

    >>> locator_of(b"/a.tar\0part 1 2".hex())
    b'/a.tar\x00part 1 2'
    """
    return bytes.fromhex(text)


def final_set(folder: RunFolder, record: RunRecord, body: StudyStep, path: Path) -> list[Candidate]:
    """The images that a finished run kept, or those that one of its steps dropped."""
    if record.state != "done":
        raise RecipeError(
            f"{folder.path} is not done ({record.state}): its final set is not known",
            "run the recipe to its end first; or put a study step into it",
        )
    tables = read_tables(folder, record)
    steps = [step.step for step in record.steps if step.kind != "release"]
    after = rows_after(tables, steps[-1])
    if body.dropped_by is not None:
        after = dropped_rows(tables, body.dropped_by)
    return candidates_with(tables, after, steps, body, path)


def dropped_rows(tables: RunTables, step: str) -> After:
    """The rows that a selection dropped, nearest to its limit first; rows without a margin come last.

    Raises RecipeError with the nearest name if the run has no such step.
    """
    names = [one.step for one in tables.record.steps if one.kind == "select" and one.step in tables.verdicts]
    if step not in names:
        raise RecipeError(
            f"`dropped_by`: this run has no selection '{step}'.{did_you_mean(step, names)}",
            f"its selections: {', '.join(names)}" if names else "no step of the run selects",
        )
    before = [record.step for record in tables.record.steps]
    after = rows_after(tables, before[before.index(step) - 1])
    return after._replace(rows=nearest_dropped(tables.verdicts[step], after.rows))


def nearest_dropped(verdicts: pa.Table, rows: pa.Table) -> pa.Table:
    """The rows that verdicts dropped by their values: nearest to the limit first, those without a margin last."""
    gone = verdicts.filter(compute.invert(compute.or_(verdicts["kept"], verdicts["failed"])))
    near = gone.append_column("near", compute.abs(gone["margin"]))
    near = near.sort_by([("near", "ascending"), ("id", "ascending")])
    return rows.take(compute.index_in(near["id"], rows["id"]).drop_null())


def candidates_with(
    tables: RunTables, after: After, steps: list[str], body: StudyStep, path: Path
) -> list[Candidate]:
    """The candidates of rows of a run, with the columns that the study names."""
    wanted = {key: name for key in ("prompt", "content") if (name := getattr(body, key)) is not None}
    rows = with_values(tables, after, steps) if wanted else after.rows
    for key, name in wanted.items():
        if name not in rows.column_names:
            root = parse(read_text(path))
            node = root.value.get(key)
            raise error_at(
                node.mark,
                f"`{key}`: this run has no column '{name}'.{did_you_mean(name, rows.column_names)}",
                f"its columns: {', '.join(rows.column_names)}",
            )
    return candidates_of(rows, tables.images, tables.store, body.prompt, body.content)


def candidates_of(
    rows: pa.Table, images: pa.Table, store: MeasureStore, prompt: str | None, content: str | None
) -> list[Candidate]:
    """The candidates of rows of a run, in their order.

    rows    id, root, uri, sha256, region, width, height, and the columns that ``prompt`` and ``content`` name
    images  the run's images table: id, path, bytes, mtime_ns
    store   the run's: an image with a thumbnail in it was decoded by a measure
    """
    contents_of = rows.select(["sha256", "region"])
    known = store.folder(THUMBNAIL_ASK.key).is_dir()
    lacking = store.missing(THUMBNAIL_ASK.key, contents_of) if known else contents_of
    unseen = set(zip(lacking["sha256"].to_pylist(), lacking["region"].to_pylist(), strict=True))
    places = {photo: at for at, photo in enumerate(images["id"].to_pylist())}
    facts = images.select(["path", "bytes", "mtime_ns"]).to_pylist()
    prompts, contents = (_texts(rows, name) for name in (prompt, content))
    makes = makes_of(store.root.parent)
    found: list[Candidate] = []
    for row, said, same in zip(rows.to_pylist(), prompts, contents, strict=True):
        file = facts[places[row["root"]]]
        found.append(
            Candidate(
                row=row["id"],
                name=row["uri"] + (f"#{row['region']}" if row["region"] else ""),
                path=file["path"],
                sha256=row["sha256"],
                width=row["width"],
                height=row["height"],
                region=row["region"],
                content=same or "",
                prompt=said,
                size=file["bytes"],
                mtime_ns=file["mtime_ns"],
                proven=(row["sha256"], row["region"]) not in unseen,
                also=(row["uri"], row["sha256"]),
                makes=makes,
            )
        )
    return found


def _texts(rows: pa.Table, name: str | None) -> Sequence[str | None]:
    if name is None:
        return [None] * rows.num_rows
    return [None if value is None else str(value) for value in rows[name].to_pylist()]


def candidates_in(folders: Mapping[str, str]) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """The images of the folders of a comparison, one by one decoded, and those that cannot be used.

    The content is the path below the folder without its ending: images of one content are compared. Raises RecipeError
    for a folder that does not exist.
    """
    found: list[Candidate] = []
    lost: list[dict[str, Any]] = []
    for arm, folder in folders.items():
        for file in look_into_folders([folder]).listing().to_pylist():
            row = f"{arm}/{file['uri']}"
            try:
                if file["error"] is not None:
                    raise ImageError(file["error"], file["detail"] or "")
                data = read_listed(file["path"], file["bytes"], file["mtime_ns"])
                frame = open_frame(data, ImageLimits())
                height, width = frame.rgb.shape[:2]
            except ImageError as error:
                lost.append(left_out(row, row, error.reason, error.detail))
                continue
            content = str(Path(file["uri"]).with_suffix(""))
            found.append(
                Candidate(
                    row,
                    row,
                    file["path"],
                    sha256_of(data),
                    width,
                    height,
                    arm=arm,
                    content=content,
                    proven=True,
                )
            )
    return found, lost
