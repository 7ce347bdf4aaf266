"""A promptable segmenter of transformers (SAM, SAM 2, SAM 3's tracker): encodes an image once for many points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.models.preprocess import Preparation, read_preparation
from groundglass.models.pretrained import load_pretrained, model_type
from groundglass.models.scorer import Place

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("sam", "sam2", "sam2_video", "sam3_tracker", "sam3_video")
"""Kinds of network, as config.json names them. The video networks are used on single images."""


@dataclass(frozen=True)
class Segmenter:
    """A network in memory.

    network      transformers' model
    preparation  of its images
    side         px of the square that it takes
    device       where it runs, in float32: a count depends on masks that just pass or just fail
    """

    network: Any
    preparation: Preparation
    side: int
    device: str

    def encode(self, pixels: NDArray[np.float32]) -> list[Any]:
        """The network's embeddings of n×3×side×side images: the costly part."""
        import torch

        with torch.inference_mode():
            seen = self.network.get_image_embeddings(torch.from_numpy(pixels).to(self.device))
        # SAM 2 and SAM 3 return feature maps of several scales, SAM returns one.
        if isinstance(seen, list):
            return [[level[n : n + 1] for level in seen] for n in range(len(pixels))]
        return list(seen.split(1))

    def masks(self, seen: Any, points: NDArray[np.float64], at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Three masks for each point (px of the square): logits 3n×h×w, predicted intersections over union 3n."""
        import torch

        asked = torch.from_numpy(points).float().to(self.device)
        with torch.inference_mode():
            for some in asked.split(at_once):
                answer = self.network(
                    image_embeddings=seen, input_points=some[None, :, None], multimask_output=True
                )
                yield answer.pred_masks[0].flatten(0, 1), answer.iou_scores[0].flatten()


def load_segmenter(folder: str | Path, place: Place) -> Segmenter:
    """The network of a folder: config.json, model.safetensors, preprocessor_config.json.

    Raises RecipeError if it is none of `KINDS`, or if its files are damaged or do not fit each other.
    """
    model_type(folder, KINDS)
    preparation = read_preparation(folder)
    network = load_pretrained("AutoModelForMaskGeneration", folder, place)
    side = int(np.max(network.config.prompt_encoder_config.image_size))
    if (preparation.pad or preparation.to) != (side, side):
        raise RecipeError(
            f"{folder}: preprocessor_config.json prepares images of {preparation.pad or preparation.to} px, "
            f"but the network takes {side} x {side} px",
            "take both files from the same network",
        )
    return Segmenter(network, preparation, side, place.device)
