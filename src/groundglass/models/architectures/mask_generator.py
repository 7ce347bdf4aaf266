"""Counts the masks that a promptable segmenter proposes: Segment Anything's automatic mask generator.

Kirillov et al., "Segment Anything", ICCV 2023, section 5 and appendix B: a grid of points, three masks for each.
A mask is kept if the network itself trusts it, if it does not change much with the threshold, and if it is not a
duplicate of a better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.errors import ImageError
from groundglass.models.architectures.box_nms import best_boxes
from groundglass.models.architectures.upsampled_masks import areas_and_boxes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Wishes:
    """The thresholds that a mask must reach to count.

    iou        predicted by the network for the mask, 0 to 1 (and somewhat beyond); masks above it are kept
    stability  intersection over union of the mask at logits above +1 and above -1, 0 to 1
    nms        of two masks whose boxes overlap by more, the less trusted one is dropped; intersection over union
    side       px to which the network's masks (256 px) are upscaled before they are judged; 0 for the image's own size
    """

    iou: float = 0.88
    stability: float = 0.95
    nms: float = 0.7
    side: int = 1024


class Own(NamedTuple):
    """The sizes that bring a mask back to the image's own size, as the network's authors do it.

    size    height and width of the image, px
    square  side of the network's square, px, in which the image was ``shown``; None if it was squashed to it
    shown   height and width of the image in that square, px
    """

    size: tuple[int, int]
    square: int | None
    shown: tuple[int, int]


class Proposals(NamedTuple):
    """Masks that passed the thresholds, before duplicates are dropped.

    boxes   n×4: left, top, right, bottom, px at `Wishes.side`. Right and bottom are excluded; at the image's own
            size they are included, as in the authors' generator
    scores  n: predicted intersection over union
    covers  n×h×w uint8: the masks at the network's own size, eight pixels packed into one byte
    width   of `covers`, px
    """

    boxes: NDArray[np.int64]
    scores: NDArray[np.float64]
    covers: NDArray[np.uint8]
    width: int


def point_grid(per_side: int) -> NDArray[np.float64]:
    """The points of the grid, (per_side², 2), as shares of width and height, row by row.

    >>> point_grid(2).tolist()
    [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    line = (np.arange(per_side) + 0.5) / per_side
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def stability(areas: NDArray[np.int64]) -> NDArray[np.float64]:
    """How stable masks are when the threshold changes, n values 0 to 1; 0 for an empty mask.

    ``areas`` are n×3 numbers of pixels: above +1, 0 and -1. The first are all among the last, so their ratio is
    the intersection over union of the two masks.

    >>> stability(np.array([[80, 90, 100], [0, 0, 0]])).tolist()
    [0.8, 0.0]
    """
    return areas[:, 0] / np.maximum(areas[:, 2], 1)


def propose(
    logits: Tensor, scores: Tensor, shown: tuple[float, float], wishes: Wishes, own: Own | None = None
) -> Proposals:
    """The trusted and stable masks among n.

    logits  n×h×w: above 0 inside a mask; the image may have padding at the right and bottom
    scores  n: predicted intersection over union
    shown   shares of height and width, above 0 to 1, that are image and not padding
    own     needed if masks are judged at the image's own size

    Raises ImageError ``measure_failed`` if the network's answer holds values that are not numbers.
    """
    import torch

    # NaN fails every comparison below, so it would silently count as an image without objects.
    if not (bool(torch.isfinite(scores).all()) and bool(torch.isfinite(logits).all())):
        raise ImageError("measure_failed", "the network's answer holds values that are not numbers")
    trusted = scores > wishes.iou
    # This test needs no pixels, so it comes before the areas are computed.
    masks = logits[trusted].cpu().numpy()
    areas, boxes = _judged(masks, shown, wishes, own)
    good = (stability(areas) >= wishes.stability) & (areas[:, 1] > 0)
    height, width = _part(shown, masks.shape[1:])
    # One bit per pixel, because a grid of points can propose thousands of masks.
    covers = np.packbits(masks[good, :height, :width] > 0, axis=-1)
    return Proposals(boxes[good], scores[trusted].cpu().double().numpy()[good], covers, width)


def _judged(
    masks: NDArray[np.float32], shown: tuple[float, float], wishes: Wishes, own: Own | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Areas and boxes of masks at the size of the thresholds."""
    if wishes.side or own is None:
        return areas_and_boxes(masks, wishes.side, _part(shown, (wishes.side, wishes.side)))
    if own.square is None:
        areas, boxes = areas_and_boxes(masks, own.size, own.size)
    else:
        areas, boxes = areas_and_boxes(masks, own.square, own.shown, image=own.size)
    return areas, boxes - np.array([0, 0, 1, 1]) * (areas[:, 1:2] > 0)


def count(proposals: Sequence[Proposals], limit: float) -> dict[str, Value]:
    """The number of different things among the proposals, and the share of the image that they cover together.

    ``limit`` is `Wishes.nms`.
    """
    boxes, scores, covers = (np.concatenate(column) for column in list(zip(*proposals, strict=True))[:3])
    kept = best_boxes(boxes.astype(np.float64), scores, limit)
    union = np.bitwise_or.reduce(covers[kept], axis=0)
    covered = np.unpackbits(union, axis=-1, count=proposals[0].width)
    return {"objects_sam": len(kept), "objects_cover": float(covered.mean())}


def _part(shown: tuple[float, float], size: tuple[int, ...]) -> tuple[int, int]:
    """The rows and columns of a square that are image, not padding."""
    return max(1, round(size[0] * shown[0])), max(1, round(size[1] * shown[1]))
