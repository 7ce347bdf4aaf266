"""Every measure, written out. Importing this loads no pixel library."""

from __future__ import annotations

from groundglass.catalog import Measure
from groundglass.errors import RecipeError
from groundglass.measures import (
    aesthetic,
    alignment,
    classify,
    clip_iqa,
    colour,
    encoded_bytes,
    exposure,
    header,
    hyperiqa,
    leaks,
    onnx,
    perceptual_hash,
    pixel_hash,
    pyiqa,
    sharpness,
    tags,
)
from groundglass.measures.blockiness import blockiness
from groundglass.measures.borders import borders
from groundglass.measures.complexity import complexity
from groundglass.measures.naturalness import naturalness
from groundglass.measures.noise import noise
from groundglass.measures.objects import detector, regions, segment_anything
from groundglass.measures.pairs import pair, pair_fidelity
from groundglass.measures.resolution import resolution
from groundglass.measures.text_and_graphics import text_and_graphics
from groundglass.text.suggest import did_you_mean

MEASURES: dict[str, Measure] = {
    "header": header.MEASURE,
    "blockiness": blockiness.MEASURE,
    "sharpness": sharpness.MEASURE,
    "noise": noise.MEASURE,
    "exposure": exposure.MEASURE,
    "colour": colour.MEASURE,
    "complexity": complexity.MEASURE,
    "borders": borders.MEASURE,
    "encoded_bytes": encoded_bytes.MEASURE,
    "fingerprint": perceptual_hash.MEASURE,
    "pixels": pixel_hash.MEASURE,
    "leaks": leaks.MEASURE,
    "objects_fast": regions.MEASURE,
    "objects_sam": segment_anything.MEASURE,
    "objects_detect": detector.MEASURE,
    "resolution": resolution.MEASURE,
    "naturalness": naturalness.MEASURE,
    "text_and_graphics": text_and_graphics.MEASURE,
    "pair": pair.MEASURE,
    "pair_fidelity": pair_fidelity.MEASURE,
    "hyperiqa": hyperiqa.MEASURE,
    "clip_iqa": clip_iqa.MEASURE,
    "tags": tags.MEASURE,
    "aesthetic": aesthetic.MEASURE,
    "alignment": alignment.MEASURE,
    "classify": classify.MEASURE,
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
    groundglass.errors.RecipeError: there is no measure 'blokiness'. Did you mean 'blockiness'?
    """
    if name in MEASURES:
        return MEASURES[name]
    raise RecipeError(f"there is no measure '{name}'.{did_you_mean(name, MEASURES)}", "groundglass measures")
