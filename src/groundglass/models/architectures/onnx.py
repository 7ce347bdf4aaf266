"""Networks exported to ONNX: check the inputs and outputs that a file declares, and run it. Imports no onnxruntime."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.errors import RecipeError
from groundglass.models.architectures.onnx_answer import Reading, Shape, labels_axis, read_answer
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
"""Device → onnxruntime's name for its execution provider."""
_TYPES = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
}

_NUMBERS = frozenset({*_TYPES, "tensor(int64)", "tensor(int32)", "tensor(int8)", "tensor(bool)"})


@dataclass(frozen=True)
class Exported:
    """An exported network in memory, and the input that its file declares.

    batch     how many images it takes at once; None for any number
    height    px that it needs; None for any
    width     px that it needs; None for any
    last      whether channels are the last axis (N×H×W×3), not the second (N×3×H×W)
    channels  3, or 1 for greyscale
    dtype     of its input
    """

    path: Path
    session: Any
    name: str
    batch: int | None
    height: int | None
    width: int | None
    last: bool
    channels: int
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Answering:
    """How one of its outputs is read.

    output   its name
    reading     the values to read from it
    axis     the axis of one image's answer that holds the labels; None if there are none
    batched  whether its first axis is the images
    batch    how many images the network takes at once; None for any number
    """

    output: str
    reading: Reading
    axis: int | None
    batched: bool
    batch: int | None


def open_exported(path: Path, place: Place, layout: str = "", channels: int = 3) -> Exported:
    """The network of an .onnx file; ``layout`` is "nchw", "nhwc", or "" for the layout that the file's shape implies.

    A file must hold its own weights: weights in a second file would not be part of its hash. On the CPU it runs in one
    thread. Raises RecipeError if the file cannot be loaded, if the device is not available, or if its input is not a
    batch of images with that many ``channels``.
    """
    session = _session(path, place)
    return Exported(path, session, *_layout(path, session, layout, channels))


def find_answer(exported: Exported, output: str, reading: Reading, images: NDArray[Any]) -> Answering:
    """How to read the output of that name; a network with one output needs no name.

    If the file leaves a dimension of it open, the network is run on two prepared ``images`` (n × channels × height ×
    width), and its answer decides. Raises RecipeError if the output does not exist, if the network refuses such
    images, or if it is ambiguous which number is meant.
    """
    path = exported.path
    named = _output(path, exported.session, output)
    shape, batched, batch = _known_shape(exported, named), True, exported.batch
    if shape is None:
        batched, batch, shape = _probed(exported, named, reading, images)
    said = f"{path} answers with {describe(named)}"
    if not batched or any(not isinstance(side, int) for side in named.shape[1:]):
        said += f", which is {'×'.join(map(str, shape)) or 'a number'} for an image"
    axis = labels_axis(shape, reading, (images.shape[2], images.shape[3]), said)
    return Answering(named.name, reading, axis, batched, batch if batched else 1)


def run(exported: Exported, answering: Answering, pixels: NDArray[Any]) -> list[dict[str, Value]]:
    """The values of each prepared image, n × channels × height × width.

    Raises ValueError if the shape of the answer is not the one that `find_answer` found.
    """
    count = len(pixels)
    answer = _asked(exported, answering.output, pixels)
    if answering.batched and answer.shape[:1] != (count,):
        raise ValueError(f"the output '{answering.output}' is {answer.shape} for {count} images")
    if not answering.batched and count != 1:
        raise ValueError(f"the output '{answering.output}' cannot be separated for {count} images")
    each = answer if answering.batched else answer[None]
    try:
        return [read_answer(one, answering.reading, answering.axis) for one in each]
    except ValueError as error:
        raise ValueError(f"the output '{answering.output}': {error}") from error


def _asked(exported: Exported, output: str, pixels: NDArray[Any]) -> NDArray[np.float64]:
    """The network's answer for images; a batch of a fixed size is filled up with the last image."""
    count, batch = len(pixels), exported.batch
    if batch and count < batch:
        pixels = np.concatenate([pixels, np.repeat(pixels[-1:], batch - count, axis=0)])
    shown = pixels.transpose(0, 2, 3, 1) if exported.last else pixels
    taken = np.ascontiguousarray(shown.round() if exported.dtype == np.uint8 else shown, exported.dtype)
    answer = np.asarray(exported.session.run([output], {exported.name: taken})[0], np.float64)
    # The answers for the filled-up places are cut off again.
    return answer[:count] if batch and answer.shape[:1] == (batch,) else answer


def _known_shape(exported: Exported, output: Any) -> Shape | None:
    """The shape of an output for one image, as the file declares it; None if only a run shows it."""
    first, *sides = output.shape or [None]
    asked = exported.session.get_inputs()[0].shape[0]
    known = tuple(side for side in sides if isinstance(side, int) and side > 0)
    return known if first is not None and first == asked and len(known) == len(sides) else None


def _probed(
    exported: Exported, output: Any, reading: Reading, images: NDArray[Any]
) -> tuple[bool, int | None, Shape]:
    """Run it once to find whether the first axis is the images, how many it takes at once, and the shape for one image.

    A network whose file declares any number of images may still take only one: then it is run on one.
    """
    shown = images if exported.batch is None else images[:1]
    try:
        answer = _asked(exported, output.name, shown)
    except Exception as error:  # onnxruntime's errors have no common base class
        if len(shown) > 1:
            return _probed(exported, output, reading, images[:1])
        _, _, height, width = shown.shape
        raise RecipeError(
            f"{exported.path} does not run on an image of {width} x {height} px: {_line_of(error)}",
            "give a size; or a multiple, such as multiple: 32, if sides must be a multiple of something",
        ) from error
    batched = answer.shape[:1] == (len(shown),)
    if len(shown) > 1:
        return (True, None, answer.shape[1:]) if batched else _probed(exported, output, reading, images[:1])
    # A list of detections that happens to hold one looks like a batch of one.
    if answer.ndim == 1 and reading.reduce in ("max", "mean", "count"):
        batched = False
    return batched, exported.batch or 1, answer.shape[1:] if batched else answer.shape


def _session(path: Path, place: Place) -> Any:
    import onnxruntime

    provider = PROVIDERS[place.device.partition(":")[0]]
    if provider not in onnxruntime.get_available_providers():
        raise RecipeError(
            f"the installed onnxruntime cannot use {place.device}",
            "device: cpu, or replace it: pip install onnxruntime-gpu",
        )
    options = onnxruntime.SessionOptions()
    # Fatal errors only: the library's warnings would run into the progress display.
    options.log_severity_level = 4
    # One thread, as for every native library in a worker: values stay the same to the last bit.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    number = {"device_id": place.device.partition(":")[2] or "0"} if place.device.startswith("cuda") else {}
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=[(provider, number)])
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # onnxruntime's errors have no common base class
        raise RecipeError(
            f"{path} cannot be loaded: {_line_of(error)}",
            "it must be an .onnx file that holds its own weights, not in a second file",
        ) from error


def _layout(
    path: Path, session: Any, layout: str, channels: int
) -> tuple[str, int | None, int | None, int | None, bool, int, np.dtype[Any]]:
    """The input's name, batch, height, width, whether channels are last, how many there are, and its type."""
    inputs = session.get_inputs()
    wants = "; ".join(describe(one) for one in inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _TYPES:
        raise RecipeError(
            f"{path} takes {wants or 'no input'}; a scorer takes one batch of images",
            "export it with one input, N×3×H×W or N×H×W×3, of float or uint8",
        )
    batch, *sides = (side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape)
    last = layout == "nhwc" or (not layout and sides[0] != channels and sides[2] == channels)
    found, height, width = (sides[2], sides[0], sides[1]) if last else sides
    if found not in (channels, None):
        raise RecipeError(
            f"{path} takes {wants}; the recipe gives images of {channels} channel{'s' if channels > 1 else ''}",
            "channels: grey gives one channel, rgb and bgr three; layout: nhwc has channels last",
        )
    return inputs[0].name, batch, height, width, last, channels, _TYPES[inputs[0].type]


def _output(path: Path, session: Any, output: str) -> Any:
    named = {one.name: one for one in session.get_outputs()}
    listed = "; ".join(describe(one) + _numbers_of(one) for one in named.values())
    if output and output not in named:
        raise RecipeError(
            f"{path} has no output '{output}'.{did_you_mean(output, named)}", f"it has {listed}"
        )
    if not output and len(named) > 1:
        raise RecipeError(
            f"{path} has {len(named)} outputs, and none is chosen: {listed}",
            f"output: {' or '.join(named)}",
        )
    found = named[output] if output else next(iter(named.values()))
    if found.type not in _NUMBERS:
        raise RecipeError(
            f"{path} answers with {describe(found)}, which does not hold numbers", "output: another output"
        )
    return found


def _numbers_of(one: Any) -> str:
    """How many numbers an output has for each image, if its file says so."""
    sides = one.shape[1:]
    if not all(isinstance(side, int) for side in sides):
        return ""
    count = math.prod(sides)
    return f" ({count:,} number{'' if count == 1 else 's'} per image)"


def _line_of(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def describe(one: Any) -> str:
    """An input or output in words: name, shape, type; sides left open as ?."""
    sides = "×".join(str(side) if isinstance(side, int) else "?" for side in one.shape)
    return f"'{one.name}', {sides or 'a number'}, {one.type}"
