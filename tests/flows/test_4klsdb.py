"""The shipped recipe 4klsdb with a list and a model server, as it is written: judged by the list, by headers, by tags
and by both heads, then split by exact counts and written at three scales."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, make_photos, run_json, steps
from PIL import Image

from groundglass.releases.verify import verify_release
from groundglass.testing.model_server import ModelServer

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

SMALL = ("--set", "steps.photos.source.where=WIDTH>=150 and WIDTH/HEIGHT<=1.5",
         "--set", "steps.size.select.where=width>=150",
         "--set", "steps.good-by-both.select.intersect.1.quantile=60%",  # a server that is played knows four scores
         "--set", "steps.sharp.select.where=flat_share<=1",
         "--set", "steps.splits.split.validation=3", "--set", "steps.splits.split.test=2",
         "--set", "limits.failed=50%")  # fmt: skip


def write_list(folder: Path, rows: list[tuple[str, int, int]]) -> None:
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("file", "WIDTH", "HEIGHT"))}
    texts = {name: [f"{name} of {row[0]}" for row in rows] for name in ("url", "caption")}
    pq.write_table(pa.table(columns | texts), folder / "list.parquet")


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder with a list of photos, one of which is too small by the list alone; and what names the server."""
    make_photos(tmp_path / "photos", 40)
    files = sorted(path.relative_to(tmp_path) for path in (tmp_path / "photos").glob("*.png"))
    write_list(tmp_path, [(str(file), 160 if file.stem != "07" else 100, 130) for file in files])
    with ModelServer() as server:
        words = [f"steps.{step}.annotate.model.base_url={server.url}" for step in ("tags", "scores")]
        yield tmp_path, [part for word in words for part in ("--set", word)]


def verdicts(folder: Path, step: str) -> list[dict[str, object]]:
    return pq.read_table(folder / "runs/4klsdb/0001/selections" / f"{step}.parquet").to_pylist()


def test_the_recipe_runs_whole_with_a_list_and_a_model(listed: tuple[Path, list[str]]):
    folder, server = listed
    found = steps(run_json(folder, "4klsdb", *SMALL, *server))
    assert found["photos"]["dropped"] == 1
    told = [str(row["reason"]) for row in verdicts(folder, "tagged") if not row["kept"]]
    assert len(told) == found["tagged"]["dropped"] > 0
    assert all("must not be unknown" in reason for reason in told)
    assert 0 < found["good-by-both"]["out"] < found["good-by-both"]["in"]
    release = folder / "runs/4klsdb/0001/release"
    assert verify_release(release) == []
    rows = pq.read_table(release / "manifest.parquet").to_pylist()
    high = [str(row["split"]) for row in rows if row["scale"] == 1]
    assert (high.count("validation"), high.count("test")) == (3, 2)
    assert high.count("train") == found["release"]["in"] - 5 > 0
    assert {row["scale"] for row in rows} == {1, 4, 8, 16}
    assert len(rows) == 4 * len(high)


@pytest.mark.parametrize("profile", [(), ("--profile", "loose")])
def test_it_is_planned_as_it_is_and_tells_of_16_9(tmp_path: Path, profile: tuple[str, ...]):
    sizes = [(3840, 2560), (3840, 2160), (2560, 3840), (4000, 4000), (3000, 3000)]
    for width, height in sizes:
        png = io.BytesIO()
        Image.new("1", (width, height)).save(png, "PNG")
        (tmp_path / f"{width}x{height}.png").write_bytes(png.getvalue())
    write_list(tmp_path, [(f"{width}x{height}.png", width, height) for width, height in sizes])
    done = groundglass(tmp_path, "plan", "4klsdb", *profile)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "photos: its `where` drops every 16:9 image" in said
    assert "shape: its condition drops every 16:9 image" in said
    assert "there are at most 3: nothing is left to train on" in said  # 16:9 and 3000 x 3000 were never read
