"""Image classifiers with a few random weights, saved as a hub has them: each maker fills a folder and gives it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LABELS = ("photo", "anime", "3d rendering", "tench, Tinca tinca")


def processor(kind: str, **settings: Any) -> Any:
    """transformers' own image processor in its Pillow way, which older versions call by the plain name."""
    import transformers

    made = getattr(transformers, f"{kind}ImageProcessorPil", None) or getattr(
        transformers, f"{kind}ImageProcessor"
    )
    return made(**settings)


def vit(folder: Path, labels: tuple[str, ...] = LABELS, side: int = 32, **config: Any) -> Path:
    """ViT on 32 px, 8 px a patch; its images are brought to ``side`` px."""
    from transformers import ViTConfig, ViTForImageClassification

    size = {"height": side, "width": side}
    processor("ViT", size=size).save_pretrained(folder)
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    sides = {"image_size": 32, "patch_size": 8}
    return _save(ViTForImageClassification(_config(ViTConfig, labels, **tower, **sides, **config)), folder)


def resnet(folder: Path, labels: tuple[str, ...] = LABELS, **config: Any) -> Path:
    """ResNet, prepared as ConvNeXT is: enlarged by `crop_pct`, and the middle of 48 px."""
    from transformers import ResNetConfig, ResNetForImageClassification

    processor("ConvNext", size={"shortest_edge": 48}, crop_pct=0.875).save_pretrained(folder)
    layers = {
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "depths": [1, 1],
        "layer_type": "basic",
    }
    return _save(ResNetForImageClassification(_config(ResNetConfig, labels, **layers, **config)), folder)


def mobilevit(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    """MobileViT, which wants blue before green before red."""
    from transformers import MobileViTConfig, MobileViTForImageClassification

    processor("MobileViT", size={"shortest_edge": 72}, crop_size={"height": 64, "width": 64}).save_pretrained(
        folder
    )
    config = _config(
        MobileViTConfig,
        labels,
        image_size=64,
        hidden_sizes=[8, 12, 16],
        neck_hidden_sizes=[4, 4, 8, 8, 8, 8, 16],
        num_attention_heads=2,
    )
    return _save(MobileViTForImageClassification(config), folder)


MAKERS = {"vit": vit, "resnet": resnet, "mobilevit": mobilevit}


def _config(kind: Any, labels: tuple[str, ...], **settings: Any) -> Any:
    named = dict(enumerate(labels))
    return kind(id2label=named, label2id={label: number for number, label in named.items()}, **settings)


def _save(model: Any, folder: Path) -> Path:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    chance = torch.Generator().manual_seed(4)
    with torch.no_grad():  # larger than those training begins with, so that pictures differ
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.normal_(std=0.3, generator=chance)
    model.save_pretrained(folder)
    return folder
