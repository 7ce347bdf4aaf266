"""Warnings about a source: most of its images are too small for the recipe, or it looks like a known test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from groundglass.plans.planner import PlannedStep
from groundglass.releases.trainer_patches import PATCHES, USUAL_SCALE
from groundglass.selections.decontaminate import Decontaminate
from groundglass.similarity.test_images.known_sets import ALL, SETS
from groundglass.sources.public_datasets import PublicDataset, recognise, recognise_test_set
from groundglass.sources.source import Source
from groundglass.text.format import some, thousands
from groundglass.transforms.transform import Transform

MOST = 0.5
"""Below this share of images that are too small nothing is said: the tile step drops and counts them."""


def source_warnings(
    steps: Sequence[PlannedStep], name: str, source: Source, rows: pa.Table, guessed: bool = False
) -> tuple[str, ...]:
    """Warnings about the source ``name``, a sentence each.

    ``rows`` are its images, with width and height in px; ``guessed`` where the sizes come from a sample of them. A
    known set is named only where the source's name and the sizes of its images agree, or its name and their number.
    """
    if not rows.num_rows:
        return ()
    test_set = recognise_test_set(source.label(), rows.num_rows)
    said = [] if test_set is None or _kept_out(steps, test_set) else [_trains_on(test_set)]
    if rows["width"].null_count:  # no size, no sentence about sizes
        return tuple(said)
    width, height = (rows[side].to_numpy() for side in ("width", "height"))
    middle = (float(np.median(width)), float(np.median(height)))
    known = recognise(source.label(), *middle)
    tiles = _tiles_after(steps, name)
    if tiles is not None:
        small = int((np.minimum(width, height) < tiles).sum())
        if small > MOST * rows.num_rows:
            said.append(_too_small(small, rows.num_rows, tiles, middle, known, guessed))
    elif known is not None and known.kind != "test" and min(middle) < _usual_patch():
        said.append(
            f"it looks like {known.name}, and its images are {_px(middle)}: smaller than the {_usual_patch()} px that "
            f"some trainers cut from HR at x{USUAL_SCALE}"
        )
    return tuple(said)


def _tiles_after(steps: Sequence[PlannedStep], name: str) -> int | None:
    """The side of the first tiles that every image is cut into; None where there are none.

    A transform before them can only make images smaller, so what is too small for a tile now stays so.
    """
    places = [place for place, planned in enumerate(steps) if planned.step.name == name]
    for planned in steps[places[0] + 1 :] if places else ():
        body = planned.step.body
        if isinstance(body, Transform) and planned.step.only_if is None and body.side() is not None:
            return body.side()
    return None


def _usual_patch() -> int:
    return PATCHES[-1].side * USUAL_SCALE


def _too_small(
    small: int, of: int, tiles: int, middle: tuple[float, float], known: PublicDataset | None, guessed: bool
) -> str:
    about = "about " if guessed else ""
    many = (
        f"all {some(of, 'images')} are" if small == of else f"{thousands(small)} of {some(of, 'images')} are"
    )
    like = f"; it looks like {known.name}" if known else ""
    return (
        f"{about}{many} too small for tiles of {tiles} px (median {_px(middle)}){like}; cut smaller tiles, or take "
        "larger images"
    )


def _trains_on(known: PublicDataset) -> str:
    name = known.name
    way = f"select: {{decontaminate: {name}}} keeps it out" if name in SETS else "leave this source out"
    return (
        f"it looks like the test set {name}, of {some(known.images or 0, 'images')}: a network that trains on "
        f"{name} is not tested by it; {way}"
    )


def _kept_out(steps: Sequence[PlannedStep], known: PublicDataset) -> bool:
    """Whether a step of the recipe drops the images of this test set."""
    rules = [planned.step.body for planned in steps if isinstance(planned.step.body, Decontaminate)]
    listed = {word for rule in rules for word in rule.decontaminate}
    return known.name in SETS and (known.name in listed or ALL in listed)


def _px(size: tuple[float, float]) -> str:
    return f"{size[0]:g} × {size[1]:g} px"
