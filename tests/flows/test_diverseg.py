"""The shipped recipe diverseg: without networks on real photographs, and with a tiny one through its cascade."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, make_photos, run_json, steps

from groundglass.releases.verify import verify_release
from shared_data import shared

COSTLY = "steps.diverse.select.cascade.measure"


def test_without_networks_the_best_fifth_is_kept_and_written_at_x4(tmp_path: Path):
    photos = shared("train_photos", "cid22")
    result = run_json(
        tmp_path, "diverseg", "--profile", "offline", "--set", f"steps.photos.source.folder={photos}"
    )
    found = steps(result)
    assert found["good-sources"]["out"] == found["photos"]["in"] == 60
    assert found["clean-of-tests"]["out"] == 60
    assert found["diverse"]["out"] == 12
    release = tmp_path / "runs/diverseg/0001/release"
    assert verify_release(release) == []
    rows = pq.read_table(release / "manifest.parquet").to_pylist()
    high = {row["id"]: row for row in rows if row["scale"] == 1}
    assert len(high) == 12
    assert len(rows) == 24
    assert all(row["width"] % 4 == 0 and row["height"] % 4 == 0 for row in high.values())


@pytest.fixture
def networks(tmp_path: Path) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import tiny_models

    for name, make in {"sam": tiny_models.sam, "owlv2": tiny_models.owlv2}.items():
        folder = tmp_path / name
        folder.mkdir()
        make(folder)
    make_photos(tmp_path / "photos")
    return tmp_path


SAM = ("--set", f"{COSTLY}.objects_sam.weights=sam", "--set", f"{COSTLY}.objects_sam.points_per_side=4",
       "--set", f"{COSTLY}.objects_sam.nms=1.0", "--set", "limits.failed=20%")  # fmt: skip


def stored(folder: Path) -> list[dict[str, object]]:
    """What the store holds of the counter, wherever its parts were joined."""
    parts = list((folder / "runs/diverseg/store/measures").glob("objects_sam-*/*.parquet"))
    return sorted(pq.read_table(parts).to_pylist(), key=lambda row: row["sha256"])


def test_masks_are_counted_once_and_looked_up_after(networks: Path):
    """A pool this small shows no recall, so every row is measured; another threshold measures nothing anew."""
    result = run_json(networks, "diverseg", *SAM, "--set", "steps.diverse.select.where=objects_sam >= 1")
    assert steps(result)["diverse"]["out"] >= 1
    values = stored(networks)
    assert len(values) == len({row["sha256"] for row in values})
    assert {row["error"] for row in values} == {None}
    more = max(row["objects_sam"] for row in values)
    again = run_json(networks, "diverseg", *SAM, "--set", f"steps.diverse.select.where=objects_sam >= {more}")
    kept = {row["sha256"] for row in values if row["objects_sam"] >= more}
    assert steps(again)["diverse"]["out"] == len(kept)
    assert stored(networks) == values
    name = next((networks / "runs/diverseg/0002/release").rglob("*.png")).stem
    told = groundglass(networks, "why", "diverseg", f"{name.split('_')[0]}.png")
    assert "objects_sam" in told.stdout


def test_a_detector_may_count_instead(networks: Path):
    result = run_json(
        networks, "diverseg", "--profile", "detect", "--set", f"{COSTLY}.objects_detect.weights=owlv2",
        "--set", f"{COSTLY}.objects_detect.vocabulary=cat, dog", "--set", "limits.failed=20%",
        "--set", "steps.diverse.select.where=objects_detect >= 1",
    )  # fmt: skip
    assert steps(result)["diverse"]["out"] >= 1
    lock = (networks / "runs/diverseg/0001/recipe.lock").read_text()
    assert "objects_detect" in lock


def test_a_hub_that_cannot_be_reached_is_told_in_plan(networks: Path):
    done = groundglass(
        networks, "plan", "diverseg", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(networks / "hub")
    )
    assert done.returncode == 3
    assert "facebook/sam-vit-huge@main" in done.stderr
    assert "weights: PATH" in done.stderr
