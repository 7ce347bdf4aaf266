"""The parameters of made images in a release: a line for each, with all that makes it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from groundglass.image.region import made_in
from groundglass.made_images.made_measure import MADE
from groundglass.measures.measure_job import ask_of
from groundglass.plans.state import State
from groundglass.tables.parquet import connect
from groundglass.text.format import some
from groundglass.transforms.transform import Transform

PARAMETERS = "parameters.jsonl"


def made_files(state: State, manifest: pa.Table) -> Mapping[str, bytes]:
    """`PARAMETERS` of the files of a manifest that steps made; nothing if there are none."""
    files = manifest.select(["file", "source_sha256", "region"]).to_pylist()
    made = [row for row in files if (found := made_in(row["region"])) is not None and not found[2]]
    if not made:
        return {}
    con = connect()
    con.register("files", pa.Table.from_pylist(made))
    con.register("records", state.run.store.read(ask_of(MADE, {}).key))
    found = con.sql(
        "SELECT f.file, r.made_record FROM files f "
        "JOIN records r ON r.sha256 = f.source_sha256 AND r.region = f.region ORDER BY f.file"
    ).fetchall()
    lines = (
        json.dumps(_placed(file) | json.loads(record), ensure_ascii=False)
        for file, record in found
        if record is not None
    )
    return {PARAMETERS: "".join(f"{line}\n" for line in lines).encode()}


def _placed(file: str) -> dict[str, str]:
    folder, _, name = file.rpartition("/")
    return {"folder": folder, "file": name}


def made_notes(state: State) -> tuple[str, ...]:
    """A sentence for the card on each step that made images."""
    bodies = {planned.step.name: planned.step.body for planned in state.run.plan.steps}
    notes: list[str] = []
    for record in state.records:
        body: Any = bodies.get(record.step)
        if isinstance(body, Transform) and body.makes:
            origin = f" ({body.origin()})" if body.origin() else ""
            notes.append(f"step {record.step}: {body.label()}{origin}, {some(record.out, 'images')}")
    return tuple(notes)
