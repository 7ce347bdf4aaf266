"""The size that is told of a picture or tile is that of the file which a release then writes of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.frame import open_frame
from groundglass.measures.encoded_bytes import encoded_bytes
from groundglass.testing import flat, noise, photo, png
from in_process import run_here

STEPS = """
name: sizes
steps:
  - source: {folder: photos, licence: CC0-1.0}
"""


def size(data: bytes, **settings: object) -> object:
    return encoded_bytes(open_frame(data), **settings)["encoded_bytes"]  # pyright: ignore[reportArgumentType]


def test_the_less_a_tile_shows_the_smaller_it_is():
    sizes = [size(png(tile)) for tile in (flat(128, 128), photo(128, 128), noise(128, 128))]
    assert sizes == sorted(sizes, key=float)  # pyright: ignore[reportArgumentType]
    assert len(set(sizes)) == 3


def test_how_the_photograph_was_stored_does_not_count():
    tile = photo(96, 80)
    assert size(png(tile)) == size(testing.encoded(tile, "BMP"))


def test_sides_are_cut_to_a_multiple():
    tile = photo(99, 83)
    assert size(png(tile), multiple=4) == size(png(tile[:80, :96]))
    with pytest.raises(NoValue) as caught:
        size(png(photo(99, 3)), multiple=4)
    assert caught.value.reason == "too_small"


def released(folder: Path, steps: str) -> list[tuple[int, int]]:
    """What was told of each HR file, and its size on disk."""
    (folder / "photos").mkdir()
    for seed, (width, height) in enumerate([(150, 131), (97, 203)]):
        (folder / f"photos/{seed}.jpg").write_bytes(testing.jpeg(photo(width, height, seed), 90))
    (folder / "r.yaml").write_text(STEPS + steps)
    done = run_here(folder, ("run", "r.yaml"), {"GROUNDGLASS_ENGINE": "inline"})
    assert done.returncode == 0, done.stderr
    release = folder / "runs/sizes/0001/release"
    rows = [row for row in pq.read_table(release / "manifest.parquet").to_pylist() if row["scale"] == 1]
    return [(row["encoded_bytes"], (release / row["file"]).stat().st_size) for row in rows]


@pytest.mark.parametrize(
    "steps",
    [
        "  - transform: {tile: 64}\n  - measure: [encoded_bytes]\n  - release: {format: folder}\n",
        "  - measure: [{encoded_bytes: {image: webp}}]\n  - release: {format: folder, image: webp}\n",
        "  - measure: [{encoded_bytes: {multiple: 4}}]\n  - release: {format: paired, lr_scales: [2, 4]}\n",
    ],
)
def test_the_released_file_has_this_size(tmp_path: Path, steps: str):
    sizes = released(tmp_path, steps)
    assert len(sizes) >= 2
    assert all(told == written for told, written in sizes)


def test_a_format_that_no_release_writes_stops_in_plan(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "r.yaml").write_text(STEPS + "  - measure: [{encoded_bytes: {image: wepb}}]\n")
    done = run_here(tmp_path, ("plan", "r.yaml"), {})
    assert done.returncode == 2
    assert "Did you mean 'webp'?" in " ".join(done.stderr.split())
