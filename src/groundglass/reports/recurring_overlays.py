"""Recurring overlays: a watermark, logo, caption bar or frame at the same place in many images of a source.

One image does not separate a watermark from the scene; many do. Edges of scenes point in any direction, and edges of an
overlay always point in the same direction at the same place, even if it is faint.
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
"""With fewer images, an overlay cannot be separated from chance agreement."""
WEAKEST = 4.0
"""Up to this Sobel magnitude ÷ 8, in grey levels per pixel, a direction is noise and does not count."""
CHANCE = 1e-5
"""Probability that a pixel without an overlay is marked, for independent images, before specks are removed."""
LEAST = 1 / 3
"""The smallest consistency of an overlay, for any number of images."""


@dataclass(frozen=True)
class RepeatedOverlay:
    """The overlay of a set of images.

    consistency   H×W float32, 0 to 1: length of the mean vote over all images
    mask          H×W bool: pixels where it is beyond chance
    share         share of the pixels that the mask marks, 0 to 1
    box           bounding box of all marked pixels; None if there are none
    images        the number of images
    """

    consistency: Plane
    mask: npt.NDArray[np.bool_]
    share: float
    box: Box | None
    images: int


def repeated_overlay(lumas: Iterable[Luma]) -> RepeatedOverlay:
    """Edges that recur at the same place in the same direction, in images of equal size.

    Takes H×W uint8 lumas one by one and keeps none of them; 16 images suffice for a strong overlay, 50 for a faint one.
    In each image a pixel votes with the direction of its Sobel gradient (length 1), or does not vote if the gradient is
    weak. The length S of the sum of n votes is compared with chance (Rayleigh: P(S > s) = exp(-s²/n)), and must be at
    least a third of the number of images. Single marked pixels are removed.

    Images of one scene or template, and aligned images (faces, eyes over eyes), have true edges in common and are
    marked too; an overlay that changes its place or size is not detected. Crop or group images by size first.

    Raises ValueError if sizes differ, or for fewer than 16 images.

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
    votes, voters, images = _sums(lumas)
    length = np.hypot(votes[0], votes[1])
    beyond_chance = length**2 > -np.log(CHANCE) * voters
    mask = _without_specks(beyond_chance & (length > LEAST * images))
    consistency = (length / images).astype(np.float32)
    return RepeatedOverlay(consistency, mask, float(mask.mean()), _box(mask), images)


def _sums(lumas: Iterable[Luma]) -> tuple[Plane, Plane, int]:
    """The sum of all images' votes (2×H×W), the number of votes at each pixel, and the number of images."""
    total: Any = None
    voters: Any = 0
    count = 0
    for luma in lumas:
        # Sums only, so that memory does not grow with the number of images.
        votes = _votes(luma)
        if total is not None and votes.shape != total.shape:
            raise ValueError(f"images differ in size: {votes.shape[:0:-1]} px after {total.shape[:0:-1]} px")
        total = votes if total is None else total + votes
        voters = voters + votes.any(0)
        count += 1
    if count < FEWEST:
        raise ValueError(
            f"{count} images are too few to separate an overlay from chance; {FEWEST} are needed"
        )
    return total, voters, count


def _votes(luma: Luma) -> Plane:
    """Unit vectors (across, down) along the gradient, 2×H×W; 0 for a weak gradient."""
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
    # The box filter counts the pixel itself, so 3 means two neighbours.
    return mask & (np.asarray(around) >= 3)


def _box(mask: npt.NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
