"""Any scorer that was exported to ONNX, asked for one number a picture; how pictures are prepared is said beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.errors import RecipeError
from groundglass.models.architectures.onnx import Exported, open_exported, run
from groundglass.models.loaded import ask_network
from groundglass.models.preprocess import Preparation, prepare
from groundglass.models.scorer import Place, Prepared, Scorer
from groundglass.models.weights import Weights
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

KERNELS = {"bilinear": 2, "bicubic": 3, "lanczos": 1, "box": 4}
"""Pillow's ways to resize, with its numbers for them."""
_WORDS: dict[str, tuple[str, ...]] = {
    "resize": ("squash", "shortest", "none"),
    "channels": ("rgb", "bgr"),
    "range": ("0-1", "0-255"),
    "kernel": tuple(KERNELS),
    "better": ("higher", "lower", "neither"),
}
_ABOUT_THE_COLUMN = ("low", "high", "better")


def onnx(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The number that an exported network gives a picture: a score, a complexity, a probability.

    ``weights`` is the .onnx file; its weights must lie in it. A picture is resized with ``kernel`` (Pillow's, which
    smooths when it shrinks): both sides to ``size`` (squash), or the shorter one and the middle cut out (shortest),
    or not at all (none); its levels are brought to ``range``; then ``mean`` is subtracted and the rest divided by
    ``std``, each one number or one a channel, in the order of ``channels``. Without ``size``, the file's own is taken.

    ``output`` names one of several outputs, ``index`` one of its numbers, from 0. Which way is better, and within
    which limits values lie, no file says: ``better``, ``low`` and ``high`` do. Give each network its own column:
    ``as: ic9600_`` makes it ``ic9600_onnx``.

    Raises RecipeError where the file wants another input than is prepared for it, or answers with more than one
    number and none is chosen.

    Source: the network's own; onnxruntime runs it.

    >>> Look(size=512, mean="0.485, 0.456, 0.406", std="0.229, 0.224, 0.225").preparation().to
    (512, 512)
    """
    return ask_network(MEASURE, frame, parameters)


@dataclass(frozen=True)
class Look:
    """How a picture is shown to the network: the measure's parameters of these names."""

    size: int = 0
    resize: str = "squash"
    kernel: str = "bilinear"
    mean: str = "0"
    std: str = "1"
    channels: str = "rgb"
    range: str = "0-1"

    def preparation(self, sides: tuple[int, int] | None = None) -> Preparation:
        """The same as steps; ``sides``, height and width in px, stand in where `size` is 0.

        Raises RecipeError where the size, or a number of `mean` and `std`, is missing.
        """
        mean, std = _three("mean", self.mean), _three("std", self.std)
        if 0.0 in std:
            raise RecipeError(
                f"std is {self.std!r}: nothing can be divided by 0", "std: '1' leaves levels alone"
            )
        sides = (self.size, self.size) if self.size else sides
        if self.resize != "none" and sides is None:
            raise RecipeError("the size is not given, and the file takes any", "size: 512, or resize: none")
        whole = self.resize == "squash"
        return Preparation(
            to=sides if whole else None,
            shortest=max(sides) if sides and self.resize == "shortest" else None,
            crop=sides if self.resize == "shortest" else None,
            kernel=KERNELS[self.kernel],
            scale=1 / 255 if self.range == "0-1" else 1.0,
            mean=mean,
            std=std,
        )


def _three(name: str, text: str) -> tuple[float, ...]:
    """One number a channel.

    >>> _three("mean", "0.5"), _three("std", "0.1, 0.2, 0.3")
    ((0.5, 0.5, 0.5), (0.1, 0.2, 0.3))
    """
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise RecipeError(
            f"{name} is {text!r}", f"one number or three, in quotes: {name}: '0.485, 0.456, 0.406'"
        )
    return numbers * 3 if len(numbers) == 1 else numbers


def settle(weights: Weights, **settings: Any) -> Settled:
    """The column as the recipe declares it. Raises RecipeError where the file does not fit what is declared.

    The file is looked at here, in `plan`, if it is on this machine.
    """
    _check_words(settings)
    column = {name: settings[name] for name in _ABOUT_THE_COLUMN if name in settings}
    rest = {name: value for name, value in settings.items() if name not in column}
    if not weights.absent:
        read = {name: rest[name] for name in ("output", "index") if name in rest}
        shown = {name: value for name, value in rest.items() if name not in read}
        _open(weights.path, Place(), Look(**shown), **read)
    return Settled(rest, rest, {"onnx": _column(**column)})


def load(
    weights: Path,
    place: Place,
    size: int = 0,
    resize: str = "squash",
    kernel: str = "bilinear",
    mean: str = "0",
    std: str = "1",
    channels: str = "rgb",
    range: str = "0-1",
    output: str = "",
    index: int | None = None,
) -> Scorer:
    """The network of a file, with pictures prepared as declared."""
    look = Look(size, resize, kernel, mean, std, channels, range)
    exported = _open(weights, place, look, output, index)
    way = look.preparation(_sides(exported))

    def prepared(frame: Frame) -> Prepared:
        rgb = frame.rgb if channels == "rgb" else np.ascontiguousarray(frame.rgb[:, :, ::-1])
        return Prepared(prepare(rgb, way))

    def score(pixels: NDArray[Any], about: Sequence[Any]) -> list[dict[str, Value]]:  # noqa: ARG001
        return [{"onnx": number} for number in run(exported, pixels)]

    return Scorer(prepared, score, exported.batch or 16)


def _open(path: Path, place: Place, look: Look, output: str = "", index: int | None = None) -> Exported:
    """The network, checked against what is declared."""
    exported = open_exported(path, place, output, index)
    way = look.preparation(_sides(exported))
    height, width = way.crop or way.to or (None, None)
    for side, wanted, name in ((height, exported.height, "high"), (width, exported.width, "wide")):
        if wanted is not None and side != wanted:
            raise RecipeError(
                f"{path} wants pictures {wanted} px {name}, not {f'{side} px' if side else 'of any size'}",
                f"size: {wanted}, resize: squash",
            )
    if exported.dtype == np.uint8 and (look.range, set(way.mean), set(way.std)) != ("0-255", {0.0}, {1.0}):
        raise RecipeError(f"{path} wants whole levels from 0 to 255", "range: 0-255, without mean and std")
    return exported


def _sides(exported: Exported) -> tuple[int, int] | None:
    return (exported.height, exported.width) if exported.height and exported.width else None


def _check_words(settings: Mapping[str, Any]) -> None:
    for name, known in _WORDS.items():
        word = settings.get(name, known[0])
        if word not in known:
            raise RecipeError(
                f"{name} cannot be '{word}'.{did_you_mean(str(word), known)}", f"one of {', '.join(known)}"
            )
    low, high = settings.get("low"), settings.get("high")
    if low is not None and high is not None and low >= high:
        raise RecipeError(f"low is {low:g} and high {high:g}: low must be the lesser", "")


def _column(low: float | None = None, high: float | None = None, better: Any = "neither") -> Column:
    return Column("", low, high, better, "what the exported network says of the picture")


MEASURE = Measure(
    name="onnx",
    version=1,
    compute=onnx,
    columns={"onnx": _column()},
    reference="the network's own; run by onnxruntime",
    parameters={
        "size": Parameter(0, "side of the square that the network takes; 0 is what the file says", "px", 0),
        "resize": Parameter(
            "squash", "squash both sides to it; the shortest, and cut out the middle; or none"
        ),
        "kernel": Parameter("bilinear", "how it is resized: bilinear, bicubic, lanczos or box"),
        "mean": Parameter("0", "what is subtracted, one number or one a channel: '0.485, 0.456, 0.406'"),
        "std": Parameter("1", "what is divided by then, one number or one a channel"),
        "channels": Parameter("rgb", "their order: rgb or bgr"),
        "range": Parameter("0-1", "levels before that: 0-1 or 0-255"),
        "output": Parameter("", "the name of the output that is read; the first where none is given"),
        "index": Parameter(
            None, "which number of that output, from 0; not given: the one there is", low=0, kind=int
        ),
        "low": Parameter(None, "the least value that there can be", kind=float),
        "high": Parameter(None, "the greatest value that there can be", kind=float),
        "better": Parameter("neither", "which way is good for a training set: higher, lower or neither"),
    },
    extra="models",
    network=Network(load, settle=settle),
)
"""Its record in the catalog."""
