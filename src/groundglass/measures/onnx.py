"""Any network that was exported to ONNX; how pictures are shown to it and its answer is read is said beside it."""

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
from groundglass.models.architectures.onnx_answer import NONE, Wish, column_of
from groundglass.models.architectures.onnx_input import KERNELS, Look, probe_picture, show
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
"""The settings of how the answer is read; all others are how a picture is shown."""


def onnx(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """What an exported network says of a picture: a score, shares of named classes, or how many things it finds.

    ``weights`` is the .onnx file; its weights must lie in it. A picture is resized with ``kernel`` (Pillow's, which
    smooth when they shrink, or OpenCV's, which do not): both sides to ``size``, or to ``width`` and ``height``
    (squash); or so that it fills them, and the middle is cut out (shortest); or so that it fits into them, and the
    rest is filled at the right and below with the level ``fill`` (longest); or not at all (none). ``resize_to`` is the
    size before the cut, where that is larger. ``multiple`` brings sides of pictures that are not resized to the
    nearest multiple. Levels are brought to ``range``; then ``mean`` is subtracted and the rest divided by ``std``, each
    one number or one a channel, in the order of ``channels``. Without a size, the file's own is taken.

    ``output`` names one of several outputs. One number a picture is the column ``onnx``. ``labels`` name the numbers
    along an axis ("-" for those that nobody wants): each of them, or each that ``only`` names, is a column
    ``onnx_LABEL``, and ``onnx`` is the label that is greatest. ``reduce`` is what becomes of the numbers that are left
    for each: their max, their mean, or the count of those ``over`` a number; or a softmax over the labels. ``before``
    says that a box (middle, width and height) stands before the labels: then boxes are counted, and of two that
    overlap by more than ``nms`` the surer one; ``onnx`` is how many there are in all. ``index`` takes a number of a
    row without naming it. Which way is better, and within which limits values lie, no file says: ``better``, ``low``
    and ``high`` do. Give each network its own columns: ``as: ic9600_`` makes it ``ic9600_onnx``.

    Raises RecipeError where the file wants another input than is prepared for it, and where it is not plain which
    number is meant; where the file leaves the shape of its output open, it is asked about one picture to find out.

    Source: the network's own; onnxruntime runs it.

    >>> Look(size=512, mean="0.485, 0.456, 0.406", std="0.229, 0.224, 0.225").preparation().to
    (512, 512)
    """
    return ask_network(MEASURE, frame, parameters)


def settle(weights: Weights, **settings: Any) -> Settled:
    """The columns as the recipe declares them. Raises RecipeError where the file does not fit what is declared.

    The file is looked at here, in `plan`, if it is on this machine.
    """
    _check_words(settings)
    column = {name: settings[name] for name in _ABOUT_THE_COLUMN if name in settings}
    rest = {name: value for name, value in settings.items() if name not in column}
    for name in ("labels", "only"):
        if name in rest:
            rest[name] = "\n".join(_names(rest[name]))
    look, output, wish = _declared(rest)
    wish.check()
    if not weights.absent:
        _open(weights.path, Place(), look, output, wish)
    return Settled(rest, rest, _columns(wish, **column))


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
    """The network of a file, with pictures prepared and answers read as declared."""
    look = Look(
        size, width, height, resize, resize_to, multiple, fill, kernel, mean, std, channels, range, layout
    )
    wish = Wish(_names(labels), _names(only), index, reduce, over, before, nms)
    exported, answering, shown = _open(weights, place, look, output, wish)

    def score(pixels: NDArray[Any], about: Sequence[Any]) -> list[dict[str, Value]]:  # noqa: ARG001
        return run(exported, answering, pixels)

    return Scorer(lambda frame: Prepared(shown(frame.rgb)), score, answering.batch or 16)


def _declared(settings: Mapping[str, Any]) -> tuple[Look, str, Wish]:
    """How a picture is shown, which output is read, and what of it."""
    read = {name: settings[name] for name in _READ if name in settings}
    look = Look(**{name: value for name, value in settings.items() if name not in read})
    output = read.pop("output", "")
    for name in ("labels", "only"):
        if name in read:
            read[name] = _names(read[name])
    return look, output, Wish(**read)


def _names(text: str) -> tuple[str, ...]:
    """Labels in the order of the network's numbers; the same one twice would be two numbers in one column."""
    names = label_list(text)
    columns = [column_of(name).lower() for name in names if name != NONE]
    twice = next(
        (name for name in names if name != NONE and columns.count(column_of(name).lower()) > 1), None
    )
    if twice is not None:
        raise RecipeError(
            f"the label '{twice}' is there twice, or another one has the same column", "rename one"
        )
    odd = next((name for name in names if name != NONE and column_of(name) == "onnx_"), None)
    if odd is not None:
        raise RecipeError(
            f"the label '{odd}' holds no letter and no digit", "'-' for a number that nobody wants"
        )
    return names


Shown = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def _open(path: Path, place: Place, look: Look, output: str, wish: Wish) -> tuple[Exported, Answering, Shown]:
    """The network, checked against what is declared, and the way to make a picture ready for it."""
    exported = open_exported(path, place, look.layout, 1 if look.channels == "grey" else 3)
    way = look.preparation((exported.height, exported.width))
    height, width = way.crop or way.pad or way.to or (None, None)
    for side, wanted, name in ((height, exported.height, "high"), (width, exported.width, "wide")):
        if wanted is not None and side != wanted:
            raise RecipeError(
                f"{path} wants pictures {wanted} px {name}, not {f'{side} px' if side else 'of any size'}",
                f"{'size' if exported.height == exported.width else 'height' if name == 'high' else 'width'}: "
                f"{wanted}, resize: squash",
            )
    if exported.dtype == np.uint8 and (look.range, set(way.mean), set(way.std)) != ("0-255", {0.0}, {1.0}):
        raise RecipeError(f"{path} wants whole levels from 0 to 255", "range: 0-255, without mean and std")

    shown = partial(show, look, way)
    probe = shown(probe_picture())
    answering = find_answer(exported, output, wish, np.stack([probe, probe]))
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
        raise RecipeError(f"low is {low:g} and high {high:g}: low must be the lesser", "")


def _columns(wish: Wish, **about: Any) -> dict[str, Column]:
    """The columns of a wish; ``about`` are the limits and the direction that the recipe gives."""
    counted = wish.reduce == "count"
    if not wish.labels:
        return {"onnx": _counted() if counted else _column(**about)}
    whole = (
        _counted()
        if counted
        else Column("", None, None, "neither", "the label whose number is greatest", str)
    )
    meant = "how often the exported network finds {}" if counted else "what the exported network says of {}"
    each = {
        column: replace(
            _counted() if counted else _column(**about), meaning=meant.format(wish.labels[number])
        )
        for column, number in wish.columns().items()
    }
    return {"onnx": whole} | each


def _column(low: float | None = None, high: float | None = None, better: Any = "neither") -> Column:
    return Column("", low, high, better, "what the exported network says of the picture")


def _counted() -> Column:
    return Column("", 0, None, "neither", "how many things the exported network finds", int)


MEASURE = Measure(
    name="onnx",
    version=2,
    compute=onnx,
    columns={"onnx": _column()},
    reference="the network's own; run by onnxruntime",
    parameters={
        "size": Parameter(0, "side of the square that the network takes; 0 is what the file says", "px", 0),
        "width": Parameter(0, "width of what it takes, where that is no square", "px", 0),
        "height": Parameter(0, "its height", "px", 0),
        "resize": Parameter(
            "squash",
            "squash to it; fill it by the shortest side, and cut out the middle; fit in by the longest; or none",
        ),
        "resize_to": Parameter(
            0, "the side (squash: both) before the middle of `size` is cut out; 0 is `size` itself", "px", 0
        ),
        "multiple": Parameter(1, "of pictures that keep their size, what each side is rounded to", "px", 1),
        "fill": Parameter(
            0.0, "the level beside a picture that was fitted in by its longest side", "", 0, 255
        ),
        "kernel": Parameter(
            "bilinear",
            "how it is resized: Pillow's bilinear, bicubic, lanczos or box, or opencv_bilinear, opencv_bicubic, "
            "opencv_lanczos or opencv_area",
        ),
        "mean": Parameter("0", "what is subtracted, one number or one a channel: '0.485, 0.456, 0.406'"),
        "std": Parameter("1", "what is divided by then, one number or one a channel"),
        "channels": Parameter("rgb", "their order: rgb or bgr; or grey, which is one"),
        "range": Parameter("0-1", "levels before that: 0-1 or 0-255"),
        "layout": Parameter("", "nchw or nhwc, where the file's own shape does not say it"),
        "output": Parameter("", "the name of the output that is read, where there are several"),
        "labels": Parameter(
            "", "names of the numbers along an axis, in order, or a .txt file; '-' names none"
        ),
        "only": Parameter("", "the labels that become columns; all where none is given"),
        "reduce": Parameter(
            "", "what becomes of all other numbers: max, mean or count; or softmax over labels"
        ),
        "over": Parameter(None, "what a number must be above to be counted", kind=float),
        "before": Parameter("", "what stands before the labels' numbers: 'box', or 'box, objectness'"),
        "nms": Parameter(0.45, "overlap of two boxes above which the less sure one is not counted", "", 0, 1),
        "index": Parameter(
            None, "which number of a row of numbers, from 0; labels name them instead", low=0, kind=int
        ),
        "low": Parameter(None, "the least value that there can be", kind=float),
        "high": Parameter(None, "the greatest value that there can be", kind=float),
        "better": Parameter("neither", "which way is good for a training set: higher, lower or neither"),
    },
    extra="models",
    network=Network(load, settle=settle),
)
"""Its record in the catalog."""
