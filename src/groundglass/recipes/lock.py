"""The lock: every version, parameter and count that would make a run come out the same again."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from groundglass import __version__
from groundglass.kernel.table import connect
from groundglass.recipes.plan import Plan
from groundglass.recipes.state import State

DECIDING = ("numpy", "scipy", "numba", "pillow", "simplejpeg", "opencv-python-headless", "pyarrow", "duckdb")
"""Packages whose version can change a number or a pixel."""


def recipe_key(plan: Plan) -> str:
    """What makes two runs the same: the effective recipe and the versions of the measures it uses."""
    keys = sorted({ask.key for planned in plan.steps for ask in planned.asks})
    return hashlib.sha256("\n".join([__version__, plan.text, *keys]).encode()).hexdigest()[:16]


def lock_text(state: State) -> str:
    """The lock of the steps so far, as JSON: no times, no paths, so that equal outcomes have equal locks."""
    plan = state.plan
    steps = [
        {
            "step": step.step,
            "kind": step.kind,
            "in": step.into,
            "out": step.out,
            "dropped": step.dropped,
            "failed": step.failed,
        }
        for step in state.records
    ]
    lock: dict[str, Any] = {
        "groundglass": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in DECIDING},
        "recipe": plan.recipe.name,
        "recipe_sha256": hashlib.sha256(plan.text.encode()).hexdigest(),
        "seed": plan.recipe.seed,
        "measures": {
            planned.step.name: [ask.key for ask in planned.asks] for planned in plan.steps if planned.asks
        },
        "sources": dict(_source_digests(state)),
        "steps": steps,
        "kept": _digest(state),
    }
    return json.dumps(lock, indent=1, ensure_ascii=False) + "\n"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _source_digests(state: State) -> list[tuple[str, dict[str, Any]]]:
    """For each source how many files it listed, and one hash over all uris and contents."""
    con = connect()
    con.register("images", state.tables.images)
    rows = con.sql(
        "SELECT source, count(*), sha256(string_agg(uri || coalesce(sha256, '-'), chr(10) ORDER BY uri)) "
        "FROM images GROUP BY source ORDER BY source"
    ).fetchall()
    return [(source, {"files": files, "sha256": digest}) for source, files, digest in rows]


def _digest(state: State) -> dict[str, Any]:
    """The images that are left at the end, in one hash over their ids."""
    con = connect()
    con.register("current", state.rows)
    ((images, digest),) = con.sql(
        "SELECT count(*), sha256(coalesce(string_agg(id, chr(10) ORDER BY id), '')) FROM current"
    ).fetchall()
    return {"images": images, "sha256": digest}
