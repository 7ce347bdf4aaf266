"""`top_k`, `quota`, `quantile`, the rest of a ranking and the cut-off table."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.selections.quantile import quantile
from groundglass.selections.quota import quota
from groundglass.selections.ranking import CutOff, cut_off_table, ranked_rest
from groundglass.selections.top_k import top_k


def scored(values: list[float | None], **more: list[object]) -> pa.Table:
    ids = [f"{i:03}" for i in range(len(values))]
    return pa.table({"id": ids, "q": pa.array(values, pa.float64())} | more)


def kept(verdicts: pa.Table) -> set[str]:
    return set(verdicts["id"].filter(verdicts["kept"]).to_pylist())


VALUES = st.lists(st.one_of(st.none(), st.floats(-5, 5).map(lambda x: round(x, 1))), min_size=1, max_size=40)


@settings(deadline=None, max_examples=25)
@given(VALUES, st.integers(1, 20), st.sampled_from(["higher", "lower"]))
def test_top_k_is_the_head_of_the_sorted_list(values: list[float | None], k: int, order: str) -> None:
    pool = scored(values)
    sign = 1 if order == "higher" else -1
    ranked = sorted((-sign * v, f"{i:03}") for i, v in enumerate(values) if v is not None)
    verdicts = top_k(pool, k, "q", order)
    assert kept(verdicts) == {name for _, name in ranked[:k]}
    assert ranked_rest(pool, verdicts, "q", order)["id"].to_pylist() == [name for _, name in ranked[k:]]


@settings(deadline=None, max_examples=25)
@given(VALUES, st.floats(0, 1), st.sampled_from(["higher", "lower"]))
def test_quantile_is_numpys(values: list[float | None], q: float, order: str) -> None:
    known = np.array([v for v in values if v is not None])
    verdicts = quantile(scored(values), q, "q", order)
    sign = 1 if order == "higher" else -1
    line = np.quantile(sign * known, q) if len(known) else math.inf
    for value, row in zip(values, verdicts.to_pylist(), strict=True):
        if value is None:
            assert not row["kept"]
        elif abs(sign * value - line) > 1e-6:
            assert row["kept"] == (sign * value > line)
            assert row["margin"] == pytest.approx(sign * value - line, abs=1e-6)


def test_ties_at_the_quantile_stay_and_positions_are_not_hurt_by_rounding() -> None:
    assert quantile(scored([1.0] * 5), 0.9, "q", "higher")["kept"].to_pylist() == [True] * 5
    hundred = scored([float(i) for i in range(101)])
    for percent in range(0, 101, 7):
        assert len(kept(quantile(hundred, percent / 100, "q", "higher"))) == 101 - percent
        assert len(kept(quantile(hundred, percent / 100, "q", "lower"))) == 101 - percent


def test_reasons() -> None:
    pool = scored([0.9, 0.655, 0.412, None], kind=["people", "people", "people", "people"])
    pool = pool.append_column("error:q", pa.array([None, None, None, "flat"]))
    assert top_k(pool, 2, "q", "higher")["reason"].to_pylist()[2:] == [
        "q 0.412, below rank 2 (0.655)",
        "no q: flat",
    ]
    assert (
        top_k(pool, 2, "q", "higher", "kind")["reason"][2].as_py()
        == "q 0.412, below rank 2 of people (0.655)"
    )
    assert (
        quantile(pool, 0.5, "q", "higher")["reason"][2].as_py()
        == "q 0.412, below the 50th percentile (0.655)"
    )
    assert (
        quantile(pool, 0.2, "q", "lower")["reason"][0].as_py() == "q 0.900, above the 80th percentile (0.802)"
    )
    assert quantile(pool, 0.5, "q", "higher", "kind")["reason"][2].as_py() == (
        "q 0.412, below the 50th percentile of people (0.655)"
    )


def test_a_tie_is_said_to_be_one_and_near_values_keep_their_digits() -> None:
    tied = top_k(scored([0.655, 0.655, 0.655]), 2, "q", "higher").to_pylist()[2]
    assert (tied["reason"], tied["margin"]) == ("q 0.655, tied with rank 2 and later by id", 0.0)
    near = top_k(scored([0.65512, 0.65509]), 1, "q", "higher")["reason"][1].as_py()
    assert near == "q 0.65509, below rank 1 (0.65512)"
    assert top_k(scored([float(i) for i in range(3000)]), 2000, "q", "higher")["reason"][0].as_py() == (
        "q 0, below rank 2,000 (1,000)"
    )


def test_quota_by_group() -> None:
    pool = scored([1.0, 2.0, 3.0, 4.0, 5.0], kind=["people", "people", "food", None, "town"])
    verdicts = quota(pool, {"people": 1, "town": 3, "food": 0}, "kind", "q", "higher")
    assert verdicts["reason"].to_pylist() == [
        "q 1, below rank 1 of people (2)",
        None,
        "quota 0 for 'food'",
        "kind is unknown",
        None,
    ]
    assert verdicts["margin"].to_pylist() == [-1.0, 0.0, None, None, None]


def test_per_group_none_is_hurt_by_the_others() -> None:
    pool = scored([1.0, 2.0, 10.0, 20.0], kind=["a", "a", "b", "b"])
    assert kept(top_k(pool, 1, "q", "higher", "kind")) == {"001", "003"}
    assert kept(quantile(pool, 0.5, "q", "higher", "kind")) == {"001", "003"}


def test_wrong_settings_are_recipe_errors() -> None:
    pool = scored([1.0], word=["x"])
    for call in (
        lambda: top_k(pool, 0, "q", "higher"),
        lambda: top_k(pool, 1, "word", "higher"),
        lambda: top_k(pool, 1, "gone", "higher"),
        lambda: top_k(pool, 1, "q", "best"),  # type: ignore[arg-type]
        lambda: quantile(pool, 1.5, "q", "higher"),
    ):
        with pytest.raises(RecipeError):
            call()


def test_cut_off_table() -> None:
    scores = np.array([0.2, np.nan, 0.8, 0.5])
    assert cut_off_table(scores, [1, 2, 3, 4], "higher", 1e9) == [
        CutOff(1, 0.8, 0.8, 1.0),
        CutOff(2, pytest.approx(0.65), 0.5, 2.0),
        CutOff(3, pytest.approx(0.5), 0.2, 3.0),
    ]
    assert cut_off_table(scores, [1], "lower") == [CutOff(1, 0.2, 0.2, None)]
