"""Networks of a few operations, exported to ONNX as a training library would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Sides = Sequence[int | str]


def mean_level(path: Path, shape: Sides = ("n", 3, "h", "w"), kind: str = "FLOAT") -> Path:
    """The mean of all that goes in, one number a picture: n × 1."""
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


def save(
    path: Path, steps: list[Any], inputs: list[tuple[str, Sides, str]], outputs: list[tuple[str, Sides]]
) -> Path:
    """A file of these steps, with inputs and outputs as they are declared."""
    import onnx
    from onnx import TensorProto, helper

    takes = [
        helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, shape, kind in inputs
    ]
    gives = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    graph = helper.make_graph(steps, "tiny", takes, gives)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.save(model, path)
    return path
