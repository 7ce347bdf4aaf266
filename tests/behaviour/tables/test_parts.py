"""A cache is disposable: what a disk or a hand changed in a part is noticed, named, and never believed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundglass import notices
from groundglass.tables import parts
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parts import SET_ASIDE, parts_in, read_parts, read_sound, remove_part, write_part

ROWS = 200
SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("region", pa.string()),
        ("value", pa.float64()),
        ("sharp", pa.bool_()),
        ("word", pa.string()),
        ("error", pa.string()),
    ]
)


def table(first: int = 0) -> pa.Table:
    numbers = range(first, first + ROWS)
    return pa.table(
        [
            [f"{n:064x}" for n in numbers],
            [""] * ROWS,
            [n / 7 for n in numbers],
            [n % 3 == 0 for n in numbers],
            ["abc"[n % 3] for n in numbers],
            [None if n % 50 else "flat" for n in numbers],
        ],
        schema=SCHEMA,
    )


@pytest.fixture
def said() -> Iterator[list[str]]:
    heard: list[str] = []
    before = notices._send
    notices.send_notices_to(heard.append)
    yield heard
    notices.send_notices_to(before)


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody replaces a part here while it is read."""
    monkeypatch.setattr(parts, "_AGAIN", 0)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part-0.parquet"
    write_part(table(), path)
    return path


def test_what_was_written_is_read(part: Path, said: list[str]) -> None:
    assert read_sound([part], None)[0].equals(table())
    assert read_sound([part], ["value"])[0].equals(table().select(["value"]))
    assert not said


def test_300_flipped_bits_change_no_value_in_silence(tmp_path: Path, said: list[str]) -> None:
    """Each bit alone; the page headers and the footer are parts of the file like any other."""
    good = tmp_path / "part-good.parquet"
    write_part(table(), good)
    content, sums = good.read_bytes(), good.with_name(good.name + ".sum").read_bytes()
    rng = random.Random(5)
    for number in range(300):
        bit = rng.randrange(8 * len(content))
        spoilt = bytearray(content)
        spoilt[bit // 8] ^= 1 << bit % 8
        bad = tmp_path / f"part-{number}.parquet"
        bad.write_bytes(spoilt)
        bad.with_name(bad.name + ".sum").write_bytes(sums)
        assert read_sound([bad], None) == []
        assert bad.name in said[-1]
        assert (tmp_path / (SET_ASIDE + bad.name)).read_bytes() == bytes(spoilt), "nothing is deleted"
    assert len(said) == 300


def test_a_column_is_read_though_another_one_is_damaged(part: Path, said: list[str]) -> None:
    """Reading a column costs its own bytes only; the damage is met when the column is asked for."""
    sums = json.loads(part.with_name(part.name + ".sum").read_text())
    (start, stop), *_ = sums["columns"]["word"][0]
    content = bytearray(part.read_bytes())
    content[(start + stop) // 2] ^= 1
    part.write_bytes(content)
    assert read_sound([part], ["value"])[0].equals(table().select(["value"]))
    assert not said
    assert read_sound([part], ["word"]) == []
    assert len(said) == 1


@pytest.mark.parametrize("how", ["cut off", "empty", "text", "one byte more", "another table", "other kinds"])
def test_a_part_that_is_none_is_set_aside_and_the_others_are_read(
    tmp_path: Path, said: list[str], how: str
) -> None:
    for number in range(3):
        write_part(table(ROWS * number), tmp_path / f"part-{number}.parquet")
    bad = tmp_path / "part-1.parquet"
    content = bad.read_bytes()
    if how == "another table":
        remove_part(bad)
        write_part(pa.table({"a": [1]}), bad)
    elif how == "other kinds":
        remove_part(bad)
        write_part(table().set_column(2, "value", pa.array(["x"] * ROWS)), bad)
    else:
        spoilt = {
            "cut off": content[:200],
            "empty": b"",
            "text": b"x" * 900,
            "one byte more": content + b"\0",
        }
        bad.write_bytes(spoilt[how])
    read = read_sound(parts_in(tmp_path), None, ("sha256", "error"))
    assert pa.concat_tables(read).sort_by("sha256")["sha256"].to_pylist() == [
        f"{n:064x}" for n in (*range(ROWS), *range(2 * ROWS, 3 * ROWS))
    ]
    assert len(said) == 1
    assert str(bad) in said[0]
    assert (tmp_path / "damaged-part-1.parquet").exists()


@pytest.mark.parametrize("how", ["cut off", "empty", "text"])
def test_a_part_of_an_earlier_version_is_believed_as_far_as_it_can_be_read(
    tmp_path: Path, said: list[str], how: str
) -> None:
    old = tmp_path / "part-old.parquet"
    pq.write_table(table(), old)
    assert read_sound([old], None)[0].equals(table())
    assert not said
    content = old.read_bytes()
    old.write_bytes({"cut off": content[:300], "empty": b"", "text": b"x" * 900}[how])
    assert read_sound([old], None) == []
    assert old.name in said[0]


def test_what_an_earlier_version_did_not_know_is_null(tmp_path: Path, said: list[str]) -> None:
    write_part(table().drop_columns(["word"]), tmp_path / "part-0.parquet")
    read = read_parts(tmp_path, SCHEMA, ("sha256",))
    assert read.schema == SCHEMA
    assert read["word"].null_count == ROWS
    assert not said


def test_damaged_sums_are_damage(part: Path, said: list[str]) -> None:
    part.with_name(part.name + ".sum").write_text("{")
    assert read_sound([part], None) == []
    assert "checksums" in said[0]


def test_the_store_measures_again_what_was_in_a_damaged_part(tmp_path: Path, said: list[str]) -> None:
    store = MeasureStore(tmp_path)
    for number in range(2):
        store.add("sharpness-1", table(ROWS * number))
    bad = parts_in(store.folder("sharpness-1"))[0]
    lost = {row["sha256"] for row in pq.read_table(bad).to_pylist()}
    bad.write_bytes(bad.read_bytes()[:-1])
    wanted = pa.concat_tables([table(), table(ROWS)]).select(["sha256", "region"])
    assert {row["sha256"] for row in store.missing("sharpness-1", wanted).to_pylist()} == lost
    store.compact("sharpness-1", at_least=1)
    assert store.read("sharpness-1").num_rows == ROWS
    assert len(said) == 1
