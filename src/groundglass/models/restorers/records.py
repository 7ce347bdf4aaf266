"""Records of restorers: the settings of a recipe, what was found for them, and a network as the tiler runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Levels = NDArray[np.float32]
"""Pixels of a network, 0 to 1 for black to white; H×W×3."""


@dataclass(frozen=True)
class RestorerSettings:
    """The settings of a recipe.

    model     "bicubic"; the name of a bundled model (`groundglass.models.restorers.bundled`); a file: .pth, .pt or
              .safetensors, .onnx, .param with its .bin; or a folder or hub id of a diffusers pipeline
    scale     the factor of both sides; None for the model's own. A model of x2 makes x4 in two passes
    tile      px of LQ, the side of the squares that the network sees; 0 for the kind's own
    overlap   px of LQ by which each square is read beyond its own area, on each side; bundled models that look further
              take more
    prompt    for pipelines only, as are the next four
    seed      of the pipeline's noise
    steps     of the pipeline; None for its own
    strength  how far an image-to-image pipeline may leave the image, 0 to 1; None for its own
    guidance  the weight of the prompt; None for the pipeline's own
    device    "auto", "cpu", "cuda", "cuda:1" or "mps"
    """

    model: str
    scale: int | None = None
    tile: int = 0
    overlap: int = 16
    prompt: str = ""
    seed: int = 0
    steps: int | None = None
    strength: float | None = None
    guidance: float | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Network:
    """A network in memory.

    run       H×W×3 levels to (H·scale)×(W·scale)×3 levels, or less if it is ``valid``; may answer with any numbers
    scale     the factor of both sides
    multiple  the sides that it sees must be multiples of it, px, the margin not counted
    least     the shortest side that it takes, px
    side      the only side that it takes, px; None for any
    margin    px of LQ that are added around each square, by reflection at the edge of the image
    valid     whether its convolutions use the margin up; else the margin is cut off its answer
    """

    run: Callable[[Levels], Levels]
    scale: int
    multiple: int = 1
    least: int = 1
    side: int | None = None
    margin: int = 0
    valid: bool = False


@dataclass(frozen=True)
class Found:
    """A restorer that was found but is not in memory. It cannot be pickled: a job carries the settings.

    kind     "bicubic", "ncnn", "spandrel", "onnx" or "diffusers"
    scale    the factor of both sides
    record   everything that decides a pixel, as plain values; without paths and device
    licence  of the weights; "unknown" if nothing states it
    tile     px of LQ
    overlap  px of LQ; that of the settings, or more if the model needs more
    passes   how often the network is applied
    load     loads the network on a device; None for "bicubic"
    paths    the files to load
    """

    kind: str
    settings: RestorerSettings
    scale: int
    record: Mapping[str, Any]
    licence: str
    tile: int = 0
    overlap: int = 0
    passes: int = 1
    load: Callable[[str], Network] | None = None
    paths: tuple[Path, ...] = ()
