"""An invented finished run of any size: tables and a store like those that a real run leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

RECIPE = """name: big
steps:
  - source: {folder: photos}
    name: photos
  - measure: [header, blockiness, sharpness, complexity]
    name: scores
  - select: {where: "blockiness < 30"}
    name: clean
  - select: {top_k: 1000000, by: tenengrad}
    name: best
"""
MEASURED = ("header", "blockiness", "sharpness", "complexity")
THUMBNAILS = 400
"""Number of different thumbnails; if there are more images, they share them."""


def make_run(folder: Path, rows: int, thumbnails: int) -> Path:
    """A run of ``rows`` photographs, of which ``thumbnails`` have one; returns the run's folder."""
    from groundglass.tables.parquet import write_parquet

    run = folder / "runs" / "big" / "0001"
    chance = np.random.default_rng(0)
    ids = [
        f"{number:016x}" for number in np.sort(chance.integers(0, 2**63, rows)).tolist()
    ]  # the first are sampled
    blockiness, tenengrad = chance.lognormal(2.4, 0.9, rows), chance.lognormal(8, 1, rows)
    write_parquet(_images(ids, rows), run / "images" / "photos" / "part-0.parquet")
    _fill_store(folder / "runs" / "big" / "store", rows, thumbnails, blockiness, tenengrad)
    clean = blockiness < 30
    best = clean & (tenengrad >= np.quantile(tenengrad[clean], 0.4))
    keys = np.array(ids, object)
    write_parquet(
        _verdicts(keys, clean, "blockiness, limit 30", 30 - blockiness), run / "selections" / "clean.parquet"
    )
    write_parquet(
        _verdicts(keys[clean], best[clean], "not among the best", np.full(int(clean.sum()), np.nan)),
        run / "selections" / "best.parquet",
    )
    (run / "recipe.yaml").write_text(RECIPE)
    (run / "run.json").write_text(json.dumps(_record(rows, int(clean.sum()), int(best.sum()))))
    return run


def _images(ids: list[str], rows: int) -> pa.Table:
    text, whole = pa.nulls(rows, pa.string()), pa.array(np.full(rows, 1024))
    paths = [f"/photos/{n // 1000:04d}/{n:07d}.jpg" for n in range(rows)]
    return pa.table(
        {
            "id": ids, "source": pa.repeat("photos", rows), "uri": [path.removeprefix("/photos/") for path in paths],
            "path": [path.encode() for path in paths], "bytes": whole, "mtime_ns": whole, "sha256": _sha256(rows),
            "width": whole, "height": whole, "format": pa.repeat("JPEG", rows), "mode": pa.repeat("RGB", rows),
            "bit_depth": whole, "orientation": whole, "icc": text, "frames": whole,
            "alpha": pa.repeat(False, rows), "warning": text, "licence": pa.repeat("CC0-1.0", rows), "author": text,
            "error": text, "detail": text,
        }
    )  # fmt: skip


def _sha256(rows: int) -> list[str]:
    return [f"{n:064x}" for n in range(rows)]


def _fill_store(store: Path, rows: int, thumbnails: int, blockiness: Any, tenengrad: Any) -> None:
    from groundglass.measures.catalog import MEASURES
    from groundglass.tables.measure_store import MeasureStore

    chance = np.random.default_rng(1)
    given = {"blockiness": blockiness, "tenengrad": tenengrad}
    text, sha256 = pa.nulls(rows, pa.string()), _sha256(rows)
    measures = MeasureStore(store / "measures")
    for name in MEASURED:
        schema = MeasureStore.schema(MEASURES[name].columns)
        columns = {"sha256": pa.array(sha256), "region": pa.repeat("", rows), "error": text}
        for field in schema:
            if field.name not in columns:
                values = given.get(field.name, chance.gamma(2, 10, rows))
                floating = pa.types.is_floating(field.type)
                columns[field.name] = pa.array(values) if floating else pa.nulls(rows, field.type)
        measures.add(f"{name}-{MEASURES[name].version}", pa.table(columns).select(schema.names))
    shared = _thumbnails(min(THUMBNAILS, thumbnails))
    data = pa.array([shared[n % len(shared)] for n in range(thumbnails)], pa.binary())
    measures.add(
        "thumbnail-1",
        pa.table(
            {"sha256": sha256[:thumbnails], "region": pa.repeat("", thumbnails), "thumbnail": data}
            | {"error": pa.nulls(thumbnails, pa.string())}
        ),
    )


def _thumbnails(count: int) -> list[bytes]:
    """Thumbnails like those of the measure, 256 px on the longer side."""
    from groundglass import testing
    from groundglass.image import encode

    sizes = ((256, 171), (171, 256), (256, 192), (256, 256))
    return [encode.thumbnail(testing.photo(*sizes[n % 4], seed=n)) for n in range(count)]


def _verdicts(ids: Any, kept: Any, reason: str, margin: Any) -> pa.Table:
    table = pa.table(
        {
            "id": pa.array(ids, pa.string()), "kept": pa.array(kept), "failed": pa.repeat(False, len(ids)),
            "reason": pa.array([None if keep else reason for keep in kept], pa.string()), "margin": margin,
        }
    )  # fmt: skip
    return table.sort_by("id")


def _record(rows: int, clean: int, best: int) -> dict[str, Any]:
    def step(name: str, kind: str, label: str, into: int, out: int, **more: Any) -> dict[str, Any]:
        facts = {"step": name, "kind": kind, "label": label, "in": into, "out": out, "seconds": 1.0}
        return {**facts, "dropped": into - out, **more}

    line = {"column": "blockiness", "op": "<", "limit": 30.0}
    ranking = {"column": "tenengrad", "order": "higher", "rule": "top_k"}
    return {
        "name": "big", "number": 1, "state": "done", "started": 0.0, "recipe_key": "", "store": "../store",
        "seed": 0, "recipe_file": "big.yaml", "columns": _columns(),
        "steps": [
            step("photos", "source", "photos", rows, rows),
            step("scores", "measure", ", ".join(MEASURED), rows, rows, facts={"columns": ["blockiness", "tenengrad"]}),
            step("clean", "select", "blockiness < 30", rows, clean, thresholds=[line],
                 facts={"rule": "where", "exact": True}, reasons={"blockiness, limit 30": rows - clean}),
            step("best", "select", f"best {best:,} by tenengrad", clean, best, facts={"ranking": ranking},
                 reasons={"not among the best": clean - best}),
        ],
    }  # fmt: skip


def _columns() -> list[dict[str, Any]]:
    from groundglass.measures.catalog import MEASURES

    sql = {float: "DOUBLE", int: "BIGINT", bool: "BOOLEAN"}
    return [
        {
            "name": column, "key": f"{name}-{MEASURES[name].version}", "column": column, "better": about.better,
            "sql_type": sql.get(about.kind, "VARCHAR"), "unit": about.unit, "step": "scores", "generation": 0,
            "join": "content", "low": about.low, "high": about.high, "meaning": about.meaning,
        }
        for name in MEASURED
        for column, about in MEASURES[name].columns.items()
    ]  # fmt: skip
