"""`where`: reasons that name value and limit, failures apart from drops, margins with a sign."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.selections.where import where


def one(expression: str, **row: object) -> dict[str, object]:
    """The verdict on a pool of one row."""
    pool = pa.table({"id": ["a"]} | {name: pa.array([value]) for name, value in row.items()})
    return where(pool, expression).to_pylist()[0]


@pytest.mark.parametrize(
    ("expression", "row", "reason"),
    [
        ("blockiness < 30", {"blockiness": 41.249}, "blockiness 41.2, limit 30"),
        ("30 > blockiness", {"blockiness": 41.249}, "blockiness 41.2, limit 30"),
        ("blockiness < 30", {"blockiness": 30.0}, "blockiness 30, must be below 30"),
        ("blockiness > 30", {"blockiness": 30}, "blockiness 30, must be above 30"),
        ("blockiness <= 30", {"blockiness": 30.0004}, "blockiness 30.0004, limit 30"),
        ("q >= 0.6566", {"q": 0.65655}, "q 0.65655, limit 0.6566"),
        ("q >= 0.6566", {"q": 0.656599999999}, "q 0.656599999999, limit 0.6566"),
        ("width >= 3840", {"width": 1920}, "width 1,920, limit 3,840"),
        (
            "width*height >= 3840*2160",
            {"width": 3840, "height": 2159},
            "width*height 8,290,560, limit 8,294,400",
        ),
        ("r between 0.6 and 1.5", {"r": 1.7778}, "r 1.78, limits 0.6 to 1.5"),
        ("r between 0.6 and 1.5", {"r": 1.5004}, "r 1.5004, limits 0.6 to 1.5"),
        ("format = 'JPEG'", {"format": "PNG"}, "format PNG, wanted JPEG"),
        ("format != 'PNG'", {"format": "PNG"}, "format PNG, must not be PNG"),
        ("format in ('JPEG', 'WEBP')", {"format": "PNG"}, "format PNG, wanted JPEG or WEBP"),
        ("frames = 1", {"frames": 3}, "frames 3, wanted 1"),
        ("not alpha", {"alpha": True}, "not alpha is false (alpha true)"),
        ("alpha", {"alpha": False}, "alpha is false"),
        ("a < 3 or b > 2", {"a": 4.25, "b": 1}, "a < 3 or b > 2 is false (a 4.25, b 1)"),
        ("a < 3 and b > 2", {"a": 4.25, "b": 1}, "a 4.25, limit 3; b 1, limit 2"),
        ("a < 3 and b > 2", {"a": 4.25, "b": 3}, "a 4.25, limit 3"),
        ("sqrt(a) < 3", {"a": -1.0}, "sqrt(a) < 3 has no value here"),
        ("sqrt(a) > 3", {"a": -1.0}, "sqrt(a) > 3 has no value here"),
        ("a / b > 3", {"a": 0.0, "b": 0}, "a / b > 3 has no value here"),
        ("a::integer > 3", {"a": 1e300}, "a::integer > 3 has no value here"),
        ("tiny > 0.001", {"tiny": 0.000123456}, "tiny 0.000123, limit 0.001"),
    ],
)
def test_reason(expression: str, row: dict[str, object], reason: str) -> None:
    verdict = one(expression, **row)
    assert (verdict["kept"], verdict["failed"], verdict["reason"]) == (False, False, reason)


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_value_that_failed_is_failed_and_one_that_is_unknown_is_not(missing: float | None) -> None:
    pool = pa.table(
        {
            "id": ["a", "b"],
            "q": pa.array([missing, missing], pa.float64()),
            "error:q": pa.array(["flat", None]),
        }
    )
    assert where(pool, "q > 0.5").to_pylist() == [
        {"id": "a", "kept": False, "failed": True, "reason": "no q: flat", "margin": None},
        {"id": "b", "kept": False, "failed": False, "reason": "q is unknown", "margin": None},
    ]


def test_a_condition_that_is_false_anyway_drops_whatever_failed_beside_it() -> None:
    pool = pa.table({"id": ["a"], "q": pa.array([None], pa.float64()), "error:q": ["flat"], "b": [50.0]})
    assert where(pool, "q > 0.5 and b < 30").to_pylist()[0]["reason"] == "b 50, limit 30"
    assert where(pool, "q > 0.5 or b < 60")["kept"].to_pylist() == [True]
    assert where(pool, "q is null")["kept"].to_pylist() == [True]


def test_structs_of_the_parent_the_root_and_the_source() -> None:
    pool = pa.table(
        {
            "id": ["a", "b", "c"],
            "root": [{"hyperiqa": 0.7}, {"hyperiqa": 0.1}, {"hyperiqa": None}],
            "error:root.hyperiqa": [None, None, "too_small"],
            "meta": [{"caption": "a boat"}, {"caption": "a boat"}, None],
        }
    )
    verdicts = where(pool, "root.hyperiqa > 0.5 and contains(meta.caption, 'boat')")
    assert verdicts["reason"].to_pylist() == [
        None,
        "root.hyperiqa 0.100, limit 0.5",
        "no root.hyperiqa: too_small; meta.caption is unknown",
    ]
    assert verdicts["failed"].to_pylist() == [False, False, True]


def test_the_margin_is_of_the_condition_nearest_to_its_limit() -> None:
    assert one("a < 30 and b > 0.5", a=29.0, b=0.9)["margin"] == pytest.approx(1.0)
    assert one("a < 30 and b > 0.5", a=10.0, b=0.51)["margin"] == pytest.approx(0.01)
    assert one("a < 30 and b > 0.5", a=10.0, b=0.4)["margin"] == pytest.approx(-0.1)
    assert one("r between 0.6 and 1.5", r=1.4)["margin"] == pytest.approx(0.1)
    assert one("format = 'PNG'", format="PNG")["margin"] is None
    assert one("a < 30 and format = 'PNG'", a=10.0, format="BMP")["margin"] is None


def test_whole_numbers_do_not_overflow_and_floats_are_compared_as_doubles() -> None:
    pool = pa.table(
        {
            "id": ["a"],
            "w": pa.array([65_500], pa.int32()),
            "f": pa.array([0.2], pa.float32()),
            "n": pa.array([1], pa.uint8()),
        }
    )
    assert where(pool, "w*w > 4e9 and f >= 0.2 and n < 300")["kept"].to_pylist() == [True]


def test_a_missing_column_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError, match="no column 'blokiness'") as caught:
        where(pa.table({"id": ["a"], "blockiness": [1.0]}), "blokiness < 3")
    assert "blockiness" in caught.value.hint


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), min_size=1, max_size=30),
    st.floats(-1e6, 1e6),
    st.sampled_from(["<", "<=", ">", ">="]),
)
def test_agrees_with_python_and_never_shows_a_dropped_value_as_its_limit(
    column: list[float | None], limit: float, sign: str
) -> None:
    pool = pa.table({"id": [str(i) for i in range(len(column))], "q": pa.array(column, pa.float64())})
    test = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}[sign]
    for value, verdict in zip(column, where(pool, f"q {sign} {limit!r}").to_pylist(), strict=True):
        known = value is not None and not math.isnan(value)
        assert verdict["kept"] == (known and test(value, limit))
        if known and not verdict["kept"] and value != limit and math.isfinite(value):
            shown = float(verdict["reason"].split(",")[0].removeprefix("q ")) if abs(value) < 1000 else None
            assert shown is None or shown != limit
