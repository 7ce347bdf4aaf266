"""A picture is shown to an exported network in the size, the shape and the levels that are declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.measure_job import ask_of
from groundglass.measures.onnx import MEASURE, load
from groundglass.models.batching import Batches
from groundglass.models.loaded import answer
from groundglass.models.scorer import Place


@pytest.fixture
def frame() -> Frame:
    return open_frame(testing.png(testing.photo(96, 64)))


def shown(path: Path, frame: Frame, **told: Any) -> np.ndarray:
    return load(path, Place(), **told).prepare(frame).pixels


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ({"width": 40, "height": 24}, (3, 24, 40)),
        ({"width": 40, "height": 24, "resize": "shortest"}, (3, 24, 40)),
        ({"width": 40, "height": 24, "resize": "longest"}, (3, 24, 40)),
        ({"size": 32, "height": 48}, (3, 48, 32)),
        ({"size": 24, "resize_to": 32}, (3, 24, 24)),
        ({"size": 24, "resize": "shortest", "resize_to": 32}, (3, 24, 24)),
        ({"size": 32, "channels": "grey"}, (1, 32, 32)),
        ({"resize": "none", "multiple": 40}, (3, 80, 80)),
    ],
)
def test_sizes(tmp_path: Path, frame: Frame, told: dict[str, Any], shape: tuple[int, ...]):
    assert (
        shown(tiny_onnx.mean_level(tmp_path / "a.onnx", ("n", "c", "h", "w")), frame, **told).shape == shape
    )


def test_the_middle_is_cut_out_of_the_larger_size(tmp_path: Path):
    """A frame of an eighth around the picture: gone after 256 → 192, there without."""
    rgb = np.full((256, 256, 3), 255, np.uint8)
    rgb[32:-32, 32:-32] = 0
    frame = open_frame(testing.png(rgb))
    path = tiny_onnx.mean_level(tmp_path / "a.onnx")
    assert shown(path, frame, size=192, resize_to=256).max() == 0
    assert shown(path, frame, size=96, resize="shortest", resize_to=128, kernel="box").max() == 0
    assert shown(path, frame, size=192).max() == 1


def test_a_picture_that_is_fitted_in_keeps_its_shape_and_the_rest_is_filled(tmp_path: Path):
    frame = open_frame(testing.png(testing.flat(80, 20, 255)))
    path = tiny_onnx.mean_level(tmp_path / "a.onnx")
    pixels = shown(path, frame, size=40, resize="longest", fill=102, mean="0.5", std="0.5")
    assert np.unique(pixels[:, :10]) == pytest.approx([1])
    assert np.unique(pixels[:, 10:]) == pytest.approx([-0.2])


def test_both_libraries_resize_as_they_do(tmp_path: Path):
    import cv2
    from PIL import Image

    rgb = testing.photo(97, 61)
    frame = open_frame(testing.png(rgb))
    path = tiny_onnx.mean_level(tmp_path / "a.onnx")
    told = {"size": 24, "range": "0-255"}
    ours = shown(path, frame, kernel="opencv_lanczos", **told).transpose(1, 2, 0)
    np.testing.assert_array_equal(ours, cv2.resize(rgb, (24, 24), interpolation=cv2.INTER_LANCZOS4))
    ours = shown(path, frame, kernel="lanczos", **told).transpose(1, 2, 0)
    np.testing.assert_array_equal(ours, np.asarray(Image.fromarray(rgb).resize((24, 24), 1)))


@pytest.mark.parametrize("layout", ["", "nhwc"])
def test_channels_last_by_the_files_shape_or_as_declared(tmp_path: Path, frame: Frame, layout: str):
    shape = ("n", "h", "w", 3) if not layout else ("n", "h", "w", "c")
    network = Batches(
        load(tiny_onnx.mean_level(tmp_path / "a.onnx", shape), Place(), resize="none", layout=layout)
    )
    assert answer(network, frame)["onnx"] == pytest.approx(frame.rgb.mean() / 255, abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "told", "said", "hint"),
    [
        (("n", 3, 24, 40), {"size": 24}, "40 px wide, not 24 px", "width: 40"),
        (("n", 3, "h", "w"), {"width": 40}, "the height is not given", "height: 512"),
        (("n", 3, "h", "w"), {"size": 40, "resize_to": 32}, "less than the 40 px", "resize_to: 40"),
        (
            ("n", 3, "h", "w"),
            {"resize": "none", "resize_to": 32},
            "both resize_to and resize: none",
            "leave one",
        ),
        (("n", 3, "h", "w"), {"size": 40, "multiple": 32}, "multiple needs resize: none", "resize: none"),
        (("n", 3, "h", "w"), {"size": 40, "layout": "nwhc"}, "Did you mean 'nhwc'", "one of"),
        (("n", 1, "h", "w"), {"size": 40}, "the recipe gives images of 3 channels", "channels: grey"),
        (
            ("n", 3, "h", "w"),
            {"size": 40, "kernel": "opencv_lanczo"},
            "Did you mean 'opencv_lanczos'",
            "one of",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_plan(
    tmp_path: Path, shape: tuple[int | str, ...], told: dict[str, Any], said: str, hint: str
):
    path = tiny_onnx.mean_level(tmp_path / "a.onnx", shape)
    with pytest.raises(RecipeError) as caught:
        ask_of(MEASURE, {"weights": str(path), "device": "cpu", **told})
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_network_that_wants_other_sides_than_its_file_says_is_found_out_in_plan(tmp_path: Path):
    from onnx import helper

    steps = [
        helper.make_node("MatMul", ["pixels", "by"], ["product"]),
        helper.make_node("ReduceMean", ["product"], ["score"], axes=[1, 2, 3], keepdims=0),
    ]
    from onnx import numpy_helper

    known = [numpy_helper.from_array(np.ones((32, 2), np.float32), "by")]
    path = tiny_onnx.save(
        tmp_path / "a.onnx", steps, [("pixels", ("n", 3, "h", "w"), "FLOAT")], [("score", ("k",))], known
    )
    ask_of(MEASURE, {"weights": str(path), "device": "cpu", "size": 32})
    with pytest.raises(RecipeError, match="does not run on an image of 33 x 33 px"):
        ask_of(MEASURE, {"weights": str(path), "device": "cpu", "size": 33})
