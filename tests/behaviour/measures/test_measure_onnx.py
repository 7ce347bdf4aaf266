"""An exported network is shown what is declared, and refused in `plan` where its file says that this cannot be."""

from __future__ import annotations

from collections.abc import Callable
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
    rgb = testing.photo(96, 64)
    rgb[..., 0] //= 2
    return open_frame(testing.png(rgb))


def ask(path: Path, frame: Frame, **settings: Any) -> float:
    """The one number, by the loader alone."""
    return float(str(answer(Batches(load(path, Place(), **settings)), frame)["onnx"]))


def test_levels_mean_and_std_are_as_declared(tmp_path: Path, frame: Frame):
    path = tiny_onnx.channel_means(tmp_path / "a.onnx")
    rgb = frame.rgb.mean(axis=(0, 1))
    shown = {"resize": "none", "output": "means"}
    for channel in range(3):
        assert ask(path, frame, index=channel, **shown) == pytest.approx(rgb[channel] / 255, abs=1e-4)
        assert ask(path, frame, index=channel, range="0-255", **shown) == pytest.approx(
            rgb[channel], abs=0.02
        )
        turned = ask(path, frame, index=channel, channels="bgr", **shown)
        assert turned == pytest.approx(rgb[2 - channel] / 255, abs=1e-4)
    settings = {"mean": "0.1, 0.2, 0.3", "std": "0.5 0.25 2", "index": 1, **shown}
    assert ask(path, frame, **settings) == pytest.approx((rgb[1] / 255 - 0.2) / 0.25, abs=1e-4)
    assert ask(path, frame, mean="0.5", index=2, **shown) == pytest.approx(rgb[2] / 255 - 0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"size": 32}, (3, 32, 32)),
        ({"size": 32, "resize": "shortest"}, (3, 32, 32)),
        ({"resize": "none"}, (3, 64, 96)),
    ],
)
def test_sizes(tmp_path: Path, frame: Frame, settings: dict[str, Any], shape: tuple[int, ...]):
    scorer = load(tiny_onnx.mean_level(tmp_path / "a.onnx"), Place(), **settings)
    assert scorer.prepare(frame).pixels.shape == shape


def test_squash_sees_the_whole_picture_and_shortest_its_middle(tmp_path: Path):
    rgb = np.zeros((32, 96, 3), np.uint8)
    rgb[:, 32:64] = 255
    frame = open_frame(testing.png(rgb))
    path = tiny_onnx.mean_level(tmp_path / "a.onnx")
    assert ask(path, frame, size=32, resize="shortest") == 1.0
    assert ask(path, frame, size=32) == pytest.approx(1 / 3, abs=0.01)


def test_the_files_own_size_is_taken_where_none_is_given(tmp_path: Path, frame: Frame):
    scorer = load(tiny_onnx.mean_level(tmp_path / "a.onnx", (1, 3, 24, 40)), Place())
    assert scorer.prepare(frame).pixels.shape == (3, 24, 40)


@pytest.mark.parametrize(("first", "batch"), [(1, 1), (4, 4), ("n", 16), (-1, 16)])
def test_the_batch_is_what_the_file_allows(tmp_path: Path, first: int | str, batch: int):
    scorer = load(tiny_onnx.mean_level(tmp_path / "a.onnx", (first, 3, 16, 16)), Place())
    assert scorer.batch == batch
    frames = [open_frame(testing.png(testing.flat(16, 16, level))) for level in (0, 51, 255)]
    found = Batches(scorer).answers([scorer.prepare(frame) for frame in frames])
    assert [one["onnx"] for one in found if not isinstance(one, Exception)] == pytest.approx([0, 0.2, 1])


def test_channels_last_and_whole_levels(tmp_path: Path, frame: Frame):
    path = tiny_onnx.mean_level(tmp_path / "a.onnx", ("n", "h", "w", 3), "UINT8")
    assert ask(path, frame, resize="none", range="0-255") == pytest.approx(frame.rgb.mean(), abs=1e-3)
    with pytest.raises(RecipeError, match="whole levels from 0 to 255") as caught:
        ask(path, frame, resize="none")
    assert "range: 0-255" in caught.value.hint


def test_another_output_by_its_name(tmp_path: Path, frame: Frame):
    path = tiny_onnx.channel_means(tmp_path / "a.onnx")
    most = frame.rgb.mean(axis=(0, 1)).max() / 255
    assert ask(path, frame, output="most", resize="none") == pytest.approx(most, abs=1e-4)
    with pytest.raises(RecipeError, match=r"no output 'mots'\. Did you mean 'most'"):
        ask(path, frame, output="mots", resize="none")


def wrong(folder: Path, name: str) -> tuple[Path, dict[str, Any]]:
    path = folder / "a.onnx"
    made: dict[str, tuple[Callable[[], Path], dict[str, Any]]] = {
        "sides": (lambda: tiny_onnx.mean_level(path, (1, 3, 64, 64)), {"size": 32}),
        "no size": (lambda: tiny_onnx.mean_level(path), {}),
        "own size": (lambda: tiny_onnx.mean_level(path, (1, 3, 64, 64)), {"resize": "none"}),
        "grey": (lambda: tiny_onnx.mean_level(path, ("n", 1, 64, 64)), {}),
        "type": (lambda: tiny_onnx.mean_level(path, ("n", 3, 64, 64), "INT64"), {}),
        "outputs": (lambda: tiny_onnx.channel_means(path), {"resize": "none"}),
        "many": (lambda: tiny_onnx.channel_means(path), {"resize": "none", "output": "means"}),
        "index": (lambda: tiny_onnx.channel_means(path), {"resize": "none", "output": "means", "index": 3}),
        "garbage": (lambda: garbage(path), {"size": 32}),
        "cut": (lambda: cut(tiny_onnx.mean_level(path)), {"size": 32}),
        "word": (lambda: tiny_onnx.mean_level(path), {"size": 32, "resize": "squish"}),
        "mean": (lambda: tiny_onnx.mean_level(path), {"size": 32, "mean": "0.1, 0.2"}),
        "std": (lambda: tiny_onnx.mean_level(path), {"size": 32, "std": "0"}),
        "limits": (lambda: tiny_onnx.mean_level(path), {"size": 32, "low": 1.0, "high": 0.0}),
    }
    make, settings = made[name]
    return make(), settings


def garbage(path: Path) -> Path:
    path.write_bytes(b"no network")
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-40])
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sides", "takes images 64 px high, not 32 px"),
        ("no size", "the size is not given"),
        ("own size", "takes images 64 px high, not of any size"),
        ("grey", r"takes 'pixels', \?×1×64×64, tensor\(float\)"),
        ("type", r"tensor\(int64\); a scorer takes one batch"),
        ("outputs", "has 2 outputs, and none is chosen: 'means', .*; 'most'"),
        ("many", r"'means', \?×3, tensor\(float\): 3 numbers per image, not one"),
        ("index", "there is no number 3"),
        ("garbage", "cannot be loaded"),
        ("cut", "cannot be loaded"),
        ("word", "resize cannot be 'squish'. Did you mean 'squash'"),
        ("mean", "mean is '0.1, 0.2'"),
        ("std", "division by 0"),
        ("limits", "low must be less than high"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(tmp_path: Path, name: str, said: str):
    path, settings = wrong(tmp_path, name)
    with pytest.raises(RecipeError, match=said):
        ask_of(MEASURE, {"weights": str(path), "device": "cpu", **settings})


def test_weights_beside_the_file_are_refused(tmp_path: Path):
    """They would not be part of the file's hash."""
    import onnx
    from onnx import helper, numpy_helper

    path = tmp_path / "a.onnx"
    steps = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "by"], ["score"]),
    ]
    tiny_onnx.save(path, steps, [("pixels", ("n", 3, 16, 16), "FLOAT")], [("score", ("n",))])
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.full(1, 2.0, np.float32), "by"))
    onnx.save(model, path, save_as_external_data=True, location="beside", size_threshold=0)
    assert (tmp_path / "beside").exists()
    with pytest.raises(RecipeError, match="cannot be loaded") as caught:
        ask_of(MEASURE, {"weights": str(path), "device": "cpu"})
    assert "not in a second file" in caught.value.hint


def test_limits_and_direction_belong_to_the_column_not_to_the_key(tmp_path: Path):
    told = {"weights": str(tiny_onnx.mean_level(tmp_path / "a.onnx")), "device": "cpu", "size": 32}
    plain = ask_of(MEASURE, told)
    declared = ask_of(MEASURE, {**told, "low": 0.0, "high": 1.0, "better": "higher"})
    assert plain.key == declared.key
    column = declared.definition.columns["onnx"]
    assert (column.low, column.high, column.better) == (0.0, 1.0, "higher")
    assert ask_of(MEASURE, {**told, "size": 64}).key != plain.key


def test_a_device_that_onnxruntime_cannot_use(tmp_path: Path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime can use a GPU")
    with pytest.raises(RecipeError, match="cannot use cuda:0") as caught:
        load(tiny_onnx.mean_level(tmp_path / "a.onnx"), Place("cuda:0"), size=32)
    assert "device: cpu" in caught.value.hint
