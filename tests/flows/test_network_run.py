"""A recipe that ranks by a network: planned, run, known the second time, told by why; and what stops in plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flow_tools import groundglass, groundglass_process, run_json, steps, store_rows, write_recipe

import loopback_hub
from groundglass import testing

for module in ("torch", "safetensors"):
    pytest.importorskip(module)

RECIPE = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [{hyperiqa: {weights: net, crops: 1}}]
    name: scores
  - select: {top_k: 3, by: hyperiqa}
    name: best
  - release: {format: folder}
    name: release
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photographs, one of them of 40 px, and a folder with random weights."""
    from hyper_tools import save_hyper_net

    (tmp_path / "net").mkdir()
    (tmp_path / "photos").mkdir()
    save_hyper_net(tmp_path / "net" / "koniq.safetensors")
    for seed in range(4):
        side = 40 if seed == 3 else 230
        (tmp_path / f"photos/{seed}.png").write_bytes(testing.png(testing.photo(side, side, seed)))
    write_recipe(tmp_path, RECIPE)
    return tmp_path


def test_a_recipe_is_run_and_its_values_are_known_the_second_time(folder: Path):
    first = steps(run_json(folder, "small.yaml"))
    assert (first["scores"]["cached"], first["best"]["out"]) == (0, 3)
    run = folder / "runs/small/0001"
    (key,) = (name for name in store_rows(run) if name.startswith("hyperiqa-1-"))
    lock = json.loads((run / "recipe.lock").read_text())
    assert lock["networks"][key]["weights"] == "net"
    assert len(lock["networks"][key]["sha256"]) == 64
    card = (run / "release/README.md").read_text()
    assert lock["networks"][key]["sha256"][:16] in card
    told = groundglass(folder, "why", "small", "3.png")
    assert "too_small" in told.stdout, told.stdout + told.stderr
    value = groundglass(folder, "why", "small", "0.png").stdout
    assert "hyperiqa" in value
    again = steps(run_json(folder, "small.yaml", "--set", "steps.best.select.top_k=2"))
    assert (again["scores"]["cached"], again["best"]["out"]) == (4, 2)


def test_single_pictures_are_measured_by_given_weights(folder: Path):
    done = groundglass_process(
        folder, "measure", "hyperiqa", "photos/0.png", "photos/3.png", "--weights", "net", "--json"
    )
    assert done.returncode == 0, done.stderr
    large, small = json.loads(done.stdout)
    assert isinstance(large["hyperiqa"], float)
    assert (small["hyperiqa"], small["error"]) == (None, "hyperiqa: too_small")


def damage(folder: Path, how: str) -> None:
    from safetensors.torch import save_file
    from torch import zeros

    path = folder / "net" / "koniq.safetensors"
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "other":
        save_file({"fc.weight": zeros(2, 2)}, path)
    elif how == "pickle":
        path.rename(path.with_suffix(".pth"))
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", "is truncated"),
        ("other", "does not fit the network"),
        ("pickle", "allow_pickle: true"),
        ("gone", "holds no weights"),
    ],
)
def test_weights_that_cannot_be_used_stop_in_plan(folder: Path, how: str, said: str):
    damage(folder, how)
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "small.yaml:6" in done.stderr
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("told", "said"), [("device: gpu", "no device 'gpu'"), ("device: cuda:7", "this machine has no cuda:7")]
)
def test_devices_that_are_not_there_stop_in_plan(folder: Path, told: str, said: str):
    write_recipe(folder, RECIPE.replace("crops: 1", told))
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert said in done.stderr


def test_weights_of_a_hub_are_fetched_by_run_and_not_by_plan(folder: Path):
    """In processes of their own: the hub's library reads its environment when it is loaded."""
    content = (folder / "net" / "koniq.safetensors").read_bytes()
    write_recipe(folder, RECIPE.replace("weights: net", "weights: tiny/net@main"))
    with loopback_hub.serve(loopback_hub.Hub({"koniq.safetensors": content}, ("koniq.safetensors",))) as hub:
        here = {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(folder / "hf"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "HF_HUB_DISABLE_XET": "1",
        }
        planned = groundglass_process(folder, "plan", "small.yaml", **here)
        assert planned.returncode == 0, planned.stderr
        assert "of weights would be fetched from tiny/net" in planned.stdout
        assert not any("/resolve/" in path for path in hub.asked)
        done = groundglass_process(folder, "run", "small.yaml", **here)
        assert done.returncode == 0, done.stderr
        assert "fetching koniq.safetensors of tiny/net" in done.stderr
    lock = json.loads((folder / "runs/small/0001/recipe.lock").read_text())
    (network,) = lock["networks"].values()
    assert (network["weights"], network["revision"]) == ("tiny/net", loopback_hub.COMMIT)
    assert network["licence"] == "apache-2.0"


def test_a_hub_out_of_reach_stops_in_plan(folder: Path):
    write_recipe(folder, RECIPE.replace("weights: net", "weights: tiny/net@main"))
    done = groundglass_process(
        folder, "plan", "small.yaml", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(folder / "hf")
    )
    assert done.returncode == 3
    assert "weights: PATH" in done.stderr
