from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass import testing
from groundglass.catalog import Column, Measure, Value
from groundglass.files.hashes import sha256_of
from groundglass.image import decode
from groundglass.image.frame import Frame, open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, Look, Photograph, Row, ask_of
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import path_to_bytes

PLAIN = [one for one in MEASURES.values() if one.network is None and not one.of_pairs]
ASKS = (*(ask_of(measure, {}) for measure in PLAIN), ask_of(THUMBNAIL, {}))
ALL = tuple(range(len(ASKS)))
HEADER, BLOCKINESS = 0, 1


def measure_with(compute: Any) -> Ask:
    columns = {"value": Column("", None, None, "neither", "a test's value")}
    return ask_of(Measure("odd", 1, compute, columns, "a test"), {})


def item(path: Path, wanted: tuple[tuple[str, tuple[int, ...]], ...] = (("", ALL),)) -> Photograph:
    data = path.read_bytes()
    return Photograph(path_to_bytes(path), sha256_of(data), len(data), path.stat().st_mtime_ns, wanted)


def errors(rows: list[Row]) -> set[str | None]:
    return {row.error for row in rows}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(testing.jpeg(testing.photo(300, 200), 85))
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Whose parts too are large enough for every measure."""
    path = tmp_path / "large.jpg"
    path.write_bytes(testing.jpeg(testing.photo(480, 420), 85))
    return path


@pytest.fixture
def look(tmp_path: Path) -> Look:
    return Look(ASKS, tmp_path / "store", ImageLimits())


def test_one_decode_for_every_measure_and_region(large: Path, look: Look, monkeypatch: pytest.MonkeyPatch):
    decoded: list[int] = []
    plain = decode.decode
    monkeypatch.setattr(decode, "decode", lambda *args: decoded.append(1) or plain(*args))
    regions = ("", "crop(8,8,200,200)", "resize(240x210,box)", "resize(240x210,box)/crop(0,0,192,192)")
    rows = look.one(item(large, tuple((region, ALL) for region in regions)))
    assert len(decoded) == 1
    assert len(rows) == len(regions) * len(ASKS)
    assert errors(rows) == {None}


def test_values_are_those_of_the_measures(large: Path, look: Look):
    for row in look.one(item(large, (("crop(3,5,200,195)", ALL),))):
        frame = open_frame(large).at("crop(3,5,200,195)")
        assert row.values == ASKS[row.ask].definition.compute(frame)


def test_only_what_is_asked_is_measured(photo: Path, look: Look):
    rows = look.one(item(photo, (("", (1,)), ("crop(0,0,64,64)", (0, 2)))))
    assert [(row.region, row.ask) for row in rows] == [
        ("", 1),
        ("crop(0,0,64,64)", 0),
        ("crop(0,0,64,64)", 2),
    ]


def test_the_header_needs_no_pixels(photo: Path, look: Look):
    photo.write_bytes(photo.read_bytes()[:3000])
    by_ask = {row.ask: row for row in look.one(item(photo))}
    assert by_ask[HEADER].error is None
    assert by_ask[HEADER].values["width"] == 300
    assert {by_ask[ask].error for ask in ALL if ask != HEADER} == {"truncated"}


def test_a_damaged_file_is_decoded_once(photo: Path, look: Look, monkeypatch: pytest.MonkeyPatch):
    photo.write_bytes(photo.read_bytes()[:3000])
    tried: list[int] = []
    plain = decode.decode
    monkeypatch.setattr(decode, "decode", lambda *args: tried.append(1) or plain(*args))
    look.one(item(photo, (("", ALL), ("crop(0,0,64,64)", ALL))))
    assert len(tried) == 1


def test_vanished(photo: Path, look: Look):
    listed = item(photo)
    photo.unlink()
    assert errors(look.one(listed)) == {"vanished"}


def test_changed(photo: Path, look: Look):
    listed = item(photo)
    photo.write_bytes(testing.png(testing.photo(64, 64)))
    assert errors(look.one(listed)) == {"changed"}


def test_touched_is_not_changed(photo: Path, look: Look):
    listed = item(photo)
    os.utime(photo, ns=(1, 1))
    assert errors(look.one(listed)) == {None}


def test_too_large_is_refused_before_decoding(photo: Path, tmp_path: Path):
    strict = Look(ASKS, tmp_path, ImageLimits(pixels=100 * 100))
    assert errors(strict.one(item(photo))) == {"too_large"}


def test_not_an_image(tmp_path: Path, look: Look):
    path = tmp_path / "words.jpg"
    path.write_bytes(b"no picture at all")
    assert errors(look.one(item(path))) == {"not_an_image"}


def test_no_value_is_an_empty_value_with_a_reason(tmp_path: Path, look: Look):
    path = tmp_path / "grey.png"
    path.write_bytes(testing.png(testing.flat(64, 64)))
    rows = look.one(item(path))
    by_name = {ASKS[row.ask].measure: row for row in rows}
    assert by_name["blockiness"].error == by_name["fingerprint"].error == "flat"
    assert by_name["sharpness"].error is None
    assert look.save([rows]).failed == {}


def test_a_region_beyond_the_picture(photo: Path, look: Look):
    rows = look.one(item(photo, (("crop(250,0,64,64)", ALL), ("", (0,)))))
    assert [row.error for row in rows] == ["too_small"] * len(ASKS) + [None]


def broken(frame: Frame) -> dict[str, Value]:
    raise ValueError(f"{frame.width} is no good")


def greedy(frame: Frame) -> dict[str, Value]:
    raise MemoryError


def undefined(frame: Frame) -> dict[str, Value]:
    return {"value": float("nan")}


@pytest.mark.parametrize(
    ("compute", "error"),
    [
        (broken, "measure_failed: ValueError: 300 is no good"),
        (greedy, "out_of_memory"),
        (undefined, "measure_failed: value is nan"),
    ],
)
def test_one_measure_fails_alone(photo: Path, tmp_path: Path, compute: Any, error: str):
    look = Look((ASKS[1], measure_with(compute), ASKS[2]), tmp_path / "store", ImageLimits())
    rows = look.one(item(photo, (("", (0, 1, 2)),)))
    assert [row.error for row in rows] == [None, error, None]
    assert look.save([rows]).failed == {error.partition(":")[0]: 1}


def test_a_decoder_that_needs_too_much(photo: Path, look: Look, monkeypatch: pytest.MonkeyPatch):
    def greedy_decode(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decode, "decode", greedy_decode)
    found = {ASKS[row.ask].measure: row.error for row in look.one(item(photo))}
    assert found.pop("header") is None
    assert set(found.values()) == {"out_of_memory"}


def test_lost_items_have_a_row_for_every_ask(photo: Path, look: Look):
    rows = look.lost(item(photo, (("", ALL), ("crop(0,0,9,9)", (0,)))), "timeout", "60 s")
    assert len(rows) == len(ASKS) + 1
    assert errors(rows) == {"timeout"}
    assert errors(look.lost(item(photo), "measure_failed", "boom")) == {"measure_failed: boom"}


def test_saved_rows_are_read_back(photo: Path, tmp_path: Path, look: Look):
    gone = Photograph(b"/nowhere", "ff" * 32, 1, 1, (("", ALL),))
    results = [look.one(item(photo, (("", ALL), ("crop(8,0,64,64)", ALL)))), look.one(gone)]
    summary = look.save(results)
    assert (summary.images, summary.failed) == (2, {"vanished": 1})
    store = MeasureStore(look.store)
    for number, ask in enumerate(ASKS):
        table = store.read(ask.key)
        assert table.schema.equals(store.schema(ask.definition.columns))
        wanted = [row for rows in results for row in rows if row.ask == number]
        assert table.num_rows == len(wanted)
        for row in wanted:
            found = store.find(ask.key, row.sha256, row.region)
            empty = dict.fromkeys(ask.definition.columns)
            assert found == {
                "sha256": row.sha256,
                "region": row.region,
                **empty,
                **row.values,
                "error": row.error,
            }
    assert len(list((look.store / "thumbnail-1").glob("part-*.parquet"))) == 1


def test_the_job_survives_pickling(photo: Path, look: Look):
    again = pickle.loads(pickle.dumps(look))
    assert again == look
    assert again.one(item(photo)) == look.one(item(photo))


def test_keys():
    blockiness = MEASURES["blockiness"]
    assert ask_of(blockiness, {}).key == "blockiness-1"
    assert ask_of(blockiness, {"search_phases": True}).key.startswith("blockiness-1-")
    assert ask_of(MEASURES["sharpness"], {"flat_below": 800.0}).key == "sharpness-1"
    assert Ask("thumbnail", "thumbnail-1").definition is THUMBNAIL
    assert Ask("sharpness", "sharpness-1").definition is MEASURES["sharpness"]


def test_settings_reach_the_measure(tmp_path: Path):
    decoded = open_frame(testing.jpeg(testing.photo(120, 120), 50)).rgb
    path = tmp_path / "cut.png"
    path.write_bytes(testing.png(np.ascontiguousarray(decoded[3:, 2:])))
    look = Look((ask_of(MEASURES["blockiness"], {"search_phases": True}),), tmp_path, ImageLimits())
    (row,) = look.one(item(path, (("", (0,)),)))
    assert (row.values["phase_x"], row.values["phase_y"]) == (6, 5)
