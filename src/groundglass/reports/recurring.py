"""Overlays that recur in a source: a watermark, logo, caption bar or frame at one place in many of its photographs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundglass.image.sprite_sheet import grey_image
from groundglass.reports.facts import RunFacts
from groundglass.reports.recurring_overlays import FEWEST, Luma, RepeatedOverlay, repeated_overlay

MOST_PHOTOS = 200
"""The most photographs of one size that are compared: enough for a faint overlay."""
SMALLEST = 64
"""Shorter side of a thumbnail, px; icons and test patterns below it have edges in common without any overlay."""
MOST_SIZES = 3
"""The number of sizes of a source that are examined, the most frequent first."""
MOST_SHOWN = 12
"""The most overlays that the page shows."""


@dataclass(frozen=True)
class Recurring:
    """An overlay that recurs in the photographs of one source and size.

    images         the number of photographs that were compared
    width/height   size of these photographs, px
    box            its x, y, width, height, as shares of the photograph, 0 to 1
    shape          width and height of ``example``, px
    example        one of the photographs, as a data URI
    """

    source: str
    images: int
    width: int
    height: int
    box: tuple[float, float, float, float]
    shape: tuple[int, int]
    example: str


def recurring_overlays(facts: RunFacts) -> tuple[Recurring, ...]:
    """The overlays of each source, found on the thumbnails of its photographs; those of one size are compared.

    See `reports.recurring_overlays.repeated_overlay` for its limits: aligned photographs, such as cropped faces, have
    edges in common too.
    """
    found = (_recurring(place, ids, facts.thumbnails) for place, ids in _same_sizes(facts))
    return tuple(overlay for overlay in found if overlay)[:MOST_SHOWN]


def _same_sizes(facts: RunFacts) -> Iterator[tuple[tuple[str, int, int], list[str]]]:
    """The photographs of each source's most frequent sizes that have a thumbnail.

    Ids are hashes, so the first by id are a random sample.
    """
    groups: dict[str, dict[tuple[str, int, int], list[str]]] = {}
    rows = facts.rows.select(["id", "parent", "source", "width", "height"]).to_pylist()
    for row in sorted(rows, key=lambda row: row["id"]):
        # A row without a size failed in this run; its thumbnail is from an earlier one.
        if row["parent"] is None and row["width"] and row["id"] in facts.thumbnails:
            place = (row["source"], row["width"], row["height"])
            groups.setdefault(row["source"], {}).setdefault(place, []).append(row["id"])
    for sizes in groups.values():
        for place in sorted(sizes, key=lambda place: (-len(sizes[place]), place))[:MOST_SIZES]:
            if len(sizes[place]) >= FEWEST:
                yield place, sizes[place][:MOST_PHOTOS]


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
    return Recurring(*place[:1], found.images, *place[1:], box, (width, height), example)


def _overlay(lumas: list[Luma]) -> RepeatedOverlay | None:
    """The overlay in images of their most frequent shape; None if there are too few."""
    shapes = [luma.shape for luma in lumas]
    same = [luma for luma in lumas if luma.shape == max(shapes, key=shapes.count)] if shapes else []
    return repeated_overlay(same) if len(same) >= FEWEST else None
