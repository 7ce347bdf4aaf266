"""Networks of a few operations, exported to ONNX as a training library would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Sides = Sequence[int | str]


def mean_level(path: Path, shape: Sides = ("n", 3, "h", "w"), kind: str = "FLOAT") -> Path:
    """The mean of all that goes in, one number an image: n × 1."""
    from onnx import helper

    steps = [
        helper.make_node("Cast", ["pixels"], ["real"], to=1),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean"], ["score"], axes=[1]),
    ]
    return save(path, steps, [("pixels", shape, kind)], [("score", (shape[0], 1))])


def channel_means(path: Path, declared: Sides = ("n", 3)) -> Path:
    """The mean of each channel: n × 3, and as a second output their maximum, n."""
    from onnx import helper

    steps = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMax", ["means"], ["most"], axes=[1], keepdims=0),
    ]
    return save(
        path, steps, [("pixels", ("n", 3, "h", "w"), "FLOAT")], [("means", declared), ("most", ("n",))]
    )


def answers(path: Path, rows: Any, first: int | str = "n", shape: Sides = ("n", 3, "h", "w")) -> Path:
    """A network that answers every image with the same array, whose sides its file leaves open.

    With "n" for ``first`` one array an image (n × the array's shape); with 0 the array alone, without a batch.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    array = np.asarray(rows, np.float32)
    rank = array.ndim
    steps = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["naught"]),
        helper.make_node("Unsqueeze", ["naught"], ["each"], axes=list(range(1, rank + 1))),
        helper.make_node("Add", ["each", "array"], ["answer"]),
    ]
    sides: Sides = (first, *(f"side{axis}" for axis in range(rank)))
    if first == 0:
        steps = [*steps[:2], helper.make_node("ReduceMean", ["naught"], ["zero"], axes=[0], keepdims=0),
                 helper.make_node("Add", ["zero", "array"], ["answer"])]  # fmt: skip
        sides = sides[1:]
    known = [
        numpy_helper.from_array(np.zeros(1, np.float32), "nothing"),
        numpy_helper.from_array(array, "array"),
    ]
    return save(path, steps, [("pixels", shape, "FLOAT")], [("answer", sides)], known)


def save(
    path: Path,
    steps: list[Any],
    inputs: list[tuple[str, Sides, str]],
    outputs: list[tuple[str, Sides]],
    known: Sequence[Any] = (),
) -> Path:
    """A file of these steps, with inputs and outputs as they are declared, and tensors that are ``known``."""
    import onnx
    from onnx import TensorProto, helper

    takes = [
        helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, shape, kind in inputs
    ]
    gives = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    graph = helper.make_graph(steps, "tiny", takes, gives, list(known))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.save(model, path)
    return path
