"""Asking a network: every picture has its row, in order and whatever happens; batches are shared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_network
from groundglass import testing
from groundglass.engines.local import run_job
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.measure_job import Look, Photograph, Row, ask_of, take
from groundglass.measures.network_job import Infer, jobs_of
from groundglass.tables.measure_store import MeasureStore

TILES = tuple(f"crop({x},{y},48,48)" for y in (0, 48) for x in (0, 48, 96))
DARK = 5


@pytest.fixture
def photos(tmp_path: Path) -> list[Photograph]:
    """Twelve photographs of six tiles each; the sixth is nearly black."""
    return [photograph(tmp_path / f"{seed:02}.png", seed, dark=seed == DARK) for seed in range(12)]


def photograph(path: Path, seed: int, dark: bool = False, regions: Sequence[str] = TILES) -> Photograph:
    pixels = testing.photo(150, 100, seed) // (30 if dark else 1)
    return listed(path, testing.png(pixels), regions)


def listed(path: Path, data: bytes, regions: Sequence[str]) -> Photograph:
    path.write_bytes(data)
    wanted = tuple((region, (0,)) for region in regions)
    return Photograph(bytes(path), sha256_of(data), len(data), path.stat().st_mtime_ns, wanted)


def job_of(tmp_path: Path, content: bytes = b"weights", **told: Any) -> Infer:
    weights = tmp_path / "toy.onnx"
    weights.write_bytes(content)
    ask = ask_of(toy_network.MEASURE, {"weights": str(weights), "device": "cpu", **told})
    (job, _settings), *rest = jobs_of([ask], tmp_path / "store", ImageLimits(), Settings(workers=2))
    assert isinstance(job, Infer)
    assert rest == []
    return job


def batches(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "toy.batches").read_text().split()]


def expected(photos: Sequence[Photograph]) -> list[tuple[str, float]]:
    """Region and mean level of each tile, by numpy alone."""
    found: list[tuple[str, float]] = []
    for photo in photos:
        frame = open_frame(Path(photo.path.decode()))
        found += [(region, float(frame.at(region).rgb.mean())) for region, _ in photo.wanted]
    return found


def values(rows: Sequence[Sequence[Row]]) -> list[tuple[str, Any]]:
    return [(row.region, row.values.get("toy")) for photo in rows for row in photo]


def test_every_region_has_its_value_in_order(photos, tmp_path: Path):
    rows = list(job_of(tmp_path).many(photos))
    assert [{row.sha256 for row in photo} for photo in rows] == [{photo.sha256} for photo in photos]
    assert values(rows) == expected(photos)


def test_photographs_share_batches(photos, tmp_path: Path):
    list(job_of(tmp_path).many(photos))
    assert batches(tmp_path) == [8] * 9  # 12 photographs of 6 tiles


def test_pictures_of_different_sizes_go_in_batches_of_their_own(tmp_path: Path):
    regions = (*TILES, "crop(0,0,60,60)")
    photos = [photograph(tmp_path / f"{seed}.png", seed, regions=regions) for seed in range(8)]
    rows = list(job_of(tmp_path).many(photos))
    assert values(rows) == expected(photos)
    assert (
        sorted(batches(tmp_path)) == [3, 5] + [8] * 6
    )  # five were not kept waiting for others of their kind


def test_one_by_one_gives_the_same(photos, tmp_path: Path):
    job = job_of(tmp_path)
    together = list(job.many(photos))
    assert [job.one(photo) for photo in photos] == together
    frame = open_frame(Path(photos[0].path.decode())).at(TILES[2])
    assert take(job.asks[0], frame) == (together[0][2].values, None)


def test_what_does_not_fit_into_memory_is_halved_and_that_is_remembered(photos, tmp_path: Path):
    job = job_of(tmp_path, most=3)
    assert values(list(job.many(photos))) == expected(photos)
    assert job.network.most == 2
    assert set(batches(tmp_path)) == {2}


def test_a_picture_that_does_not_fit_alone_is_a_row(photos, tmp_path: Path):
    rows = list(job_of(tmp_path, most=0).many(photos[:2]))
    assert {row.error for photo in rows for row in photo} == {"out_of_memory"}


@pytest.mark.parametrize(
    ("poison", "error"),
    [("nan", "measure_failed: toy is nan"), ("raise", "measure_failed: ArithmeticError: too dark")],
)
def test_a_picture_that_the_network_fails_on_costs_no_other(photos, tmp_path: Path, poison: str, error: str):
    rows = list(job_of(tmp_path, poison=poison).many(photos))
    assert {row.error for row in rows[DARK]} == {error}
    others = [row for number, photo in enumerate(rows) if number != DARK for row in photo]
    assert {row.error for row in others} == {None}


def test_pictures_that_cannot_be_used_are_rows_with_their_reason(photos, tmp_path: Path):
    whole = testing.png(testing.photo(150, 100))
    broken = listed(tmp_path / "cut.png", whole[: len(whole) // 2], TILES[:2])
    small = photograph(tmp_path / "small.png", 1, regions=("crop(0,0,40,40)", TILES[0]))
    gone = photograph(tmp_path / "gone.png", 2)
    (tmp_path / "gone.png").unlink()
    rows = list(job_of(tmp_path).many([photos[0], broken, small, gone, photos[1]]))
    errors = [[row.error for row in photo] for photo in rows]
    assert errors == [[None] * 6, ["truncated"] * 2, ["too_small", None], ["vanished"] * 6, [None] * 6]


def test_leaving_off_early_leaves_no_work_behind(tmp_path: Path):
    photos = [photograph(tmp_path / f"{seed}.png", seed) for seed in range(30)]
    job = job_of(tmp_path)
    begun = job.many(photos)
    next(begun)
    begun.close()
    assert len(batches(tmp_path)) <= 2


def test_in_workers_a_picture_that_kills_is_a_row_and_costs_no_other(photos, tmp_path: Path):
    job = job_of(tmp_path, poison="kill")
    totals = run_job(job, photos, Settings(workers=2), Silent())
    assert (totals.images, dict(totals.failed)) == (12, {"worker_died": 1})
    table = MeasureStore(tmp_path / "store").read(job.asks[0].key).to_pylist()
    found = {(row["sha256"], row["region"]): (row["toy"], row["error"]) for row in table}
    assert len(found) == 72
    for photo in photos:
        dark = photo is photos[DARK]
        for region, mean in expected([photo]):
            assert found[photo.sha256, region] == ((None, "worker_died") if dark else (mean, None))


def test_weights_that_cannot_be_loaded_end_the_job_with_their_error(photos, tmp_path: Path):
    with pytest.raises(RecipeError, match="these weights are broken"):
        run_job(job_of(tmp_path, content=b"broken"), photos, Settings(workers=1), Silent())
    assert not list((tmp_path / "store").rglob("part-*"))


def test_measures_that_ask_no_network_have_one_job_and_each_network_its_own(tmp_path: Path):
    from groundglass.measures.catalog import find

    first = job_of(tmp_path).asks[0]
    plain = [ask_of(find(name), {}) for name in ("sharpness", "noise")]
    jobs = [job for job, _ in jobs_of([plain[0], first, plain[1]], tmp_path, ImageLimits(), Settings())]
    assert [[ask.measure for ask in job.asks] for job in jobs] == [["sharpness", "noise"], ["toy"]]
    assert type(jobs[0]) is Look


def test_the_network_has_the_pixels_of_the_region(photos, tmp_path: Path):
    scorer = job_of(tmp_path).network.scorer
    frame = open_frame(Path(photos[3].path.decode()))
    prepared = scorer.prepare(frame.at(TILES[4]))
    assert np.array_equal(prepared.pixels, frame.rgb[48:96, 48:96])
