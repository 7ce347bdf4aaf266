"""What measures that ask a network are told in tests: tiny weights, and the settings they cannot do without."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from groundglass.catalog import Measure, Value
from groundglass.image.frame import Frame
from groundglass.measures.catalog import find
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.models.batching import Batches
from groundglass.models.loaded import answer
from groundglass.models.scorer import Place

HERE = Path(__file__).parent
Told = dict[str, Value]


def clip_iqa(folder: Path) -> Told:
    import tiny_clip

    return {"weights": str(tiny_clip.clip(folder))}


def tags(folder: Path) -> Told:
    import tiny_clip

    return {"weights": str(tiny_clip.siglip(folder)), "labels": "indoor, outdoor, people"}


def aesthetic(folder: Path) -> Told:
    import tiny_clip

    return {"weights": str(tiny_clip.clip(folder)), "head": str(tiny_clip.aesthetic_head(folder))}


def classify(folder: Path) -> Told:
    import tiny_classifiers

    return {"weights": str(tiny_classifiers.vit(folder)), "labels": "photo, anime"}


def onnx(folder: Path) -> Told:
    import tiny_onnx

    return {"weights": str(tiny_onnx.mean_level(folder / "tiny.onnx")), "size": 32}


def pyiqa(folder: Path) -> Told:
    """The package itself is no dependency, not even of tests: a stand-in of a few lines speaks its interface."""
    if str(HERE / "fake_pyiqa") not in sys.path:
        sys.path.append(str(HERE / "fake_pyiqa"))
    return {"metric": "brightness"}


MAKERS: Mapping[str, Callable[[Path], Told]] = {
    "clip_iqa": clip_iqa,
    "tags": tags,
    "aesthetic": aesthetic,
    "classify": classify,
    "onnx": onnx,
    "pyiqa": pyiqa,
}
"""Measure → what it is told; each maker writes its weights below a folder of its own."""
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the tests end."""


@cache
def told(name: str) -> Mapping[str, Value]:
    """What the measure of this name is told. The test is skipped where the libraries of networks are absent."""
    for module in ("torch", "transformers", "onnx", "onnxruntime"):
        pytest.importorskip(module)
    folder = tempfile.TemporaryDirectory(prefix=f"tiny-{name}-")
    _FOLDERS.append(folder)
    return MAKERS[name](Path(folder.name)) | {"device": "cpu"}


@cache
def asked(name: str) -> Ask:
    """The ask for the measure of this name."""
    return ask_of(find(name), told(name))


def key_of(name: str, settings: Mapping[str, Value]) -> str:
    """Where the store keeps what the measure says with these settings."""
    return ask_of(find(name), settings).key


@cache
def network_of(name: str) -> Batches:
    """Its network, kept for all tests of a process."""
    ask = asked(name)
    assert ask.use is not None
    assert ask.definition.network is not None
    return Batches(ask.definition.network.load(ask.use.weights.path, Place(), **dict(ask.settings)))


def take(measure: Measure, frame: Frame) -> Mapping[str, Value]:
    """What the measure's tiny network says of a frame; raises what it raises."""
    return answer(network_of(measure.name), frame)
