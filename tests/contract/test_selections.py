"""What must be true of every selection in the catalog, each as its own example writes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass.catalog import Column
from groundglass.measures.catalog import MEASURES
from groundglass.selections.catalog import SELECTIONS
from groundglass.selections.rule import Given, Needs, Rule
from groundglass.source_quality.clean_profile import load_profile
from groundglass.tables.columns import Scope
from groundglass.tables.expressions import column_path, parse
from groundglass.tables.verdicts import VERDICTS

sys.path.insert(0, str(Path(__file__).parent))
from members import written

RULES = {rule.keys[0]: rule for rule in SELECTIONS}
every = pytest.mark.parametrize("name", RULES)


@dataclass
class AllIsThere:
    """A `Lookup` that finds whatever a rule asks for, and keeps of what kind it must be."""

    numbers: set[tuple[str, ...]] = field(default_factory=set)
    words: set[tuple[str, ...]] = field(default_factory=set)
    scope: Scope = field(default_factory=Scope)

    def column(self, key: str, name: str) -> tuple[str, ...]:
        (self.words if key == "per" else self.numbers).add(column_path(name))
        return column_path(name)

    def expression(self, key: str, text: str) -> tuple[tuple[str, ...], ...]:
        self.numbers |= set(parse(text).columns)
        return parse(text).columns

    def better(self, key: str, path: tuple[str, ...]) -> str:
        return "higher"

    def file(self, key: str, path: str) -> None:
        Path(path).write_text("x01\nx03\nnobody.jpg\n")

    def reference(self, key: str, text: str) -> tuple[str, ...]:
        self.numbers.add(("root", "blockiness"))
        return ("root", "blockiness")

    def inside(self, key: str, index: int) -> AllIsThere:
        return self

    def refuse(self, key: str, message: str, hint: str) -> NoReturn:
        raise AssertionError(f"{key}: {message}")


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path) -> Iterator[None]:
    """A rule's example may name a file: it lies in the working folder."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)


def example(name: str) -> tuple[Rule, Needs, AllIsThere]:
    rule, found = written("select", RULES[name].example), AllIsThere()
    assert isinstance(rule, RULES[name])
    return rule, rule.needs(found), found


def given_to(needs: Needs) -> Given:
    profiles = {reference: load_profile(reference) for reference in needs.references}
    return Given(needs.orders, profiles, "root.blockiness" if profiles else "")


@st.composite
def pools(draw: st.DrawFn, needs: Needs, found: AllIsThere) -> pa.Table:
    """A pool with every column that a rule needs, of its kind, with holes."""
    count = draw(st.integers(0, 14))
    ids = draw(st.permutations([f"x{i:02}" for i in range(count)]))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=count, max_size=count))

    table = {
        "id": pa.array(ids, pa.string()),
        "uri": pa.array([f"{name}.jpg" for name in ids], pa.string()),
        "source": pa.array(column(st.sampled_from(["a", "b"])), pa.string()),
    }
    missing = {taken.measure: set(draw(st.sets(st.integers(0, 13)))) for taken in needs.taken}
    of = {column: taken.measure for taken in needs.taken for column in MEASURES[taken.measure].columns}
    meant = {column: its for taken in needs.taken for column, its in MEASURES[taken.measure].columns.items()}
    structs: dict[str, dict[str, pa.Array]] = {}
    for path in dict.fromkeys((*needs.columns, *needs.reads)):
        kind, some = (
            (pa.string(), st.sampled_from(["people", "food"]))
            if path in found.words
            else (pa.float64(), NUMBERS)
            if path in found.numbers
            else values_of(meant[path[-1]])
        )
        # a measure has all of its columns on an image, or none; only a few may be empty beside the others
        alone = path in found.words or path in found.numbers or meant[path[-1]].kind in (str, bool)
        values = column(st.one_of(st.none(), some) if alone else some)
        gone = missing.get(of.get(path[-1], ""), set())
        values = pa.array([None if place in gone else value for place, value in enumerate(values)], kind)
        *whose, name = path
        if whose:
            structs.setdefault(whose[0], {})[name] = values
        else:
            table[name] = values
        if path in found.numbers:
            why = [None if value.is_valid else "flat" for value in values]
            table[f"error:{'.'.join(path)}"] = pa.array(why, pa.string())
    for whose, parts in structs.items():
        table[whose] = pa.StructArray.from_arrays(list(parts.values()), list(parts))
    return pa.table(table)


NUMBERS = st.sampled_from([float("nan"), float("inf"), 0.0, 1.0, 2.5, 29.9, 30.0, 30.0001])


def values_of(column: Column) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    """Values that a measure's column can have. Its hidden whole numbers are hashes."""
    low, high = column.low or 0, column.high or 1000
    if column.kind is int:
        if column.hidden:
            return pa.uint64(), st.sampled_from([0, 1, 3, 7, 2**63, 2**64 - 1])
        return pa.int64(), st.integers(int(low), int(high))
    if column.kind is float:
        return pa.float64(), st.floats(low, high)
    if column.kind is bool:
        return pa.bool_(), st.booleans()
    kind = {str: pa.string(), bytes: pa.binary()}[column.kind]
    if column.hidden:  # a text that only the program reads: what is no such text is never there
        return kind, st.none()
    return kind, st.sampled_from([column.kind(), *DIGESTS[column.kind]])


DIGESTS: dict[type, list[Any]] = {str: ["Set5/woman", "same"], bytes: [bytes(16), bytes(range(16))]}
RUNS = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


@every
@RUNS
@given(data=st.data(), seed=st.randoms(use_true_random=False))
def test_every_row_gets_one_verdict_that_only_the_set_of_rows_decides(name: str, data, seed) -> None:
    rule, needs, found = example(name)
    pool = data.draw(pools(needs, found))
    before = pool.to_pydict()
    verdicts = rule.judge(pool, given_to(needs)).verdicts
    assert verdicts.schema == VERDICTS
    assert verdicts["id"].to_pylist() == pool["id"].to_pylist()
    assert repr(pool.to_pydict()) == repr(before)
    assert rule.judge(pool, given_to(needs)).verdicts.equals(verdicts)
    order = list(range(pool.num_rows))
    seed.shuffle(order)
    shuffled = rule.judge(pool.take(pa.array(order, pa.int64())), given_to(needs)).verdicts
    assert shuffled.equals(verdicts.take(pa.array(order, pa.int64())))


@every
@RUNS
@given(data=st.data())
def test_reason_failed_and_margin_fit_the_verdict(name: str, data) -> None:
    rule, needs, found = example(name)
    for row in rule.judge(data.draw(pools(needs, found)), given_to(needs)).verdicts.to_pylist():
        assert row["kept"] == (row["reason"] is None)
        assert row["reason"] != ""
        assert not (row["kept"] and row["failed"])
        if row["failed"]:
            assert "no " in row["reason"]
            assert row["margin"] is None
        if row["margin"] is not None:
            assert row["margin"] >= 0 if row["kept"] else row["margin"] <= 0


@every
@RUNS
@given(data=st.data())
def test_it_never_keeps_more_than_it_said_it_could(name: str, data) -> None:
    rule, needs, found = example(name)
    pool = data.draw(pools(needs, found))
    kept = rule.judge(pool, given_to(needs)).verdicts["kept"].to_pylist()
    assert sum(kept) <= rule.at_most(pool.num_rows) <= pool.num_rows


@every
@RUNS
@given(data=st.data())
def test_what_it_is_frozen_to_keeps_its_own_pool_as_it_did(name: str, data) -> None:
    """But for equal values at the limit of a ranking: by its value alone a row cannot be told from its twin."""
    from groundglass.selections.where import where

    rule, needs, found = example(name)
    pool = data.draw(pools(needs, found))
    frozen = rule.freeze(pool, given_to(needs))
    kept = rule.judge(pool, given_to(needs)).verdicts["kept"].to_pylist()
    for one in frozen:
        passes = where(pool, one)["kept"].to_pylist() if isinstance(one, str) else one.passes(pool).tolist()
        assert all(passed for passed, was_kept in zip(passes, kept, strict=True) if was_kept)


@every
def test_its_record_says_what_it_means(name: str) -> None:
    rule, _, _ = example(name)
    assert rule.label()
    assert rule.summary().endswith(".")
    assert rule.reference
    assert all(field.description for field in RULES[name].model_fields.values())
    alone = rule.only_alone()
    assert alone is None or alone[0] in RULES[name].model_fields


def test_the_catalog_is_light() -> None:
    code = "import sys, groundglass.selections.catalog; print({'numba', 'cv2', 'scipy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
