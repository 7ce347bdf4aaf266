"""Any network that was exported to ONNX; the recipe declares its input and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.errors import RecipeError
from groundglass.models.architectures.onnx import Answering, Exported, find_answer, open_exported, run
from groundglass.models.architectures.onnx_answer import NONE, Reading, column_of
from groundglass.models.architectures.onnx_input import KERNELS, Look, probe_image, show
from groundglass.models.labels import label_list
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Prepared, Scorer
from groundglass.models.weights import Weights
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

_WORDS: dict[str, tuple[str, ...]] = {
    "resize": ("squash", "shortest", "longest", "none"),
    "channels": ("rgb", "bgr", "grey"),
    "range": ("0-1", "0-255"),
    "kernel": tuple(KERNELS),
    "layout": ("", "nchw", "nhwc"),
    "better": ("higher", "lower", "neither"),
}
_ABOUT_THE_COLUMN = ("low", "high", "better")
_READ = ("output", "index", "labels", "only", "reduce", "over", "before", "nms")
"""The settings for reading the answer; all others are for preparing the image."""


def onnx(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The answer of an exported network to an image: a score, shares of named classes, or a number of things.

    ``weights`` is the .onnx file; it must contain its weights. An image is resized with ``kernel`` (Pillow's, which
    smooth when they shrink, or OpenCV's, which do not): both sides to ``size``, or to ``width`` and ``height``
    (squash); or so that it fills them, and the middle is cut out (shortest); or so that it fits into them, and the
    rest is filled at the right and below with the level ``fill`` (longest); or not at all (none). ``resize_to`` is the
    size before the cut, where that is larger. ``multiple`` brings sides of images that are not resized to the
    nearest multiple. Levels are brought to ``range``; then ``mean`` is subtracted and the result divided by ``std``,
    each one number or one a channel, in the order of ``channels``. Without a size, the file's own is taken.

    ``output`` names one of several outputs. One number an image is the column ``onnx``. ``labels`` name the numbers
    along an axis ("-" for unwanted ones): each of them, or each that ``only`` names, is a column
    ``onnx_LABEL``, and ``onnx`` is the label with the greatest number. ``reduce`` combines the remaining numbers
    of each: their max, their mean, or the count of those ``over`` a number; or a softmax over the labels. ``before``
    declares that a box (middle, width and height) precedes the labels: then boxes are counted, and of two that
    overlap by more than ``nms`` the surer one; ``onnx`` is their number in all. ``index`` takes a number of a
    row without naming it. No file states the better direction and the limits of values: ``better``, ``low``
    and ``high`` do. Give each network its own columns: ``as: ic9600_`` makes it ``ic9600_onnx``.

    Raises RecipeError where the file takes another input than the declared one, and where it is not clear which
    number is meant; where the file leaves the shape of its output open, one image is run to find out.

    Source: the network's own; onnxruntime runs it.

    >>> Look(size=512, mean="0.485, 0.456, 0.406", std="0.229, 0.224, 0.225").preparation().to
    (512, 512)
    """
    return ask_network(MEASURE, frame, parameters)


def settle(weights: Weights, **settings: Any) -> Settled:
    """The columns as the recipe declares them. Raises RecipeError where the file does not fit what is declared.

    The file is opened here, in `plan`, if it is on this machine.
    """
    _check_words(settings)
    column = {name: settings[name] for name in _ABOUT_THE_COLUMN if name in settings}
    rest = {name: value for name, value in settings.items() if name not in column}
    for name in ("labels", "only"):
        if name in rest:
            rest[name] = "\n".join(_names(rest[name]))
    look, output, reading = _declared(rest)
    reading.check()
    # A file that is still to be fetched is checked when it is loaded.
    if not weights.absent:
        _open(weights.path, Place(), look, output, reading)
    return Settled(rest, rest, _columns(reading, **column))


def load(
    weights: Path,
    place: Place,
    size: int = 0,
    width: int = 0,
    height: int = 0,
    resize: str = "squash",
    resize_to: int = 0,
    multiple: int = 1,
    fill: float = 0.0,
    kernel: str = "bilinear",
    mean: str = "0",
    std: str = "1",
    channels: str = "rgb",
    range: str = "0-1",
    layout: str = "",
    output: str = "",
    labels: str = "",
    only: str = "",
    index: int | None = None,
    reduce: str = "",
    over: float | None = None,
    before: str = "",
    nms: float = 0.45,
) -> Scorer:
    """The network of a file, with images prepared and answers read as declared."""
    look = Look(
        size, width, height, resize, resize_to, multiple, fill, kernel, mean, std, channels, range, layout
    )
    reading = Reading(_names(labels), _names(only), index, reduce, over, before, nms)
    exported, answering, shown = _open(weights, place, look, output, reading)

    def score(pixels: NDArray[Any], about: Sequence[Any]) -> list[dict[str, Value]]:  # noqa: ARG001
        return run(exported, answering, pixels)

    return Scorer(lambda frame: Prepared(shown(frame.rgb)), score, answering.batch or 16)


def _declared(settings: Mapping[str, Any]) -> tuple[Look, str, Reading]:
    """The input of the network, the output that is read, and the numbers to take from it."""
    read = {name: settings[name] for name in _READ if name in settings}
    look = Look(**{name: value for name, value in settings.items() if name not in read})
    output = read.pop("output", "")
    for name in ("labels", "only"):
        if name in read:
            read[name] = _names(read[name])
    return look, output, Reading(**read)


def _names(text: str) -> tuple[str, ...]:
    """Labels in the order of the network's numbers; a repeated one would put two numbers into one column."""
    names = label_list(text)
    columns = [column_of(name).lower() for name in names if name != NONE]
    twice = next(
        (name for name in names if name != NONE and columns.count(column_of(name).lower()) > 1), None
    )
    if twice is not None:
        raise RecipeError(
            f"the label '{twice}' appears twice, or another one has the same column", "rename one"
        )
    odd = next((name for name in names if name != NONE and column_of(name) == "onnx_"), None)
    if odd is not None:
        raise RecipeError(f"the label '{odd}' holds no letter and no digit", "'-' for an unwanted number")
    return names


Shown = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def _open(
    path: Path, place: Place, look: Look, output: str, reading: Reading
) -> tuple[Exported, Answering, Shown]:
    """The network, checked against the declaration, and the function that prepares an image for it."""
    exported = open_exported(path, place, look.layout, 1 if look.channels == "grey" else 3)
    way = look.preparation((exported.height, exported.width))
    height, width = way.crop or way.pad or way.to or (None, None)
    for side, wanted, name in ((height, exported.height, "high"), (width, exported.width, "wide")):
        if wanted is not None and side != wanted:
            raise RecipeError(
                f"{path} takes images {wanted} px {name}, not {f'{side} px' if side else 'of any size'}",
                f"{'size' if exported.height == exported.width else 'height' if name == 'high' else 'width'}: "
                f"{wanted}, resize: squash",
            )
    if exported.dtype == np.uint8 and (look.range, set(way.mean), set(way.std)) != ("0-255", {0.0}, {1.0}):
        raise RecipeError(f"{path} takes whole levels from 0 to 255", "range: 0-255, without mean and std")

    shown = partial(show, look, way)
    # Two images at once: the output's shape then shows which axis is the batch.
    probe = shown(probe_image())
    answering = find_answer(exported, output, reading, np.stack([probe, probe]))
    return exported, answering, shown


def _check_words(settings: Mapping[str, Any]) -> None:
    for name, known in _WORDS.items():
        word = settings.get(name, known[0])
        if word not in known:
            raise RecipeError(
                f"{name} cannot be '{word}'.{did_you_mean(str(word), known)}", f"one of {', '.join(known)}"
            )
    low, high = settings.get("low"), settings.get("high")
    if low is not None and high is not None and low >= high:
        raise RecipeError(f"low is {low:g} and high {high:g}: low must be less than high", "")


def _columns(reading: Reading, **about: Any) -> dict[str, Column]:
    """The columns of a recipe's declaration; ``about``: its limits and direction."""
    counted = reading.reduce == "count"
    if not reading.labels:
        return {"onnx": _counted() if counted else _column(**about)}
    whole = (
        _counted()
        if counted
        else Column("", None, None, "neither", "the label with the greatest number", str)
    )
    meant = "how often the exported network finds {}" if counted else "the exported network's number for {}"
    each = {
        column: replace(
            _counted() if counted else _column(**about), meaning=meant.format(reading.labels[number])
        )
        for column, number in reading.columns().items()
    }
    return {"onnx": whole} | each


def _column(low: float | None = None, high: float | None = None, better: Any = "neither") -> Column:
    return Column("", low, high, better, "the exported network's number for the image")


def _counted() -> Column:
    return Column("", 0, None, "neither", "number of things that the exported network finds", int)


MEASURE = Measure(
    name="onnx",
    version=2,
    compute=onnx,
    columns={"onnx": _column()},
    reference="the network's own; run by onnxruntime",
    parameters={
        "size": Parameter(0, "side of the square that the network takes; 0 is the file's own", "px", 0),
        "width": Parameter(0, "width of its input, where that is not a square", "px", 0),
        "height": Parameter(0, "height of its input", "px", 0),
        "resize": Parameter(
            "squash",
            "squash to it; fill it by the shortest side, and cut out the middle; fit in by the longest; or none",
        ),
        "resize_to": Parameter(
            0, "the side (squash: both) before the middle of `size` is cut out; 0 is `size` itself", "px", 0
        ),
        "multiple": Parameter(
            1, "of images that keep their size: each side is rounded to a multiple of it", "px", 1
        ),
        "fill": Parameter(
            0.0, "the level around an image that was fitted in by its longest side", "", 0, 255
        ),
        "kernel": Parameter(
            "bilinear",
            "how an image is resized: Pillow's bilinear, bicubic, lanczos or box, or opencv_bilinear, opencv_bicubic, "
            "opencv_lanczos or opencv_area",
        ),
        "mean": Parameter("0", "subtracted from levels, one number or one a channel: '0.485, 0.456, 0.406'"),
        "std": Parameter("1", "divisor after that, one number or one a channel"),
        "channels": Parameter("rgb", "their order: rgb or bgr; or grey, which is one"),
        "range": Parameter("0-1", "levels before that: 0-1 or 0-255"),
        "layout": Parameter("", "nchw or nhwc, where the file's own shape does not show it"),
        "output": Parameter("", "the name of the output that is read, where there are several"),
        "labels": Parameter(
            "", "names of the numbers along an axis, in order, or a .txt file; '-' names none"
        ),
        "only": Parameter("", "the labels that become columns; all where none is given"),
        "reduce": Parameter(
            "", "how all other numbers are combined: max, mean or count; or softmax over labels"
        ),
        "over": Parameter(None, "a number must be above it to be counted", kind=float),
        "before": Parameter("", "the values before the labels' numbers: 'box', or 'box, objectness'"),
        "nms": Parameter(0.45, "overlap of two boxes above which the less sure one is not counted", "", 0, 1),
        "index": Parameter(
            None, "which number of a row of numbers, from 0; labels name them instead", low=0, kind=int
        ),
        "low": Parameter(None, "the least possible value", kind=float),
        "high": Parameter(None, "the greatest possible value", kind=float),
        "better": Parameter("neither", "which way is good for a training set: higher, lower or neither"),
    },
    extra="models",
    network=Network(load, settle=settle),
)
"""Its record in the catalog."""
