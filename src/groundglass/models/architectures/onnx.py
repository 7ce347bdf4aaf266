"""Networks exported to ONNX: what their files say of input and output, checked, and run. Imports no onnxruntime."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
"""Device → what onnxruntime calls that which runs there."""
_TYPES = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
}


@dataclass(frozen=True)
class Exported:
    """An exported network in memory.

    batch      how many pictures it takes at once; None for any number
    height     px that it wants; None for any
    width      px that it wants; None for any
    last       whether channels are the last axis (N×H×W×3), not the second (N×3×H×W)
    dtype      of its input
    output     the name of the output that is read
    index      which of that output's numbers; None for the one there is
    """

    session: Any
    name: str
    batch: int | None
    height: int | None
    width: int | None
    last: bool
    dtype: np.dtype[Any]
    output: str
    index: int | None


def open_exported(path: Path, place: Place, output: str = "", index: int | None = None) -> Exported:
    """The network of an .onnx file; ``output`` is its first one where none is named.

    A file's weights must lie in it: what lies beside it would not be part of its hash. On the CPU it runs in one
    thread. Raises RecipeError where the file cannot be loaded or the device is not to be had, where its input is no
    batch of pictures in colour, and where the output is not there or has more than one number and none is chosen.
    """
    session = _session(path, place)
    layout = _layout(path, session)
    named = _output(path, session, output)
    _check_count(path, named, index)
    return Exported(session, *layout, output=named.name, index=index)


def run(exported: Exported, pixels: NDArray[Any]) -> list[float]:
    """One number for each prepared picture, n × 3 × height × width.

    Raises ValueError where the network answers with another count of numbers than one a picture.
    """
    batch = pixels.transpose(0, 2, 3, 1) if exported.last else pixels
    taken = np.ascontiguousarray(batch.round() if exported.dtype == np.uint8 else batch, exported.dtype)
    answer = exported.session.run([exported.output], {exported.name: taken})[0]
    return _numbers(np.asarray(answer, np.float64), len(pixels), exported)


def _numbers(answer: NDArray[np.float64], count: int, exported: Exported) -> list[float]:
    if answer.size % count or (count > 1 and answer.shape[:1] != (count,)):
        raise ValueError(f"the output '{exported.output}' is {answer.shape} for {count} pictures")
    each = answer.reshape(count, -1)
    if exported.index is None and each.shape[1] != 1:
        raise ValueError(f"the output '{exported.output}' has {each.shape[1]} numbers a picture, not one")
    if exported.index is not None and exported.index >= each.shape[1]:
        raise ValueError(
            f"the output '{exported.output}' has no number {exported.index}: {each.shape[1]} there are"
        )
    return each[:, exported.index or 0].tolist()


def _session(path: Path, place: Place) -> Any:
    import onnxruntime

    provider = PROVIDERS[place.device.partition(":")[0]]
    if provider not in onnxruntime.get_available_providers():
        raise RecipeError(
            f"the onnxruntime that is installed cannot use {place.device}",
            "device: cpu, or pip install onnxruntime-gpu in its place",
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    number = {"device_id": place.device.partition(":")[2] or "0"} if place.device.startswith("cuda") else {}
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=[(provider, number)])
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # onnxruntime's own kinds share no base
        said = str(error).strip().partition("\n")[0]
        raise RecipeError(
            f"{path} cannot be loaded: {said}",
            "it must be an .onnx file that holds its weights itself, not in a file beside it",
        ) from error


def _layout(path: Path, session: Any) -> tuple[str, int | None, int | None, int | None, bool, np.dtype[Any]]:
    """Name, batch, height, width, whether channels are last, and type of the input."""
    inputs = session.get_inputs()
    wants = "; ".join(describe(one) for one in inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _TYPES:
        raise RecipeError(
            f"{path} wants {wants or 'nothing'}; a scorer takes one batch of pictures",
            "export it with one input, N×3×H×W or N×H×W×3, of float or uint8",
        )
    batch, *sides = (side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape)
    last = sides[0] != 3 and sides[2] == 3
    channels, height, width = (sides[2], sides[0], sides[1]) if last else sides
    if channels not in (3, None) or batch not in (1, None):
        raise RecipeError(
            f"{path} wants {wants}; asked are pictures in colour, one at a time or any number",
            "export it with 3 channels and a batch of 1, or with a batch whose size is left open",
        )
    return inputs[0].name, batch, height, width, last, _TYPES[inputs[0].type]


def _output(path: Path, session: Any, output: str) -> Any:
    named = {one.name: one for one in session.get_outputs()}
    if output and output not in named:
        raise RecipeError(
            f"{path} has no output '{output}'.{did_you_mean(output, named)}", f"it has {', '.join(named)}"
        )
    return named[output] if output else next(iter(named.values()))


def _check_count(path: Path, output: Any, index: int | None) -> None:
    """What the file says of its output's shape: where it leaves a side open, running it will tell."""
    sides = [side if isinstance(side, int) else None for side in output.shape[1:]]
    if any(side is None for side in sides):
        return
    count = math.prod(side or 0 for side in sides)
    if index is None and count != 1:
        raise RecipeError(
            f"{path} answers with {describe(output)}: {count} numbers a picture, not one",
            f"index: 0 … {count - 1} chooses one, output: another output",
        )
    if index is not None and index >= count:
        raise RecipeError(
            f"{path} answers with {describe(output)}: there is no number {index}",
            f"index: 0 … {count - 1}, counted from 0",
        )


def describe(one: Any) -> str:
    """An input or output in words: name, shape, type; sides left open as ?."""
    sides = "×".join(str(side) if isinstance(side, int) else "?" for side in one.shape)
    return f"'{one.name}', {sides or 'a number'}, {one.type}"
