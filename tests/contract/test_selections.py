"""What must be true of every selection in the catalog."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.selections.catalog import SELECTIONS
from groundglass.source_quality.clean_profile import load_profile
from groundglass.tables.verdicts import VERDICTS

Judge = Callable[[pa.Table], pa.Table]


def judge(name: str) -> Judge:
    rule = SELECTIONS[name].judge
    calls: dict[str, Judge] = {
        "where": lambda pool: rule(pool, "q < 3 and s >= 1"),
        "quantile": lambda pool: rule(pool, 0.3, "q", "higher"),
        "top_k": lambda pool: rule(pool, 3, "q", "lower", "kind"),
        "quota": lambda pool: rule(pool, {"a": 2, "b": 1}, "kind", "q", "higher"),
        "intersect": lambda pool: rule(pool, [judge("where")(pool), judge("quantile")(pool)]),
        "deduplicate": lambda pool: rule(pool, "near", 3, "q", "higher"),
        "decontaminate": lambda pool: rule(pool),
        "source_divergence": lambda pool: rule(pool, load_profile("df2k"), 0.9, "q", "kind", "drop"),
        "keep": lambda pool: rule(pool, ["x01", "x03"]),
        "drop": lambda pool: rule(pool, ["x01", "x03"]),
    }
    return calls[name]


@st.composite
def pools(draw: st.DrawFn) -> pa.Table:
    count = draw(st.integers(0, 14))

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=count, max_size=count))

    numbers = st.one_of(st.none(), st.sampled_from([float("nan"), float("inf"), 0.0, 1.0, 2.5, 3.0, 3.0001]))
    hashes = pa.array(
        column(st.one_of(st.none(), st.sampled_from([0, 1, 3, 7, 2**63, 2**64 - 1]))), pa.uint64()
    )
    ids = draw(st.permutations([f"x{i:02}" for i in range(count)]))
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "uri": pa.array([f"{name}.jpg" for name in ids], pa.string()),
            "q": pa.array(column(numbers), pa.float64()),
            "error:q": pa.array(column(st.sampled_from([None, "flat"])), pa.string()),
            "s": pa.array(column(st.one_of(st.none(), st.integers(0, 2))), pa.int32()),
            "kind": pa.array(column(st.sampled_from([None, "a", "b", "c"])), pa.string()),
            "phash": hashes,
            "phash_mirror": hashes,
            "leak_of": pa.array(column(st.sampled_from([None, "Set5/woman"])), pa.string()),
            "leak_relation": pa.array(column(st.sampled_from([None, "same", "inside"])), pa.string()),
            "leak_mirrored": pa.array(column(st.sampled_from([None, True])), pa.bool_()),
            "leak_overlap": pa.array(column(st.sampled_from([None, 0.5])), pa.float64()),
            "leak_matches": pa.array(column(st.sampled_from([None, 0, 62])), pa.int64()),
        }
    )


@pytest.mark.parametrize("name", SELECTIONS)
@settings(deadline=None, max_examples=10)
@given(pool=pools(), seed=st.randoms(use_true_random=False))
def test_every_row_gets_one_verdict_that_only_the_set_of_rows_decides(
    name: str, pool: pa.Table, seed: object
) -> None:
    before = pool.to_pydict()
    verdicts = judge(name)(pool)
    assert verdicts.schema == VERDICTS
    assert verdicts["id"].to_pylist() == pool["id"].to_pylist()
    assert repr(pool.to_pydict()) == repr(before)
    assert judge(name)(pool).equals(verdicts)
    order = list(range(pool.num_rows))
    seed.shuffle(order)  # type: ignore[attr-defined]
    shuffled = judge(name)(pool.take(pa.array(order, pa.int64())))
    assert shuffled.equals(verdicts.take(pa.array(order, pa.int64())))


@pytest.mark.parametrize("name", SELECTIONS)
@settings(deadline=None, max_examples=10)
@given(pool=pools())
def test_reason_failed_and_margin_fit_the_verdict(name: str, pool: pa.Table) -> None:
    for row in judge(name)(pool).to_pylist():
        assert row["kept"] == (row["reason"] is None)
        assert row["reason"] != ""
        assert not (row["kept"] and row["failed"])
        if row["failed"]:
            assert "no q: flat" in row["reason"]
            assert row["margin"] is None
        if row["margin"] is not None:
            assert row["margin"] >= 0 if row["kept"] else row["margin"] <= 0


@pytest.mark.parametrize("name", SELECTIONS)
def test_its_record_says_what_it_means(name: str) -> None:
    rule = SELECTIONS[name]
    assert rule.name == name
    assert rule.summary.endswith(".")
    assert rule.reference
    assert all(parameter.meaning for parameter in rule.parameters.values())
    assert not rule.ranked or {"by", "order"} <= set(rule.parameters)
    assert judge(name)


def test_the_catalog_is_light() -> None:
    code = "import sys, groundglass.selections.catalog; print({'numba', 'cv2', 'scipy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
