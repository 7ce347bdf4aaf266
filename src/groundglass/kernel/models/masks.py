"""Masks that a promptable segmenter proposes, and which of them count: Segment Anything's automatic generator.

Kirillov et al., "Segment Anything", ICCV 2023, section 5 and appendix B: a grid of points, three masks for each,
of which those are kept that the network itself trusts, that do not change much with the threshold, and that
are not the same as a better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.kernel.errors import ImageError
from groundglass.kernel.models.boxes import best_boxes
from groundglass.kernel.record import Value

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 16
"""Masks that are enlarged together: 64 MiB at 1024 px."""


@dataclass(frozen=True)
class Wishes:
    """What a mask must reach to count.

    iou        predicted by the network for it, 0 to 1 (and somewhat beyond); more is kept
    stability  intersection over union of the mask at logits above +1 and above -1, 0 to 1
    nms        of two masks whose boxes overlap by more, the less trusted goes; intersection over union
    side       px to which the network's masks (256 px) are enlarged before they are judged
    """

    iou: float = 0.88
    stability: float = 0.95
    nms: float = 0.7
    side: int = 1024


class Proposals(NamedTuple):
    """Masks that passed alone.

    boxes   n×4: left, top, right, bottom, px at `Wishes.side`; the last column and row are inside
    scores  n: predicted intersection over union
    covers  n×h×w uint8: the masks at the network's own size, eight pixels packed into one byte
    width   of `covers`, px
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    covers: NDArray[np.uint8]
    width: int


def point_grid(per_side: int) -> NDArray[np.float64]:
    """The points that are asked, (per_side², 2), as shares of width and height, row by row.

    >>> point_grid(2).tolist()
    [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    line = (np.arange(per_side) + 0.5) / per_side
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def stability(logits: Tensor, offset: float = 1.0) -> Tensor:
    """How little n×h×w masks change with the threshold, n values 0 to 1; 0 for a mask that is empty.

    The pixels above +offset are all among those above -offset, so their ratio is the two masks'
    intersection over union.
    """
    small = (logits > offset).sum((-2, -1))
    large = (logits > -offset).sum((-2, -1))
    return small / large.clamp(min=1)


def mask_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each of n×h×w boolean masks, n×4 (left, top, right, bottom), ends excluded."""
    import torch

    _, height, width = masks.shape
    rows, columns = masks.any(-1).int(), masks.any(-2).int()
    left, top = columns.argmax(-1), rows.argmax(-1)
    right, bottom = width - columns.flip(-1).argmax(-1), height - rows.flip(-1).argmax(-1)
    return torch.stack([left, top, right, bottom], dim=-1)


def propose(logits: Tensor, scores: Tensor, shown: tuple[float, float], wishes: Wishes) -> Proposals:
    """Those of n masks that are trusted and stable.

    logits  n×h×w: above 0 inside a mask; the picture may have padding at the right and below
    scores  n: predicted intersection over union
    shown   shares of height and width, above 0 to 1, that are picture and not padding

    Raises ImageError ``measure_failed`` where the network answers with what is no number.
    """
    import torch

    if not (bool(torch.isfinite(scores).all()) and bool(torch.isfinite(logits).all())):
        raise ImageError("measure_failed", "the network's answer holds values that are no numbers")
    trusted = scores > wishes.iou
    logits, scores = logits[trusted], scores[trusted]
    judged = [_judge(part, shown, wishes) for part in logits.split(AT_ONCE)] if len(logits) else []
    stable = torch.cat([good for good, _ in judged]) if judged else trusted[:0]
    boxes = torch.cat([box for _, box in judged]) if judged else torch.zeros(0, 4)
    covers = _inside(logits[stable], shown).cpu().numpy() > 0
    return Proposals(
        boxes.cpu().double().numpy(),
        scores[stable].cpu().double().numpy(),
        np.packbits(covers, axis=-1),
        covers.shape[-1],
    )


def count(proposals: Sequence[Proposals], limit: float) -> dict[str, Value]:
    """How many of the proposals are different things, and which share of the picture they cover together.

    ``limit`` is `Wishes.nms`.
    """
    boxes, scores, covers = (np.concatenate(column) for column in list(zip(*proposals, strict=True))[:3])
    kept = best_boxes(boxes, scores, limit)
    union = np.bitwise_or.reduce(covers[kept], axis=0)
    covered = np.unpackbits(union, axis=-1, count=proposals[0].width)
    return {"objects_sam": len(kept), "objects_cover": float(covered.mean())}


def _judge(logits: Tensor, shown: tuple[float, float], wishes: Wishes) -> tuple[Tensor, Tensor]:
    """Which of some masks are stable, and the boxes of those."""
    import torch

    side = [wishes.side, wishes.side]
    large = torch.nn.functional.interpolate(logits[:, None], side, mode="bilinear", align_corners=False)
    large = _inside(large[:, 0], shown)
    good = (stability(large) >= wishes.stability) & (large > 0).any(-1).any(-1)
    return good, mask_boxes(large[good] > 0)


def _inside(logits: Tensor, shown: tuple[float, float]) -> Tensor:
    """Without the padding."""
    height, width = (
        max(1, round(side * share)) for side, share in zip(logits.shape[-2:], shown, strict=True)
    )
    return logits[..., :height, :width]
