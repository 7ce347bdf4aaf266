"""What recurs in a source: a watermark, logo, caption bar or frame at the same place in many of its photographs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundglass.image.sprite_sheet import grey_image
from groundglass.reports.facts import RunFacts
from groundglass.reports.recurring_overlays import FEWEST, Luma, RepeatedOverlay, repeated_overlay

MOST_PICTURES = 200
"""Pictures of one size that are looked at: enough for a faint overlay."""
SMALLEST = 64
"""Shorter side of a thumbnail, px; icons and test patterns below it have edges in common without any overlay."""
MOST_SIZES = 3
"""Sizes of a source that are looked at, the commonest first."""
MOST_SHOWN = 12
"""Overlays that the page shows."""


@dataclass(frozen=True)
class Recurring:
    """An overlay that recurs in the photographs of one source and size.

    pictures       photographs that were looked at
    width/height   of these photographs, px
    box            x, y, width, height in which it lies, as shares of the picture, 0 to 1
    shape          width and height of ``example``, px
    example        one of them, as a data URI
    """

    source: str
    pictures: int
    width: int
    height: int
    box: tuple[float, float, float, float]
    shape: tuple[int, int]
    example: str


def recurring_overlays(facts: RunFacts) -> tuple[Recurring, ...]:
    """What recurs in each source, found on the thumbnails of its photographs; those of one size are compared.

    See `reports.recurring_overlays.repeated_overlay` for what it can see: photographs that are aligned upon each
    other, as cropped faces are, have edges in common too.
    """
    found = (_recurring(place, ids, facts.thumbnails) for place, ids in _same_sizes(facts))
    return tuple(overlay for overlay in found if overlay)[:MOST_SHOWN]


def _same_sizes(facts: RunFacts) -> Iterator[tuple[tuple[str, int, int], list[str]]]:
    """The photographs of each source's commonest sizes that have a thumbnail; ids are hashes, so the first by id are
    as good as drawn by lot."""
    groups: dict[str, dict[tuple[str, int, int], list[str]]] = {}
    rows = facts.rows.select(["id", "parent", "source", "width", "height"]).to_pylist()
    for row in sorted(rows, key=lambda row: row["id"]):
        if row["parent"] is None and row["width"] and row["id"] in facts.thumbnails:  # no size: it failed now
            place = (row["source"], row["width"], row["height"])
            groups.setdefault(row["source"], {}).setdefault(place, []).append(row["id"])
    for sizes in groups.values():
        for place in sorted(sizes, key=lambda place: (-len(sizes[place]), place))[:MOST_SIZES]:
            if len(sizes[place]) >= FEWEST:
                yield place, sizes[place][:MOST_PICTURES]


def _recurring(
    place: tuple[str, int, int], ids: list[str], thumbnails: Mapping[str, bytes]
) -> Recurring | None:
    decoded = (grey_image(thumbnails[key]) for key in ids)
    lumas = [luma for luma in decoded if luma is not None and min(luma.shape) >= SMALLEST]
    found = _overlay(lumas)
    if found is None or found.box is None:
        return None
    height, width = lumas[0].shape
    x, y, across, down = found.box
    box = (x / width, y / height, across / width, down / height)
    example = "data:image/jpeg;base64," + base64.b64encode(thumbnails[ids[0]]).decode()
    return Recurring(*place[:1], found.pictures, *place[1:], box, (width, height), example)


def _overlay(lumas: list[Luma]) -> RepeatedOverlay | None:
    """What recurs in pictures of the commonest shape among them; None where they are too few."""
    shapes = [luma.shape for luma in lumas]
    same = [luma for luma in lumas if luma.shape == max(shapes, key=shapes.count)] if shapes else []
    return repeated_overlay(same) if len(same) >= FEWEST else None
