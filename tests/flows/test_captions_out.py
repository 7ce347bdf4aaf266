"""What came with the images, and what a model said of them, is in the release: from recipe to files."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, picture, run_json

from groundglass.releases.verify import verify_release
from shared_data import shared

RECIPE = """
name: small
steps:
  - source: {{archive: shard.tar, licence: CC0-1.0}}
{steps}
  - release: {{format: folder{more}}}
"""


def shard(folder: Path, count: int = 3) -> None:
    """A WebDataset shard: pictures, captions, and a number in JSON."""
    with tarfile.open(folder / "shard.tar", "w") as archive:
        for n in range(count):
            beside = {"png": picture(96, 64, n), "txt": f"caption {n}".encode()}
            for ending, content in (beside | {"json": json.dumps({"k": n}).encode()}).items():
                member = tarfile.TarInfo(f"{n:03d}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def write_recipe(folder: Path, steps: str = "", more: str = "") -> None:
    (folder / "small.yaml").write_text(RECIPE.format(steps=steps, more=more))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_tiles_have_the_captions_of_their_photographs(tmp_path: Path):
    shard(tmp_path)
    write_recipe(tmp_path, "  - transform: {tile: 32}", ", captions: meta.caption")
    run_json(tmp_path, "small.yaml")
    release = tmp_path / "runs/small/0001/release"
    assert verify_release(release) == []
    manifest = pq.read_table(release / "manifest.parquet").to_pylist()
    told = {row["file_name"]: row for row in lines(release / "images" / "metadata.jsonl")}
    assert len(manifest) == len(told) == 18
    for row in manifest:
        n = int(Path(row["uri"]).stem)
        assert (row["meta.caption"], row["meta.k"]) == (f"caption {n}", n)
        name = Path(row["file"]).name
        assert told[name] == {"file_name": name, "caption": f"caption {n}", "k": n}
        assert (release / row["file"]).with_suffix(".txt").read_text() == f"caption {n}"


@pytest.mark.parametrize(
    ("captions", "says"),
    [
        ("meta.captoin", "did you mean 'meta.caption'?"),
        ("meta.k", "'meta.k' holds BIGINT, not text"),
        ("caption", "did you mean 'meta.caption'?"),
    ],
)
def test_captions_of_no_text_are_refused_by_the_plan(tmp_path: Path, captions: str, says: str):
    shard(tmp_path)
    write_recipe(tmp_path, more=f", captions: {captions}")
    done = groundglass(tmp_path, "plan", "small.yaml")
    assert done.returncode == 2
    assert says in done.stderr
    assert "small.yaml:6" in done.stderr


def test_a_release_without_columns_has_no_files_of_them(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    for n in range(2):
        (tmp_path / "photos" / f"{n}.png").write_bytes(picture(96, 64, n))
    text = (
        "name: small\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - release: {format: folder}\n"
    )
    (tmp_path / "small.yaml").write_text(text)
    run_json(tmp_path, "small.yaml")
    release = tmp_path / "runs/small/0001/release"
    assert sorted(path.name for path in (release / "images").iterdir()) == ["0000.png", "0001.png"]
    assert "Metadata of the images" not in (release / "README.md").read_text()


def test_the_captions_of_a_shard_are_released(tmp_path: Path):
    case = shared("..", "cases", "tables_and_servers", "release-loses-source-captions")
    for name in ("recipe.yaml", "s.tar"):
        shutil.copy(case / name, tmp_path)
    run_json(tmp_path, "recipe.yaml")
    release = tmp_path / "runs/release-loses-source-captions/0001/release"
    told = lines(release / "images" / "metadata.jsonl")
    assert [row["caption"] for row in told] == [f"caption {n}" for n in range(4)]
    assert pq.read_table(release / "manifest.parquet")["meta.caption"].to_pylist() == [
        row["caption"] for row in told
    ]
