"""The page of no-reference measures: each recipe on it is planned, and each name on it is one that a recipe takes."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import groundglass, groundglass_process, make_photos, write_recipe

import tiny_clip
import tiny_onnx

ROOT = Path(__file__).parents[2]
FACTS: dict[str, Any] = tomllib.loads((ROOT / "docs/no_reference_measures.toml").read_text(encoding="utf-8"))
WAYS = {way["name"]: way for way in FACTS["way"]}
METRICS = [way.removeprefix("pyiqa: ") for model in FACTS["model"] for way in model["ways"] if "pyiqa" in way]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for module in ("torch", "transformers", "onnx", "onnxruntime"):
        pytest.importorskip(module)
    from hyper_tools import save_hyper_net

    make_photos(tmp_path / "photos", 4)
    save_hyper_net(tmp_path / "koniq_pretrained.safetensors")
    (tmp_path / "models/clip-vit-large-patch14").mkdir(parents=True)
    tiny_clip.clip(tmp_path / "models/clip-vit-large-patch14")
    tiny_onnx.mean_level(tmp_path / "stairiqa.onnx")
    (tmp_path / "scores.csv").write_text("name,unique\nphotos/00.png,0.4\nphotos/01.png,-0.2\n")
    # A stand-in with the names of the page: the package itself is for non-commercial use only.
    (tmp_path / "packages/pyiqa").mkdir(parents=True)
    (tmp_path / "packages/pyiqa/__init__.py").write_text('__version__ = "0"\n')
    table = {metric: {"metric_mode": "NR"} for metric in METRICS}
    (tmp_path / "packages/pyiqa/default_model_configs.py").write_text(f"DEFAULT_CONFIGS = {table}\n")
    return tmp_path


@pytest.mark.parametrize("way", [way for way in WAYS if way != "pyiqa"])
def test_every_recipe_of_the_page_is_planned(folder: Path, way: str):
    done = groundglass(folder, "plan", str(write_recipe(folder, WAYS[way]["recipe"])))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_recipe_for_pyiqa_is_planned_with_every_metric_of_the_page(folder: Path):
    every = ", ".join(
        f"{{pyiqa: {{metric: {metric}, as: {metric.replace('+', 'p')}_}}}}" for metric in METRICS
    )
    whole = WAYS["pyiqa"]["recipe"]
    text = re.sub(r"measure: \[.*\]", lambda _: f"measure: [{every}]", whole)
    path = {"PYTHONPATH": f"{ROOT / 'src'}:{folder / 'packages'}"}
    done = groundglass_process(folder, "plan", str(write_recipe(folder, text)), **path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_model_can_be_named_and_every_fact_has_a_source_or_is_unknown():
    from groundglass.measures.catalog import MEASURES

    for model in FACTS["model"]:
        assert model["ways"], model["name"]
        for way in model["ways"]:
            kind, _, name = way.partition(": ")
            assert kind in WAYS, way
            assert kind == "pyiqa" or not name or name in MEASURES, way
            asks = bool(name) and kind != "pyiqa" and MEASURES[name].network is not None
            assert asks == (kind == "network" and bool(name)), way
        for fact in ("code", "weights"):
            known = "](http" in model[fact]
            assert known or "unknown" in model[fact] or not re.search(r"MIT|Apache|CC|BSD", model[fact]), (
                model
            )
