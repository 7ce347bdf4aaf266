"""Networks with a few random weights, saved as a hub has them: each maker fills a folder and gives it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SAM_SIDE = 64


def _save(model: Any, folder: Path) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    return folder


def write_preprocessor(folder: Path, **said: object) -> None:
    """The file that says how pictures are prepared, with ImageNet's mean and spread."""
    common = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps({**common, **said}), encoding="utf-8")


def _lively(module: Any, spread: float) -> None:
    """Larger weights than those training begins with, so that answers differ from place to place."""
    import torch

    with torch.no_grad():
        for weights in module.parameters():
            if weights.ndim > 1:
                weights.normal_(std=spread)


def sam(folder: Path, seed: int = 0) -> Path:
    """Segment Anything on 64 px, 8 px a patch."""
    import torch
    from transformers import SamConfig, SamModel

    torch.manual_seed(seed)
    config = SamConfig(
        vision_config={
            "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": SAM_SIDE, "patch_size": 8, "window_size": 4, "global_attn_indexes": [1], "mlp_dim": 32,
            "num_pos_feats": 8, "initializer_range": 0.2,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SAM_SIDE, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )  # fmt: skip
    model = SamModel(config)
    _lively(model.mask_decoder, 1.0)
    write_preprocessor(
        folder,
        size={"longest_edge": SAM_SIDE},
        do_pad=True,
        pad_size={"height": SAM_SIDE, "width": SAM_SIDE},
    )
    return _save(model, folder)


def sam2(folder: Path, seed: int = 0) -> Path:
    """Segment Anything 2 on 64 px: a picture's sides are both made 64 px."""
    import torch
    from transformers import Sam2Config, Sam2Model

    torch.manual_seed(seed)
    config = Sam2Config(
        vision_config={
            "backbone_config": {"model_type": "sam2_hiera_det_model",
                "hidden_size": 8, "num_attention_heads": 1, "image_size": [SAM_SIDE, SAM_SIDE],
                "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 4], "window_size_per_stage": [4, 4, 2, 2],
                "global_attention_blocks": [3], "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 16,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SAM_SIDE, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    model = Sam2Model(config)
    _lively(model.mask_decoder, 1.0)
    write_preprocessor(folder, size={"height": SAM_SIDE, "width": SAM_SIDE})
    return _save(model, folder)
