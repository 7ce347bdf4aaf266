"""Objects, by Segment Anything: the number of different masks that a grid of points gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.models.architectures.mask_generator import Own, Wishes, count, point_grid, propose
from groundglass.models.architectures.segment_anything import load_segmenter
from groundglass.models.loaded import ask_network
from groundglass.models.preprocess import prepare
from groundglass.models.scorer import Place, Prepared, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

LEAST = 32
"""Shorter side, px, below which there is nothing to segment."""


def load(
    weights: str | Path,
    place: Place,
    points_per_side: int = 32,
    iou: float = 0.88,
    stability: float = 0.95,
    nms: float = 0.7,
    mask_side: int = 0,
    points_at_once: int = 64,
) -> Scorer:
    """The segmenter of a folder as a scorer; settings as in `MEASURE`.

    Raises RecipeError as `groundglass.models.architectures.segment_anything.load_segmenter`.
    """
    segmenter = load_segmenter(weights, place)
    wishes = Wishes(iou, stability, nms, mask_side)
    grid = point_grid(points_per_side)

    def prepared(frame: Frame) -> Prepared:
        """The image on the network's square, the share of it that it fills, and the way back to its own size."""
        frame.check_side(LEAST)
        height, width = segmenter.preparation.size(frame.height, frame.width)
        shares = height / segmenter.side, width / segmenter.side
        square = segmenter.side if segmenter.preparation.pad else None
        own = Own((frame.height, frame.width), square, (height, width))
        return Prepared(prepare(frame.rgb, segmenter.preparation), (shares, own))

    def score(pixels: NDArray[Any], about: Sequence[Any]) -> list[dict[str, Value]]:
        found: list[dict[str, Value]] = []
        for seen, (shares, own) in zip(segmenter.encode(pixels), about, strict=True):
            points = grid * (shares[1], shares[0]) * segmenter.side
            masks = segmenter.masks(seen, points, points_at_once)
            proposals = [propose(logits, scores, shares, wishes, own) for logits, scores in masks]
            found.append(count(proposals, nms))
        return found

    return Scorer(prepared, score, batch=1 if place.device == "cpu" else 4)


def settle(weights: object, **settings: Value) -> Settled:  # noqa: ARG001
    """The number of points at once changes no count, so it is not part of the key."""
    return Settled(settings, {name: value for name, value in settings.items() if name != "points_at_once"})


def objects_sam(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """Different things in an image, counted by Segment Anything: the masks that remain from a grid of points.

    Each of ``points_per_side``² points gets three masks. A mask stays if its predicted intersection over union is
    above ``iou`` and if it changes so little with the threshold that `stability` reaches ``stability``; of masks
    with boxes that overlap by more than ``nms`` only the surest one. `objects_sam` is their number, from 0;
    more means more diverse. `objects_cover` is the share of the image that they cover together. The image
    is encoded once; values are the same each time on one device.

    As in the authors' generator with its default settings (one pass over the whole image, no smaller crops, no
    removal of small holes), masks are judged at the image's own size. ``mask_side: 1024`` judges them at 1024 px on
    the network's square instead, where a box includes its last row and column: this is faster, with other counts, most
    of all for small images. DiverSeg does not state its setting. Folders of SAM 2 and 3 work as well; their authors'
    ``iou`` is .8, and their counts differ, so a threshold does not carry over from one network to another.

    Raises NoValue ``too_small`` where a side is under 32 px, and RecipeError where the network cannot be loaded.

    Source: Kirillov et al., "Segment Anything", ICCV 2023, section 5 and appendix B; DiverSeg (ECCV 2024) keeps
    images of 100 masks and more, with ViT-H.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> objects_sam(open_frame(testing.png(testing.flat(64, 48))), weights="sam/that/is/not/there")
    Traceback (most recent call last):
    groundglass.errors.NotHere: there are no weights sam/that/is/not/there
    """
    return ask_network(MEASURE, frame, parameters)


MEASURE = Measure(
    name="objects_sam",
    version=2,
    compute=objects_sam,
    columns={
        "objects_sam": Column(
            "", 0, None, "higher", "number of a segmenter's masks that show different things", int
        ),
        "objects_cover": Column("", 0, 1, "neither", "share of the image that these masks cover"),
    },
    reference="Kirillov et al., Segment Anything, ICCV 2023; DiverSeg, ECCV 2024",
    parameters={
        "points_per_side": Parameter(32, "points of the grid along each side", "", 1),
        "iou": Parameter(0.88, "predicted intersection over union that a mask must exceed"),
        "stability": Parameter(0.95, "least stability of a mask under another threshold", "", 0, 1),
        "nms": Parameter(0.7, "overlap of boxes beyond which two masks count as one", "", 0, 1),
        "mask_side": Parameter(
            0, "side to which masks are upscaled before they are judged; 0: the image's own size", "px", 0
        ),
        "points_at_once": Parameter(64, "points that are processed together; fewer take less memory", "", 1),
    },
    extra="models",
    network=Network(
        load=load,
        weights="facebook/sam-vit-huge@main",
        patterns=("*.json", "model*.safetensors"),
        licence="Apache-2.0",
        settle=settle,
    ),
)
"""Its record in the catalog."""
