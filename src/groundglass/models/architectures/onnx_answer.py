"""How the numbers of an exported network become values: which axis holds the labels, and how the others are reduced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.errors import RecipeError
from groundglass.models.architectures.box_nms import best_boxes
from groundglass.models.labels import label_column
from groundglass.text.suggest import did_you_mean

Shape = tuple[int, ...]
Numbers = NDArray[np.float64]

REDUCE = ("max", "mean", "count", "softmax")
BEFORE = {"": 0, "box": 4, "box, objectness": 5}
"""The numbers before the labels' own numbers → their count."""
NONE = "-"
"""Written instead of a label: a number that is not used."""


@dataclass(frozen=True)
class Reading:
    """The values that a recipe reads from an answer.

    labels  the names of the numbers along one axis, in their order, `NONE` among them; empty if there is one number
    only    the labels that become columns; empty for all
    index   which number of a row of numbers, from 0; None for a single number
    reduce  how the other axes are reduced, or a softmax over the labels; "" for neither
    over    the threshold above which a number is counted
    before  a key of `BEFORE`
    nms     of two boxes that overlap by more, the less sure one is not counted; intersection over union
    """

    labels: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    index: int | None = None
    reduce: str = ""
    over: float | None = None
    before: str = ""
    nms: float = 0.45

    def columns(self) -> dict[str, int]:
        """The columns of labels, each with its place on the axis.

        >>> Reading(("-", "0 degrees", "90 degrees"), only=("90 degrees",)).columns()
        {'onnx_90_degrees': 2}
        """
        named = {name: number for number, name in enumerate(self.labels) if name != NONE}
        return {column_of(name): named[name] for name in self.only or named}

    def check(self) -> None:
        """Raises RecipeError if the settings contradict each other, whatever the network answers."""
        for name, word, known in (("reduce", self.reduce, REDUCE), ("before", self.before, tuple(BEFORE))):
            if word and word not in known:
                shown = ", ".join(f"'{one}'" if "," in one else one for one in known if one)
                raise RecipeError(
                    f"{name} cannot be '{word}'.{did_you_mean(word, known)}",
                    f"one of {shown}; or leave it out",
                )
        for name in self.only:
            if name not in self.labels:
                raise RecipeError(
                    f"`only` names '{name}', which is not one of the labels.{did_you_mean(name, self.labels)}",
                    f"the labels are {', '.join(self.labels) or 'not given'}",
                )
        if (self.reduce == "count") != (self.over is not None):
            raise RecipeError(
                "a count needs `over`: the threshold that a number must exceed"
                if self.reduce
                else "`over` belongs to a count",
                "reduce: count, over: 0.5",
            )
        if self.labels and self.index is not None:
            raise RecipeError("both labels and an index are given", "only: LABEL selects one of the labels")
        if self.index is not None and self.reduce in ("max", "mean", "count"):
            raise RecipeError(
                f"an index selects one number, and {self.reduce} needs several", "leave one of them out"
            )
        if self.reduce == "softmax" and not self.labels and self.index is None:
            raise RecipeError("a softmax needs labels", "labels: 'first, second'")
        if self.before and not self.labels:
            raise RecipeError("`before` needs labels, and none are given", "labels: 'person, car'")


def column_of(label: str) -> str:
    """The column of a label.

    >>> column_of("hot dog")
    'onnx_hot_dog'
    """
    return label_column("onnx", label)


def labels_axis(shape: Shape, reading: Reading, shown: tuple[int, int], said: str) -> int | None:
    """The axis of one image's answer that holds the labels (or the row that an index selects from), if any.

    shape  of one image's answer
    shown  height and width, px, of the image that gave this answer: an answer of the same proportions is a map
    said   the output in words, for messages

    Raises RecipeError if it is ambiguous which number is meant.
    """
    wide = [axis for axis, side in enumerate(shape) if side != 1]
    if reading.labels:
        return _axis_of_labels(shape, reading, said)
    if reading.index is not None:
        return _axis_of_index(shape, wide, reading.index, said)
    if reading.reduce:
        if len(wide) > 1 and not (len(wide) == 2 and _is_map([shape[axis] for axis in wide], shown)):
            raise RecipeError(
                f"{said}: it is ambiguous which of these numbers {reading.reduce} is taken over",
                "labels: one name for each number along an axis; or output: another output",
            )
    elif wide:
        count = math.prod(shape)
        raise RecipeError(
            f"{said}: {count:,} numbers per image, not one",
            f"labels: {count} names; index: 0 … {count - 1}; or reduce: {', '.join(REDUCE[:3])}"
            if len(wide) == 1
            else f"reduce: {', '.join(REDUCE[:3])}; with labels: a name for each number along an axis",
        )
    return None


def _axis_of_labels(shape: Shape, reading: Reading, said: str) -> int:
    before = BEFORE[reading.before]
    wanted = before + len(reading.labels)
    fitting = [axis for axis, side in enumerate(shape) if side == wanted]
    if not fitting or (len(fitting) > 1 and wanted > 1):
        names = f"{len(reading.labels)} label{'s' if len(reading.labels) > 1 else ''}"
        after = f" after the {before} of {reading.before}" if before else ""
        many = "more than one axis has" if fitting else "no axis has"
        sides = ", ".join(str(side - before) for side in shape if side > before and side != 1) or "1"
        raise RecipeError(
            f"{said}: {names}{after}, but {many} that many",
            "take another size, so that the axes differ"
            if fitting
            else f"labels: one for each number of an axis: {sides}; '{NONE}' for those that are not used",
        )
    others = math.prod(side for axis, side in enumerate(shape) if axis != fitting[0])
    if others != 1 and reading.reduce not in ("max", "mean", "count"):
        raise RecipeError(f"{said}: {others:,} numbers for each label, not one", "reduce: max, mean or count")
    return fitting[0]


def _axis_of_index(shape: Shape, wide: Sequence[int], index: int, said: str) -> int:
    if len(wide) > 1:
        raise RecipeError(
            f"{said}: an index selects from one row of numbers, and this answer has more than one row",
            "labels: one name for each number along an axis, with reduce: max, mean or count",
        )
    axis = wide[0] if wide else max(0, len(shape) - 1)
    count = shape[axis] if shape else 1
    if index >= count:
        raise RecipeError(f"{said}: there is no number {index}", f"index: 0 … {count - 1}, counted from 0")
    return axis


def _is_map(sides: Sequence[int], shown: tuple[int, int]) -> bool:
    """Whether the sides have the proportions of the image, as a map at the same or a smaller scale has.

    >>> _is_map((60, 80), (480, 640)), _is_map((84, 8400), (640, 640))
    (True, False)
    """
    beside = abs(sides[0] * shown[1] - sides[1] * shown[0])
    # The sides of a reduced map are rounded by less than 1 px; those of a square stay equal.
    return beside == 0 or (shown[0] != shown[1] and beside < max(shown))


def read_answer(answer: Numbers, reading: Reading, axis: int | None) -> dict[str, Value]:
    """The values of one image's answer; ``axis`` as `labels_axis` found it.

    With labels: a column for each, and ``onnx``, the label with the greatest value, or for a count the total.

    Raises ValueError if the answer does not have the shape that was found in `plan`, or holds NaN.

    >>> read_answer(np.array([1.0, 3.0]), Reading(("sea", "wood")), 0)
    {'onnx': 'wood', 'onnx_sea': 1.0, 'onnx_wood': 3.0}
    >>> read_answer(np.array([[0.2, 0.9, 0.7]]), Reading(reduce="count", over=0.5), None)
    {'onnx': 2}
    """
    # NaN is neither above nor below anything, so counts and the greatest label would be silently wrong.
    if np.isnan(answer).any():
        raise ValueError("the answer holds NaN, which is not a number")
    if reading.labels:
        return _of_labels(_rows(answer, reading, axis or 0), reading)
    flat = answer.reshape(-1)
    if reading.index is not None:
        if max(answer.shape, default=1) != flat.size or reading.index >= flat.size:
            raise ValueError(f"the answer is {answer.shape}: there is no number {reading.index}")
        return {"onnx": float((_softmax(flat) if reading.reduce == "softmax" else flat)[reading.index])}
    if reading.over is not None:
        return {"onnx": int((flat > reading.over).sum())}
    if not reading.reduce and flat.size != 1:
        raise ValueError(f"the answer has {flat.size} numbers per image, not one")
    if not flat.size:
        raise ValueError(f"the answer is empty: it has no {reading.reduce}")
    return {"onnx": float(flat.mean() if reading.reduce == "mean" else flat.max())}


def _rows(answer: Numbers, reading: Reading, axis: int) -> Numbers:
    """One row per place: the numbers before the labels, then the labels' numbers."""
    wanted = BEFORE[reading.before] + len(reading.labels)
    if axis >= answer.ndim or answer.shape[axis] != wanted:
        raise ValueError(f"the answer is {answer.shape}, not with {wanted} numbers for the labels")
    return np.moveaxis(answer, axis, -1).reshape(-1, wanted)


def _of_labels(rows: Numbers, reading: Reading) -> dict[str, Value]:
    before = BEFORE[reading.before]
    boxes, numbers = rows[:, :4], rows[:, before:]
    # Older YOLO exports: the score of a label is its own number times the box's objectness.
    if before > 4:
        numbers = numbers * rows[:, 4:5]
    named = [number for number, name in enumerate(reading.labels) if name != NONE]
    if reading.over is not None:
        return _counts(boxes if before else None, numbers, named, reading, reading.over)
    if len(numbers) != 1 and (not reading.reduce or not len(numbers)):
        raise ValueError(f"the answer has {len(numbers)} numbers for each label, not one")
    one = numbers.mean(0) if reading.reduce == "mean" else numbers.max(0)
    if reading.reduce == "softmax":
        one = _softmax(one)
    best = reading.labels[max(named, key=lambda number: one[number])]
    values: dict[str, Value] = {"onnx": best}
    return values | {column: float(one[number]) for column, number in reading.columns().items()}


def _counts(
    boxes: Numbers | None, numbers: Numbers, named: Sequence[int], reading: Reading, over: float
) -> dict[str, Value]:
    """How many places each label has. Without boxes a place may have several labels; a box has only its surest one."""
    above = numbers > over
    if boxes is None:
        whole: dict[str, Value] = {"onnx": int(above[:, named].any(axis=1).sum())}
        return whole | {column: int(above[:, n].sum()) for column, n in reading.columns().items()}
    sure, kind = numbers[:, named].max(axis=1), np.take(named, numbers[:, named].argmax(axis=1))
    found = np.flatnonzero(sure > over)
    middle, half = boxes[found, :2], boxes[found, 2:] / 2
    corners = np.concatenate([middle - half, middle + half], axis=1)
    kinds = kind[found[best_boxes(corners, sure[found], reading.nms)]]
    values: dict[str, Value] = {"onnx": len(kinds)}
    return values | {column: int((kinds == n).sum()) for column, n in reading.columns().items()}


def _softmax(row: Numbers) -> Numbers:
    powers = np.exp(row - row.max())
    return powers / powers.sum()
