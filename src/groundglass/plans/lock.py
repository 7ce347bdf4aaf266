"""The lock: every version, parameter and count that is needed to get the same result again."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pyarrow as pa

from groundglass import __version__
from groundglass.annotators.question import JPEG_QUALITY
from groundglass.plans.chosen_thetas import FACT
from groundglass.plans.generators import locked_generators
from groundglass.plans.networks import locked_networks
from groundglass.plans.planner import Plan
from groundglass.plans.state import State
from groundglass.recipes.annotate_model import AnnotateStep, model_name
from groundglass.tables.parquet import compute, only

DECIDING = ("numpy", "scipy", "numba", "pillow", "simplejpeg", "opencv-python-headless", "pyarrow", "duckdb")
"""Packages that can change a number or a pixel when their version changes."""

RUNNING = ("torch", "transformers", "onnxruntime")
"""Packages that can change the output of a network."""

GENERATING = ("diffusers", "torch", "transformers")
"""Packages that can change a generated image."""


def recipe_key(plan: Plan) -> str:
    """The key that two equal runs share: a hash of the effective recipe and the versions of the measures it uses."""
    keys = sorted({ask.key for planned in plan.steps for ask in planned.asks})
    return hashlib.sha256("\n".join([__version__, plan.text, *keys]).encode()).hexdigest()[:16]


def lock_text(state: State) -> str:
    """The lock of the steps so far, as JSON: no times and no paths, so that equal results have equal locks."""
    plan = state.run.plan
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
        **_networks(state),
        **_profiles(state),
        **_cascades(state),
        **_thetas(state),
        **_models(plan),
        **_generators(plan),
        "sources": _source_digests(state),
        "steps": steps,
        "kept": {
            "images": state.rows.num_rows,
            "sha256": digest(pa.chunked_array([state.rows["id"].sort()], pa.string())),
        },
    }
    return json.dumps(lock, indent=1, ensure_ascii=False) + "\n"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _networks(state: State) -> dict[str, Any]:
    """The weights of the networks that were asked, and the packages that ran them; nothing if there were none."""
    networks = locked_networks(state.run.plan)
    packages = {name: _version(name) for name in RUNNING}
    return {"networks": networks, "network_packages": packages} if networks else {}


def _profiles(state: State) -> dict[str, dict[str, str]]:
    """One hash over the values of each profile that sources were judged by; nothing if there are none."""
    digests = {name: found.digest for name, found in state.profiles.items()}
    return {"profiles": digests} if digests else {}


def _models(plan: Plan) -> dict[str, dict[str, Any]]:
    """For each annotate step its model, and a hash of the exact text of each question; nothing if there are none."""
    found = {
        planned.step.name: {
            "model": str(model_name(planned.step.body.model)),
            "long_edge": planned.step.body.long_edge,
            "jpeg_quality": JPEG_QUALITY,
            "prompts": {
                inquiry.question.name: {"version": inquiry.question.version, "sha256": inquiry.digest}
                for inquiry in planned.inquiries
            },
        }
        for planned in plan.steps
        if isinstance(planned.step.body, AnnotateStep)
    }
    return {"models": found} if found else {}


def _generators(plan: Plan) -> dict[str, Any]:
    """The generators of images, and the packages that ran them; nothing if there are none."""
    found = locked_generators(plan)
    packages = {name: _version(name) for name in GENERATING}
    return {"generators": found, "generator_packages": packages} if found else {}


def _cascades(state: State) -> dict[str, dict[str, Any]]:
    """The result of each cascade's sample, and how much it saved; nothing if there are none."""
    found = {step.step: step.facts["cascade"] for step in state.records if "cascade" in step.facts}
    return {"cascades": found} if found else {}


def _thetas(state: State) -> dict[str, dict[str, Any]]:
    """The threshold that each search found, and its curve; nothing if there are none."""
    found = {step.step: step.facts[FACT] for step in state.records if FACT in step.facts}
    return {"thetas": found} if found else {}


def _source_digests(state: State) -> dict[str, dict[str, Any]]:
    """For each source how many files it listed, and one hash over all uris and contents, in the order of the uris."""
    images = state.tables.images
    if images.num_rows:
        images = images.select(["source", "uri", "sha256"])  # filtering copies every column
    sources = sorted(images["source"].unique().to_pylist()) if images.num_rows else []
    return {source: _source_digest(only(images, pa.array([source]), "source")) for source in sources}


def _source_digest(images: pa.Table) -> dict[str, Any]:
    contents = compute.fill_null(images["sha256"], "-")
    return {"files": images.num_rows, "sha256": digest(images["uri"], contents)}


def digest(*columns: pa.ChunkedArray) -> str:
    """One hash over columns of text without nulls: over the end offsets of the texts, and the texts.

    Without the offsets, ("ab", "c") and ("a", "bc") would have the same hash.
    """
    summed = hashlib.sha256()
    for column in columns:
        array = pa.concat_arrays(
            [pa.array([""]), *column.chunks]
        )  # one chunk: the hash must not depend on how the table is chunked
        ends, texts = (memoryview(buffer) for buffer in array.buffers()[1:])
        summed.update(ends[: 4 * (len(array) + 1)])
        summed.update(texts)
    return summed.hexdigest()
