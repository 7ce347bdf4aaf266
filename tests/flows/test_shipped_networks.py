"""The shipped recipes as they stand, with their networks: random weights under the names that they expect."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps

import tiny_onnx
from groundglass import testing

for module in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photographs of one tile each, and the weights beside them."""
    import torch

    from hyper_tools import random_hyper_net

    (tmp_path / "photos").mkdir()
    for seed in range(6):
        picture = (testing.photo(230, 228, seed) * (1.5, 1.0, 0.5)[seed % 3]).clip(0, 255).astype("uint8")
        (tmp_path / f"photos/{seed}.png").write_bytes(testing.png(picture))
    torch.save(random_hyper_net().state_dict(), tmp_path / "koniq_pretrained.pkl")
    tiny_onnx.mean_level(tmp_path / "ic9600.onnx", (1, 3, 512, 512))
    return tmp_path


def test_bhi_drops_what_either_network_calls_bad(folder: Path):
    """What stands in for IC9600 gives the mean level after its normalisation: dark pictures are under 0.4."""
    any_quality = "steps.bhi.select.intersect.2.where=hyperiqa > -1e9"
    result = run_json(folder, "bhi", "--set", "steps.tiles.transform.tile=224", "--set", any_quality)
    found = steps(result)
    assert found["scores"]["failed"] == 0
    run = folder / "runs/bhi/0001"
    verdicts = pq.read_table(run / "selections/bhi.parquet").to_pylist()
    assert len(verdicts) == 6
    dropped = [row for row in verdicts if not row["kept"]]
    assert 0 < len(dropped) < 6
    assert all("ic9600_onnx" in row["reason"] for row in dropped)
    networks = json.loads((run / "recipe.lock").read_text())["networks"].values()
    assert {entry["weights"] for entry in networks} == {"koniq_pretrained.pkl", "ic9600.onnx"}
    card = (run / "release/README.md").read_text()
    assert "koniq_pretrained.pkl" in card
    assert "ic9600.onnx" in card


def test_faceup_ranks_by_its_network(folder: Path):
    changes = ("steps.tiles.transform.tile=224", "steps.tiles.transform.edges=drop",
               "steps.scales.transform.shortest_edge=224",
               "steps.best.select.top_k=2", "steps.held-out.hold_out.validation.pick=1")  # fmt: skip
    result = run_json(folder, "faceup", *[word for change in changes for word in ("--set", change)])
    assert steps(result)["best"]["out"] == 2
    run = folder / "runs/faceup/0001"
    manifest = pq.read_table(run / "release/manifest.parquet")
    assert any(name.endswith("hyperiqa") for name in manifest.column_names)


@pytest.mark.parametrize(
    ("name", "weights"), [("bhi", "koniq_pretrained.pkl"), ("faceup", "koniq_pretrained.pkl")]
)
def test_without_the_weights_plan_says_which(tmp_path: Path, name: str, weights: str):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(testing.png(testing.photo(560, 520)))
    done = groundglass(tmp_path, "plan", name)
    assert done.returncode == 2
    assert f"there are no weights {weights}" in " ".join(done.stderr.split())
    assert groundglass(tmp_path, "plan", name, "--profile", "offline").returncode == 0
