"""CLIP and SigLIP with a few random weights, saved as a hub has them: each maker fills a folder and gives it back."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

CLIP_SIDE = 32
_TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
_PICTURES = {**_TOWER, "image_size": CLIP_SIDE, "patch_size": 8}


def clip(folder: Path, seed: int = 0) -> Path:
    """CLIP on 32 px, 8 px a patch, its tokenizer one token a letter; its scale is CLIP's, 100."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[]).save_pretrained(
        folder
    )
    torch.manual_seed(seed)
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1}
    config = CLIPConfig(
        text_config={**_TOWER, "vocab_size": len(words), "max_position_embeddings": 77, **ends},
        vision_config=_PICTURES,
        projection_dim=8,
    )
    square = {"height": CLIP_SIDE, "width": CLIP_SIDE}
    _preprocessor(
        folder, size={"shortest_edge": CLIP_SIDE}, do_center_crop=True, crop_size=square, resample=3
    )
    model = CLIPModel(config)
    _lively(model)
    with torch.no_grad():
        model.logit_scale.fill_(4.6052)
    return _save(model, folder)


def siglip(folder: Path, seed: int = 0) -> Path:
    """SigLIP on 32 px, 8 px a patch, its tokenizer one token a letter."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel

    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    words = [*specials, *((letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz")]
    tokenizer = Tokenizer(models.Unigram(words, unk_id=2))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    ends = {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0}
    text = {**_TOWER, "vocab_size": len(words), "max_position_embeddings": 32, **ends}
    _preprocessor(folder, size={"height": CLIP_SIDE, "width": CLIP_SIDE}, resample=3)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=_PICTURES))
    _lively(model)
    with torch.no_grad():
        model.logit_scale.fill_(1.0)
        model.logit_bias.fill_(-1.0)
    return _save(model, folder)


def aesthetic_head(folder: Path, sides: tuple[int, ...] = (8, 6, 1), name: str = "head.safetensors") -> Path:
    """A predictor's layers, named as the published one's: the first number of `sides` is the vectors' length."""
    import torch
    from safetensors.torch import save_file

    chance = torch.Generator().manual_seed(1)
    layers: dict[str, Any] = {}
    for number, (before, after) in enumerate(pairwise(sides)):
        layers[f"layers.{2 * number}.weight"] = torch.randn((after, before), generator=chance)
        layers[f"layers.{2 * number}.bias"] = torch.randn(after, generator=chance)
    path = folder / name
    torch.save(layers, path) if path.suffix == ".pth" else save_file(layers, path)
    return path


def _preprocessor(folder: Path, **said: object) -> None:
    common = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28], "do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps({**common, **said}), encoding="utf-8")


def _lively(model: Any) -> None:
    """Larger weights than those training begins with, so that images and words differ."""
    import torch

    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.normal_(std=0.3)


def _save(model: Any, folder: Path) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    return folder
