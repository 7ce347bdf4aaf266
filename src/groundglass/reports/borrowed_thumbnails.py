"""The thumbnail that shows each image: its own, or that of the image it was cut from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundglass.image.region import Made, parse
from groundglass.reports.facts import RunFacts

_NONE = -1


def shown_by(facts: RunFacts) -> NDArray[np.int32]:
    """For each row, the row with the thumbnail that shows it; -1 if there is none.

    An image that was cut from another one is a part of that one's thumbnail. An image that a step made is not.
    """
    ids: list[str] = facts.rows["id"].to_pylist()
    regions: list[str] = [region or "" for region in facts.rows["region"].to_pylist()]
    place = {key: index for index, key in enumerate(ids)}
    parents = [place.get(key, _NONE) for key in facts.rows["parent"].to_pylist()]
    having = set(facts.thumbnails)  # the mapping itself would read each image
    own = [key in having for key in ids]
    return np.array([_shown_by(row, own, parents, regions) for row in range(len(ids))], np.int32)


def _shown_by(row: int, own: Sequence[bool], parents: Sequence[int], regions: Sequence[str]) -> int:
    at = row
    while at != _NONE and not own[at]:
        before, at = at, parents[at]
        if at == _NONE or not _is_cut(regions[at], regions[before]):
            return _NONE
    return at


def _is_cut(whole: str, part: str) -> bool:
    """Whether a region is another one with only crops and resizes after it.

    >>> _is_cut("", "crop(0,0,8,8)"), _is_cut("crop(0,0,64,64)", "crop(0,0,64,64)/degraded(16x16,x4,0123456789abcdef)")
    (True, False)
    """
    before = f"{whole}/" if whole else ""
    rest = part.removeprefix(before)
    return part.startswith(before) and not any(isinstance(step, Made) for step in parse(rest))
