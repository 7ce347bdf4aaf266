"""A network that needs no library: the mean level of an image, and whatever a test has happen. Workers import it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.catalog import Column, Measure, Network, Parameter, Value
from groundglass.errors import NoValue, RecipeError
from groundglass.image.frame import Frame
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Prepared, Scorer


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


def toy(frame: Frame, **told: Value) -> dict[str, Value]:
    """The mean level of an image, 0 to 255."""
    return ask_network(MEASURE, frame, told)


def load(weights: Path, place: Place, most: int = 99, poison: str = "") -> Scorer:
    """Takes at most ``most`` images; dark images (mean under 20) do what ``poison`` says."""
    if weights.read_bytes()[:6] == b"broken":
        raise RecipeError("these weights are broken", "take others")
    marks = weights.with_suffix(".batches")
    return Scorer(prepare, partial(score, most, poison, marks), batch=8)


def prepare(frame: Frame) -> Prepared:
    if min(frame.width, frame.height) < 48:
        raise NoValue("too_small", f"{frame.width} x {frame.height} px")
    return Prepared(frame.rgb, frame.region)


def score(
    most: int, poison: str, marks: Path, pixels: np.ndarray, about: Sequence[Any]
) -> list[dict[str, Value]]:
    if len(pixels) > most:
        raise OutOfMemoryError(f"{len(pixels)} pictures")
    with marks.open("a") as file:
        file.write(f"{len(pixels)}\n")
    means = [float(picture.mean()) for picture in pixels]
    for mean in means:
        if mean < 20 and poison == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if mean < 20 and poison == "raise":
            raise ArithmeticError("too dark")
    return [{"toy": float("nan") if mean < 20 and poison == "nan" else mean} for mean in means]


MEASURE = Measure(
    name="toy",
    version=1,
    compute=toy,
    columns={"toy": Column("", 0, 255, "higher", "mean level")},
    reference="none",
    parameters={
        "most": Parameter(99, "pictures that fit into memory"),
        "poison": Parameter("", "what dark pictures do"),
    },
    network=Network(load),
)
