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
    """The file that defines how images are prepared, with ImageNet's mean and spread."""
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
    """Segment Anything 2 on 64 px: an image's sides are both made 64 px."""
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


def _words(folder: Path, vocabulary: dict[str, int], **special: str) -> None:
    """A tokenizer that knows whole words, beside a model of the folder."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    first, last = special["bos_token"], special["eos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def owlv2(folder: Path, seed: int = 0) -> Path:
    """OWLv2 on 48 px, 8 px a patch; it knows the words cat, dog, bird, tree, light."""
    import torch
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    torch.manual_seed(seed)
    common = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.3}
    config = Owlv2Config(
        text_config={
            **common, "hidden_size": 12, "intermediate_size": 24, "vocab_size": 20, "bos_token_id": 18,
            "eos_token_id": 19,
        },
        vision_config={
            **common, "hidden_size": 16, "intermediate_size": 32, "image_size": 48, "patch_size": 8,
        },
        projection_dim=12,
    )  # fmt: skip
    model = Owlv2ForObjectDetection(config)
    _lively(model.class_head, 0.2)
    _lively(model.box_head, 0.3)
    words = ["<pad>", "a", "photo", "of", "cat", "dog", "bird", "tree", "light", "<unk>"]
    vocabulary = {word: number for number, word in enumerate(words)} | {"<s>": 18, "</s>": 19}
    _words(folder, vocabulary, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    write_preprocessor(folder, size={"height": 48, "width": 48}, do_pad=True)
    return _save(model, folder)


def detr(folder: Path, seed: int = 0) -> Path:
    """DETR with a ResNet of its own library; it knows cat, dog, bird, and a number that stands for nothing."""
    import torch
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    torch.manual_seed(seed)
    backbone = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 12, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage4"],
    )
    config = DetrConfig(
        backbone_config=backbone, num_queries=12, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        id2label={0: "N/A", 1: "cat", 2: "dog", 3: "bird"}, label2id={"N/A": 0, "cat": 1, "dog": 2, "bird": 3},
    )  # fmt: skip
    model = DetrForObjectDetection(config)
    for part in (model.class_labels_classifier, model.bbox_predictor, model.model.query_position_embeddings):
        _lively(part, 1.0)
    write_preprocessor(folder, size={"shortest_edge": 64, "longest_edge": 107}, do_pad=True)
    return _save(model, folder)


def grounding_dino(folder: Path, seed: int = 0) -> Path:
    """Grounding DINO with a Swin and a BERT of few dimensions; it knows cat, dog, bird, tree, traffic, light."""
    import torch
    from transformers import BertConfig, GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    torch.manual_seed(seed)
    backbone = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = BertConfig(
        vocab_size=1200, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64,
    )  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=backbone, text_config=text, num_queries=15, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        max_text_len=16,
    )  # fmt: skip
    model = GroundingDinoForObjectDetection(config)
    words = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}
    words |= {word: 200 + n for n, word in enumerate(["cat", "dog", "bird", "tree", "traffic", "light", "a"])}
    _words(folder, words, pad_token="[PAD]", unk_token="[UNK]", bos_token="[CLS]", eos_token="[SEP]")
    write_preprocessor(folder, size={"shortest_edge": 64, "longest_edge": 107}, do_pad=True)
    return _save(model, folder)


def sam3_tracker(folder: Path, seed: int = 0) -> Path:
    """The tracker of Segment Anything 3, which takes points, on 64 px."""
    import torch
    from transformers import Sam3TrackerConfig, Sam3TrackerModel

    torch.manual_seed(seed)
    config = Sam3TrackerConfig(
        vision_config={
            "model_type": "sam3_vision_model",
            "backbone_config": {
                "model_type": "sam3_vit_model", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
                "num_attention_heads": 2, "image_size": SAM_SIDE, "pretrain_image_size": SAM_SIDE, "patch_size": 8,
                "window_size": 4, "global_attn_indexes": [1],
            },
            "fpn_hidden_size": 16,
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SAM_SIDE, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )  # fmt: skip
    model = Sam3TrackerModel(config)
    _lively(model.mask_decoder, 1.0)
    write_preprocessor(folder, size={"height": SAM_SIDE, "width": SAM_SIDE})
    return _save(model, folder)
