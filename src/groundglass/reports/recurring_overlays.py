"""Overlays that recur: a watermark, logo, caption bar or frame at the same place in many pictures of a source.

One picture does not tell a watermark from what it shows; many do. Edges of what is shown point anywhere, those
of an overlay always point the same way at the same place, however weak it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.image.region import Box

Luma = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

FEWEST = 16
"""Pictures below which chance agreement cannot be told from an overlay."""
WEAKEST = 4.0
"""Sobel magnitude ÷ 8, grey levels a pixel, up to which a direction is noise and counts as none."""
CHANCE = 1e-5
"""Probability that a pixel without an overlay is marked, were pictures independent, before specks are dropped."""
LEAST = 1 / 3
"""Consistency that an overlay must have, however many pictures there are."""


@dataclass(frozen=True)
class RepeatedOverlay:
    """What recurs in a set of pictures.

    consistency   H×W float32, 0 to 1: length of the mean vote over all pictures
    mask          H×W bool: where it is beyond chance
    share         share of the pixels that the mask marks, 0 to 1
    box           of all that is marked; None where nothing is
    pictures      how many pictures were seen
    """

    consistency: Plane
    mask: npt.NDArray[np.bool_]
    share: float
    box: Box | None
    pictures: int


def repeated_overlay(lumas: Iterable[Luma]) -> RepeatedOverlay:
    """Edges that recur at the same place in the same direction, in pictures of equal size.

    Takes H×W uint8 lumas one by one and keeps none of them; 16 pictures suffice for a strong overlay, 50 for
    a faint one. In each picture a pixel votes with the direction of its Sobel gradient (length 1), or not at
    all where the gradient is weak; the length S of the sum of n votes is compared with what chance gives (Rayleigh:
    P(S > s) = exp(-s²/n)), and must be at least a third of the pictures. Single marked pixels are dropped.

    Pictures of one scene, of one template, or aligned upon each other (faces, eyes over eyes) have true edges
    in common and are marked too; an overlay that changes its place or size is not seen. Crop or group pictures
    by size first.

    Raises ValueError where sizes differ, or for fewer than 16 pictures.

    Source: Rayleigh's test (Mardia and Jupp, Directional Statistics, 2000, 6.3); consistent gradients across a
    collection after Dekel et al., "On the effectiveness of visible watermarks", CVPR 2017.

    >>> from groundglass import testing
    >>> lumas = [testing.photo(96, 64, seed)[..., 0] for seed in range(20)]
    >>> repeated_overlay(lumas).box
    >>> for luma in lumas:
    ...     luma[20:40, 30:60] = 250
    >>> repeated_overlay(lumas).box
    Box(x=29, y=19, width=32, height=22)
    """
    votes, voters, pictures = _sums(lumas)
    length = np.hypot(votes[0], votes[1])
    beyond_chance = length**2 > -np.log(CHANCE) * voters
    mask = _without_specks(beyond_chance & (length > LEAST * pictures))
    consistency = (length / pictures).astype(np.float32)
    return RepeatedOverlay(consistency, mask, float(mask.mean()), _box(mask), pictures)


def _sums(lumas: Iterable[Luma]) -> tuple[Plane, Plane, int]:
    """The sum of all pictures' votes (2×H×W), how many voted at each pixel, and how many pictures there were."""
    total: Any = None
    voters: Any = 0
    count = 0
    for luma in lumas:
        votes = _votes(luma)
        if total is not None and votes.shape != total.shape:
            raise ValueError(
                f"pictures differ in size: {votes.shape[:0:-1]} px after {total.shape[:0:-1]} px"
            )
        total = votes if total is None else total + votes
        voters = voters + votes.any(0)
        count += 1
    if count < FEWEST:
        raise ValueError(f"{count} pictures are too few to tell an overlay from chance; {FEWEST} are needed")
    return total, voters, count


def _votes(luma: Luma) -> Plane:
    """Unit vectors (across, down) along the gradient, 2×H×W; 0 where it is weak."""
    import cv2

    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=1 / 8)
    magnitude = np.hypot(across, down)
    length = np.where(magnitude > WEAKEST, magnitude, np.inf)
    return (np.stack([across, down]) / length).astype(np.float32)


def _without_specks(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Marked pixels with at least two marked neighbours of eight."""
    import cv2

    around = cv2.boxFilter(mask.astype(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return mask & (np.asarray(around) >= 3)


def _box(mask: npt.NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
