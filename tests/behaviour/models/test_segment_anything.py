"""Encoding pictures together and asking points in parts gives what one whole forward gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.models.architectures.mask_generator import point_grid
from groundglass.models.architectures.segment_anything import load_segmenter
from groundglass.models.preprocess import prepare
from groundglass.models.scorer import Place

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tiny_models  # noqa: E402

NETWORKS = {
    "SamModel": tiny_models.sam,
    "Sam2Model": tiny_models.sam2,
    "Sam3TrackerModel": tiny_models.sam3_tracker,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_are_the_whole(tmp_path: Path, name: str):
    folder = NETWORKS[name](tmp_path)
    segmenter = load_segmenter(folder, Place())
    pixels = np.stack([prepare(testing.photo(90, 70, seed=seed), segmenter.preparation) for seed in range(3)])
    points = point_grid(4) * 64
    network = getattr(transformers, name).from_pretrained(folder).eval()
    with torch.no_grad():
        whole = network(
            pixel_values=torch.tensor(pixels),
            input_points=torch.tensor(points, dtype=torch.float32)[None, :, None].expand(3, -1, -1, -1),
            multimask_output=True,
        )
    for n, seen in enumerate(segmenter.encode(pixels)):
        masks, trust = (torch.cat(parts) for parts in zip(*segmenter.masks(seen, points, 5), strict=True))
        # logits spread by 40 and more
        torch.testing.assert_close(masks, whole.pred_masks[n].flatten(0, 1), atol=0.05, rtol=1e-3)
        torch.testing.assert_close(trust, whole.iou_scores[n].flatten(), atol=1e-3, rtol=1e-4)
