"""Text-to-image pipelines of diffusers with a few random weights, saved as a hub has them.

Each maker fills a folder and gives it back. An image depends on its prompt, seed, guidance, steps and size, and takes
far under a second at 32 or 64 px. All sides are multiples of 16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LATENT = 4
"""Channels of an image in the autoencoder; one of its places is 8 px, as in the published ones."""
WORDS = 77
"""The most tokens of a prompt that the text models take."""


def conditioned(channels: int, **more: Any) -> Any:
    """A U-Net that sees so many channels and a text."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=channels,
        out_channels=LATENT,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=8,
        cross_attention_dim=16,
        **more,
    )


def unet(folder: Path, seed: int = 0) -> Path:
    """A U-Net on latents that predicts noise, as Stable Diffusion 1.5: one CLIP text model."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTextModel

    torch.manual_seed(seed)
    network = conditioned(LATENT)
    tokenizer, config = _clip_text()
    pipeline = StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=_lively(CLIPTextModel(config)),
        tokenizer=tokenizer,
        unet=_lively(network, 0.15),
        scheduler=DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False, steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    return _save(pipeline, folder)


def dit(folder: Path, seed: int = 0) -> Path:
    """A transformer on patches of latents that predicts noise, as PixArt-alpha: one T5 text model."""
    import torch
    from diffusers import DPMSolverMultistepScheduler, PixArtAlphaPipeline, PixArtTransformer2DModel

    torch.manual_seed(seed)
    network = PixArtTransformer2DModel(
        sample_size=32,  # a trained size: the pipeline makes 256 px and resizes them to the size asked for
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_channels=16,
        in_channels=LATENT,
        cross_attention_dim=16,
        out_channels=2 * LATENT,
        attention_bias=True,
        use_additional_conditions=False,
    )
    tokenizer, text = _t5(16)
    pipeline = PixArtAlphaPipeline(
        tokenizer=tokenizer,
        text_encoder=text,
        vae=_autoencoder(),
        transformer=_lively(network),
        scheduler=DPMSolverMultistepScheduler(),
    )
    return _save(pipeline, folder)


def flow(folder: Path, seed: int = 0) -> Path:
    """A transformer that predicts a flow, as Stable Diffusion 3: two CLIP text models and T5."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(seed)
    network = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=LATENT,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=32,
        caption_projection_dim=16,
        pooled_projection_dim=32,
        out_channels=LATENT,
        pos_embed_max_size=32,
    )
    tokenizer, config = _clip_text()
    t5_tokenizer, text = _t5(32)
    pipeline = StableDiffusion3Pipeline(
        transformer=_lively(network),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_autoencoder(quant=False, shift_factor=0.0),
        text_encoder=_lively(CLIPTextModelWithProjection(config)),
        tokenizer=tokenizer,
        text_encoder_2=_lively(CLIPTextModelWithProjection(config)),
        tokenizer_2=tokenizer,
        text_encoder_3=text,
        tokenizer_3=t5_tokenizer,
    )
    return _save(pipeline, folder)


GENERATORS: Mapping[str, Callable[[Path, int], Path]] = {"unet": unet, "dit": dit, "flow": flow}
"""Name → its maker: the three architectures that most published generators have."""


def _autoencoder(quant: bool = True, **settings: float) -> Any:
    from diffusers import AutoencoderKL

    blocks = 4
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        block_out_channels=(8,) * blocks,
        latent_channels=LATENT,
        norm_num_groups=4,
        sample_size=64,
        use_quant_conv=quant,
        use_post_quant_conv=quant,
        **settings,
    )


def _clip_text() -> tuple[Any, Any]:
    """A tokenizer of one token a letter, and the settings of a text model with as many."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTextConfig, CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=WORDS
    )
    return tokenizer, CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=WORDS, projection_dim=16, bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
        pad_token_id=len(words) - 1,
    )  # fmt: skip


def _t5(side: int) -> tuple[Any, Any]:
    """A tokenizer of one token a letter, and a T5 text model whose vectors have ``side`` numbers."""
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    letters = [(letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz0123456789,.-'"]
    tokenizer = T5Tokenizer(vocab=[*pieces, *letters], extra_ids=0, model_max_length=WORDS)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=side, d_ff=32, d_kv=8, num_layers=2, num_heads=2, pad_token_id=0,
        eos_token_id=1,
    )  # fmt: skip
    return tokenizer, _lively(T5EncoderModel(config))


def _lively(model: Any, spread: float = 0.3) -> Any:
    """Larger weights than those training begins with, so that prompts and steps matter."""
    import torch

    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.normal_(std=spread)
    return model


def _save(pipeline: Any, folder: Path) -> Path:
    from diffusers.utils import logging

    logging.disable_progress_bar()
    pipeline.save_pretrained(folder)
    return folder
