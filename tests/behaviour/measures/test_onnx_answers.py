"""What an exported network answers with becomes the values that are meant, or is refused in `plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tiny_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from groundglass import testing
from groundglass.catalog import Value
from groundglass.errors import RecipeError
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.measure_job import ask_of
from groundglass.measures.onnx import MEASURE, load
from groundglass.models.architectures.onnx_answer import Reading, labels_axis, read_answer
from groundglass.models.batching import Batches
from groundglass.models.loaded import answer
from groundglass.models.scorer import Place

SQUARE = {"size": 32}
DETECTIONS = [  # box: middle, width, height; then the sureness of two kinds
    [10, 10, 4, 4, 0.9, 0.1],
    [10, 11, 4, 4, 0.8, 0.1],
    [30, 30, 4, 4, 0.1, 0.7],
    [50, 50, 4, 4, 0.2, 0.3],
]


@pytest.fixture
def frame() -> Frame:
    return open_frame(testing.png(testing.photo(96, 64)))


def values(path: Path, frame: Frame, **told: Any) -> dict[str, Value]:
    """What `plan` takes and the loader gives; the columns are those that `plan` promised."""
    ask = ask_of(MEASURE, {"weights": str(path), "device": "cpu", **SQUARE, **told})
    found = answer(Batches(load(path, Place(), **dict(ask.settings))), frame)
    assert set(found) == set(ask.definition.columns)
    for column, value in found.items():
        assert isinstance(value, ask.definition.columns[column].kind)
    return found


def refused(path: Path, **told: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        ask_of(MEASURE, {"weights": str(path), "device": "cpu", **SQUARE, **told})
    return caught.value


def test_labels_become_columns_in_one_pass(tmp_path: Path, frame: Frame):
    path = tiny_onnx.answers(tmp_path / "a.onnx", [1.0, 3.0, 2.0])
    found = values(path, frame, labels="sea, deep wood, town")
    assert found == {"onnx": "deep wood", "onnx_sea": 1.0, "onnx_deep_wood": 3.0, "onnx_town": 2.0}
    assert values(path, frame, labels="sea, -, town", only="sea") == {"onnx": "town", "onnx_sea": 1.0}
    shares = values(path, frame, labels="sea, wood, town", reduce="softmax")
    whole = np.exp([1, 3, 2]) / np.exp([1, 3, 2]).sum()
    assert [shares[f"onnx_{name}"] for name in ("sea", "wood", "town")] == pytest.approx(list(whole))
    assert values(path, frame, index=1) == {"onnx": 3.0}
    names = tmp_path / "names.txt"
    names.write_text("sea, lake\nwood\ntown\n", encoding="utf-8")
    assert list(values(path, frame, labels=str(names))) == ["onnx", "onnx_sea_lake", "onnx_wood", "onnx_town"]


def test_all_numbers_of_a_map_are_reduced(tmp_path: Path, frame: Frame):
    heat = np.arange(16.0).reshape(1, 4, 4)
    path = tiny_onnx.answers(tmp_path / "a.onnx", heat)
    assert values(path, frame, reduce="max") == {"onnx": 15.0}
    assert values(path, frame, reduce="mean") == {"onnx": 7.5}
    assert values(path, frame, reduce="count", over=12.5) == {"onnx": 3}
    two = tiny_onnx.answers(tmp_path / "b.onnx", np.stack([heat[0], 15 - heat[0]]))
    found = values(two, frame, labels="sky, ground", reduce="count", over=12.5)
    assert found == {"onnx": 6, "onnx_sky": 3, "onnx_ground": 3}


def test_boxes_are_counted_once_for_each_thing(tmp_path: Path, frame: Frame):
    count: dict[str, Any] = {"labels": "cat, dog", "before": "box", "reduce": "count", "over": 0.25}
    whole = {"onnx": 3, "onnx_cat": 1, "onnx_dog": 2}
    path = tiny_onnx.answers(tmp_path / "a.onnx", np.transpose(DETECTIONS))
    assert values(path, frame, **count) == whole
    assert values(tiny_onnx.answers(tmp_path / "b.onnx", DETECTIONS), frame, **count) == whole
    assert values(path, frame, **count, nms=1.0) == {"onnx": 4, "onnx_cat": 2, "onnx_dog": 2}
    assert values(path, frame, **{**count, "over": 0.75}) == {"onnx": 1, "onnx_cat": 1, "onnx_dog": 0}
    most = values(path, frame, labels="cat, dog", before="box", reduce="max")
    assert most["onnx"] == "cat"
    assert (most["onnx_cat"], most["onnx_dog"]) == (pytest.approx(0.9), pytest.approx(0.7))
    rows = np.insert(DETECTIONS, 4, [0.1, 1, 1, 1], axis=1)
    found = values(
        tiny_onnx.answers(tmp_path / "c.onnx", rows), frame, **{**count, "before": "box, objectness"}
    )
    assert found == whole, "the first of the two cats is sure of its kind, not that there is anything"


def test_finds_without_a_batch_are_a_list(tmp_path: Path, frame: Frame):
    for scores, count in (([0.9, 0.4, 0.8], 2), ([0.9], 1), (np.zeros(0), 0)):
        path = tiny_onnx.answers(tmp_path / "a.onnx", scores, first=0, shape=(1, 3, "h", "w"))
        assert values(path, frame, reduce="count", over=0.5) == {"onnx": count}


def test_many_pictures_at_once_are_told_apart(tmp_path: Path):
    path = tiny_onnx.mean_level(tmp_path / "a.onnx", (4, 3, 16, 16))
    scorer = load(path, Place())
    frames = [open_frame(testing.png(testing.flat(16, 16, level))) for level in (0, 51, 102, 153, 204, 255)]
    found = Batches(scorer).answers([scorer.prepare(frame) for frame in frames])
    assert [one["onnx"] for one in found if not isinstance(one, Exception)] == pytest.approx(
        [0, 0.2, 0.4, 0.6, 0.8, 1]
    )


@pytest.mark.parametrize(
    ("rows", "told", "said", "hint"),
    [
        ([1, 2, 3], {}, "3 numbers per image, not one", "labels: 3 names"),
        (
            [1, 2, 3],
            {"labels": "a, b"},
            "2 labels, but no axis has that many",
            "one for each number of an axis: 3",
        ),
        ([1, 2, 3], {"index": 3}, "there is no number 3", "index: 0 … 2"),
        ([[1, 2, 3]] * 5, {"index": 3}, "more than one row", "labels"),
        ([[1, 2, 3]] * 5, {}, "15 numbers per image", "reduce: max, mean, count"),
        ([[1, 2, 3]] * 5, {"reduce": "max"}, "ambiguous which of these numbers max", "labels"),
        ([[1, 2, 3]] * 5, {"labels": "a, b, c"}, "5 numbers for each label", "reduce: max, mean or count"),
        ([[1, 2, 3]] * 3, {"labels": "a, b, c", "reduce": "max"}, "more than one axis has", "another size"),
        ([1, 2, 3], {"reduce": "maxx"}, "Did you mean 'max'", "one of max"),
        ([1, 2, 3], {"labels": "sea, wood, town", "only": "wod"}, "Did you mean 'wood'", "the labels are"),
        ([1, 2, 3], {"labels": "a, A, b"}, "'a' appears twice", "rename"),
        ([1, 2, 3], {"labels": "a, ?, b"}, "holds no letter", "'-'"),
        ([1, 2, 3], {"reduce": "count"}, "a count needs `over`", "over: 0.5"),
        ([1, 2, 3], {"over": 0.5}, "`over` belongs to a count", "reduce: count"),
        ([1, 2, 3], {"reduce": "softmax"}, "a softmax needs labels", "labels"),
        ([1, 2, 3], {"reduce": "max", "index": 0}, "max needs several", "leave"),
        ([1, 2, 3], {"before": "box"}, "`before` needs labels", "labels"),
        (
            DETECTIONS,
            {"labels": "a", "before": "box", "reduce": "max"},
            "1 label after the 4 of box",
            "axis: 2",
        ),
    ],
)
def test_what_is_not_plain_is_refused_in_plan(
    tmp_path: Path, rows: Any, told: dict[str, Any], said: str, hint: str
):
    error = refused(tiny_onnx.answers(tmp_path / "a.onnx", rows), **told)
    assert said in error.message
    assert hint in error.hint


def test_outputs_are_chosen_by_name(tmp_path: Path, frame: Frame):
    path = tiny_onnx.channel_means(tmp_path / "a.onnx")
    error = refused(path)
    assert "has 2 outputs" in error.message
    assert error.hint == "output: means or most"
    assert "Did you mean 'most'" in refused(path, output="mst").message
    assert len(values(path, frame, output="means", labels="red, green, blue")) == 4


def test_an_answer_of_another_shape_than_in_plan_is_an_error_and_no_value(tmp_path: Path, frame: Frame):
    from onnx import helper

    steps = [helper.make_node("Flatten", ["pixels"], ["score"])]
    path = tiny_onnx.save(
        tmp_path / "a.onnx", steps, [("pixels", ("n", 3, "h", "w"), "FLOAT")], [("score", ("n", 1))]
    )
    network = Batches(load(path, Place(), size=2))
    (found,) = network.answers([network.scorer.prepare(frame)])
    assert isinstance(found, ValueError)
    assert "12 numbers per image" in str(found)
    assert "12 numbers per image" in refused(open_sides(path), size=2).message


def open_sides(path: Path) -> Path:
    """The same network, whose file leaves the sides of its answer open."""
    import onnx

    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "k"
    onnx.save(model, path)
    return path


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6).flatmap(
        lambda labels: st.tuples(
            st.just(labels),
            arrays(
                np.float64, st.tuples(st.just(labels), st.sampled_from([1, 7, 9])), elements=st.floats(-9, 9)
            ),
        )
    ),
    st.sampled_from(["max", "mean", "count"]),
)
def test_the_axis_of_labels_may_be_any(made: tuple[int, np.ndarray], reduce: str):
    """The same numbers give the same values, however they are laid out."""
    count, numbers = made
    reading = Reading(
        tuple(f"l{n}" for n in range(count)), reduce=reduce, over=0.5 if reduce == "count" else None
    )
    expected = read_answer(numbers, reading, labels_axis(numbers.shape, reading, (32, 32), ""))
    for turned in (numbers.T, numbers[None], numbers.T[:, None], numbers[:, :, None]):
        assert read_answer(
            turned, reading, labels_axis(turned.shape, reading, (32, 32), "")
        ) == pytest.approx(expected)
    direct = {"max": numbers.max(1), "mean": numbers.mean(1), "count": (numbers > 0.5).sum(1)}[reduce]
    assert [expected[f"onnx_l{n}"] for n in range(count)] == pytest.approx(list(direct))


@pytest.mark.parametrize(
    "reading",
    [
        Reading(reduce="count", over=0.1),
        Reading(("a", "b", "c"), only=("a",)),
        Reading(reduce="max"),
        Reading(index=0),
    ],
)
def test_what_is_not_a_number_is_never_compared(reading: Reading) -> None:
    """A count would pass it over, and the greatest label would follow from the order of labels."""
    with pytest.raises(ValueError, match="NaN"):
        read_answer(np.array([0.5, np.nan, 0.7]), reading, 0)
