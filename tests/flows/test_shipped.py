"""The shipped recipes on real photographs, whole, with what stands in for their networks."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import run_json, steps

from groundglass.releases.verify import verify_release
from shared_data import shared

SETTINGS = {
    "faceup": ["steps.tiles.transform.tile=128", "steps.tiles.transform.stride=60",
               "steps.scales.transform.shortest_edge=128",
               "steps.best.select.top_k=40", "steps.best-tiles.select.top_k=200"],
    "bhi": ["steps.tiles.transform.tile=128"],
    "4klsdb": ["steps.size.select.where=width>=512", "steps.splits.split.validation=4", "steps.splits.split.test=3"],
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_shipped_recipe_runs_whole_and_writes_only_what_is_kept(tmp_path: Path, name: str):
    photos = shared("train_photos", "cid22")
    changes = [word for setting in SETTINGS[name] for word in ("--set", setting)]
    result = run_json(
        tmp_path, name, "--profile", "offline", "--set", f"steps.photos.source.folder={photos}", *changes
    )
    found = steps(result)
    release = Path(tmp_path / "runs" / name / "0001" / "release")
    assert verify_release(release) == []
    manifest = pq.read_table(release / "manifest.parquet")
    kept = found["release"]["in"]
    high = [row for row in manifest.to_pylist() if row["scale"] == 1]
    assert len(high) == kept == found["release"]["out"]
    on_disk = {str(path.relative_to(release)) for path in release.rglob("*.png")}
    assert on_disk == set(manifest["file"].to_pylist())
    if name == "4klsdb":
        splits = [row["split"] for row in high]
        assert (splits.count("validation"), splits.count("test")) == (4, 3)
        assert {row["scale"] for row in manifest.to_pylist()} == {1, 4, 8, 16}
        assert 20 < kept < 60
    if name == "faceup":
        assert kept == 200 + 4
        assert sum(row["split"] == "validation" for row in high) == 4
        lines = (release / "meta_info.txt").read_text().split("\n")
        assert len(lines) == 200
        assert lines[0].endswith(".png (128,128,3)")
