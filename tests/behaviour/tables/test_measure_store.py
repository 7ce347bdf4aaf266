from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass.catalog import Column
from groundglass.tables import measure_store as stores
from groundglass.tables.measure_store import PASSING, MeasureStore

COLUMNS = {
    "entropy": Column("bit", 0, 8, "higher", "a number"),
    "hash": Column("", 0, 2**64 - 1, "neither", "64 bits", int),
}
KEY = "complexity-1"
Row = tuple[str, str, float | None, int | None, str | None]


def table(rows: list[Row]) -> pa.Table:
    schema = MeasureStore.schema(COLUMNS)
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def add(store: MeasureStore, rows: list[Row], age: int | None = None) -> Path:
    """One more part, ``age`` s after the epoch where that matters."""
    before = set(parts(store))
    store.add(KEY, table(rows))
    (new,) = set(parts(store)) - before
    if age is not None:
        os.utime(new, (age, age))
    return new


def parts(store: MeasureStore) -> list[Path]:
    return sorted(store.folder(KEY).glob("part-*.parquet"))


def rows_of(store: MeasureStore) -> set[Row]:
    found = [tuple(row.values()) for row in store.read(KEY).to_pylist()]
    assert len(found) == len(set(found))
    return set(found)


@pytest.fixture
def store(tmp_path: Path) -> MeasureStore:
    return MeasureStore(tmp_path / "measures")


def wanted(*names: str, region: str = "") -> pa.Table:
    return pa.table({"sha256": list(names), "region": pa.array([region] * len(names), pa.string())})


def names(found: pa.Table) -> set[str]:
    return set(found["sha256"].to_pylist())


def test_schema():
    schema = MeasureStore.schema(COLUMNS)
    assert schema.names == ["sha256", "region", "entropy", "hash", "error"]
    assert (schema.field("entropy").type, schema.field("hash").type) == (pa.float64(), pa.uint64())


def test_an_empty_store(store: MeasureStore):
    assert store.read(KEY).num_rows == 0
    assert store.find(KEY, "a", "") is None
    assert names(store.missing(KEY, wanted("a", "a", "b"))) == {"a", "b"}
    assert store.forget_failed(KEY) == 0
    store.compact(KEY)
    assert not store.root.exists()


def test_prepared_columns_can_be_read_before_anything_is_measured(store: MeasureStore):
    store.prepare(KEY, COLUMNS)
    store.prepare(KEY, COLUMNS)
    assert store.read(KEY).schema.names == ["sha256", "region", "entropy", "hash", "error"]
    assert store.read(KEY, ["hash"]).schema.names == ["sha256", "region", "hash", "error"]


def test_large_hashes_keep_every_bit(store: MeasureStore):
    add(store, [("a", "", 1.0, 2**64 - 1, None)])
    row = store.find(KEY, "a", "")
    assert row is not None
    assert row["hash"] == 2**64 - 1


def test_regions_are_told_apart(store: MeasureStore):
    add(store, [("a", "", 1.0, 1, None), ("a", "crop(0,0,8,8)", 2.0, 2, None)])
    assert len(rows_of(store)) == 2
    assert store.missing(KEY, wanted("a", region="crop(8,0,8,8)")).num_rows == 1
    assert store.missing(KEY, wanted("a", region="crop(0,0,8,8)")).num_rows == 0


def test_the_newest_row_counts(store: MeasureStore):
    add(store, [("a", "", 2.0, 2, None), ("b", "", 5.0, 5, None)], age=2000)
    add(store, [("a", "", 1.0, 1, None)], age=1000)
    assert rows_of(store) == {("a", "", 2.0, 2, None), ("b", "", 5.0, 5, None)}
    add(store, [("a", "", 3.0, 3, "flat")], age=3000)
    assert rows_of(store) == {("a", "", 3.0, 3, "flat"), ("b", "", 5.0, 5, None)}


@pytest.mark.parametrize("error", PASSING)
def test_passing_errors_are_looked_at_again_and_never_hide_a_value(store: MeasureStore, error: str):
    add(store, [("a", "", None, None, error)], age=1000)
    assert names(store.missing(KEY, wanted("a"))) == {"a"}
    assert rows_of(store) == {("a", "", None, None, error)}
    add(store, [("a", "", 1.0, 1, None)], age=2000)
    add(store, [("a", "", None, None, error)], age=3000)
    assert rows_of(store) == {("a", "", 1.0, 1, None)}
    assert store.missing(KEY, wanted("a")).num_rows == 0


def test_errors_of_the_picture_are_known(store: MeasureStore):
    add(store, [("a", "", None, None, "truncated"), ("b", "", None, None, "measure_failed: x")])
    assert store.missing(KEY, wanted("a", "b")).num_rows == 0


def test_forget_failed(store: MeasureStore):
    add(store, [("a", "", 1.0, 1, None), ("b", "", None, None, "truncated")])
    add(store, [("c", "", None, None, "flat")])
    assert store.forget_failed(KEY) == 2
    assert rows_of(store) == {("a", "", 1.0, 1, None)}
    assert names(store.missing(KEY, wanted("a", "b", "c"))) == {"b", "c"}
    assert store.forget_failed(KEY) == 0


def test_compact_merges_to_one_part_with_the_same_rows(store: MeasureStore):
    for number in range(20):
        add(store, [(f"{number % 7}", "", float(number), number, None)], age=1000 + number)
    before = rows_of(store)
    store.compact(KEY)
    assert len(parts(store)) == 1
    assert rows_of(store) == before == {(f"{n % 7}", "", float(n), n, None) for n in range(13, 20)}


def test_a_row_added_after_the_merge_still_counts_as_newer(store: MeasureStore):
    add(store, [("a", "", 1.0, 1, None)], age=1000)
    add(store, [("b", "", 1.0, 1, None)], age=2000)
    store.compact(KEY)
    add(store, [("a", "", 9.0, 9, None)], age=3000)
    assert ("a", "", 9.0, 9, None) in rows_of(store)


def test_large_parts_and_few_parts_are_left_alone(store: MeasureStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stores, "LARGE", 3)
    large = add(store, [(f"{n}", "", 0.0, n, None) for n in range(3)])
    for number in range(4):
        add(store, [(f"x{number}", "", 0.0, 0, None)])
    store.compact(KEY, at_least=5)
    assert len(parts(store)) == 5
    store.compact(KEY)
    assert len(parts(store)) == 2
    assert large.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from groundglass.tables.measure_store import MeasureStore
left = int(sys.argv[2])
def counted(plain):
    def step(*args, **settings):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args, **settings)
    return step
for name in ("replace", "unlink", "stat"):
    setattr(Path, name, counted(getattr(Path, name)))
os.utime = counted(os.utime)
getattr(MeasureStore(Path(sys.argv[1])), sys.argv[3])("complexity-1")
"""


@pytest.mark.parametrize("work", ["compact", "forget_failed"])
def test_killed_while_merging_no_row_is_lost_or_doubled(tmp_path: Path, work: str):
    for steps in range(1, 80):
        store = MeasureStore(tmp_path / str(steps))
        for number in range(4):
            add(
                store,
                [(f"{number}", "", 1.0, number, None), ("same", "", 2.0, number, None)],
                age=1000 + number,
            )
        add(store, [("bad", "", None, None, "truncated")], age=2000)
        good = {row for row in rows_of(store) if row[4] is None}
        done = subprocess.run([sys.executable, "-c", KILLED, str(store.root), str(steps), work], check=False)
        assert {row for row in rows_of(store) if row[4] is None} == good
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        getattr(store, work)(KEY)
        assert {row for row in rows_of(store) if row[4] is None} == good
    assert done.returncode == 0
    assert steps > 5, "it was killed at several places"


def test_reading_while_parts_are_merged(store: MeasureStore, monkeypatch: pytest.MonkeyPatch):
    for number in range(3):
        add(store, [(f"{number}", "", 1.0, number, None)])
    plain, merged = stores.parts_in, []

    def merged_meanwhile(folder: Path) -> list[Path]:
        found = plain(folder)
        if not merged:
            merged.append(True)
            store.compact(KEY)
        return found

    monkeypatch.setattr(stores, "parts_in", merged_meanwhile)
    assert len(rows_of(store)) == 3


identities = st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "crop(0,0,8,8)"]))
results = st.sampled_from([None, "flat", "timeout"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    added=st.lists(st.dictionaries(identities, results, min_size=1), min_size=1, max_size=6),
    merge_after=st.sets(st.integers(0, 5)),
)
def test_behaves_like_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory,
    added: list[dict[tuple[str, str], str | None]],
    merge_after: set[int],
):
    store, known = MeasureStore(tmp_path_factory.mktemp("store")), dict[tuple[str, str], Row]()
    for number, part in enumerate(added):
        rows: list[Row] = [(*identity, float(number), number, error) for identity, error in part.items()]
        add(store, rows, age=1000 + number)
        for row in rows:
            before = known.get(row[:2])
            if before is None or row[4] not in PASSING or before[4] in PASSING:
                known[row[:2]] = row
        if number in merge_after:
            store.compact(KEY)
    assert rows_of(store) == set(known.values())
    every = pa.table({"sha256": list("abcd") * 2, "region": [""] * 4 + ["crop(0,0,8,8)"] * 4})
    found = {(row["sha256"], row["region"]) for row in store.missing(KEY, every).to_pylist()}
    settled = {identity for identity, row in known.items() if row[4] not in PASSING}
    assert found == {(a, b) for a in "abcd" for b in ("", "crop(0,0,8,8)")} - settled
