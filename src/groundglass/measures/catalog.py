"""Every measure there is, written out. Importing this loads no pixel library."""

from __future__ import annotations

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.nearest import did_you_mean
from groundglass.kernel.record import Measure
from groundglass.measures import (
    aesthetic,
    blockiness,
    borders,
    clip_iqa,
    colour,
    complexity,
    exposure,
    fingerprint,
    header,
    hyperiqa,
    leaks,
    naturalness,
    noise,
    objects_detect,
    objects_fast,
    objects_sam,
    onnx,
    pixels,
    pyiqa,
    resolution,
    sharpness,
    tags,
    text_and_graphics,
)

MEASURES: dict[str, Measure] = {
    "header": header.MEASURE,
    "blockiness": blockiness.MEASURE,
    "sharpness": sharpness.MEASURE,
    "noise": noise.MEASURE,
    "exposure": exposure.MEASURE,
    "colour": colour.MEASURE,
    "complexity": complexity.MEASURE,
    "borders": borders.MEASURE,
    "fingerprint": fingerprint.MEASURE,
    "pixels": pixels.MEASURE,
    "leaks": leaks.MEASURE,
    "objects_fast": objects_fast.MEASURE,
    "objects_sam": objects_sam.MEASURE,
    "objects_detect": objects_detect.MEASURE,
    "resolution": resolution.MEASURE,
    "naturalness": naturalness.MEASURE,
    "text_and_graphics": text_and_graphics.MEASURE,
    "hyperiqa": hyperiqa.MEASURE,
    "clip_iqa": clip_iqa.MEASURE,
    "tags": tags.MEASURE,
    "aesthetic": aesthetic.MEASURE,
    "onnx": onnx.MEASURE,
    "pyiqa": pyiqa.MEASURE,
}


def find(name: str) -> Measure:
    """The measure of this name.

    Raises RecipeError with the nearest name there is.

    >>> find("blockiness").columns["blockiness"].better
    'lower'
    >>> find("blokiness")
    Traceback (most recent call last):
    groundglass.kernel.errors.RecipeError: there is no measure 'blokiness'. Did you mean 'blockiness'?
    """
    if name in MEASURES:
        return MEASURES[name]
    raise RecipeError(f"there is no measure '{name}'.{did_you_mean(name, MEASURES)}", "groundglass measures")
