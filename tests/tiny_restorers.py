"""Restoration networks with a few weights, made in a test: for spandrel, ONNX, ncnn and diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import tiny_onnx


def compact(path: Path, scale: int = 2, seed: int = 0) -> Path:
    """A state dict of SRVGGNetCompact with one block, which repeats pixels and adds a little."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.08

    state = {
        "body.0.weight": some(8, 3, 3, 3),
        "body.0.bias": some(8),
        "body.1.weight": torch.full((8,), 0.2),
        "body.2.weight": some(8, 8, 3, 3),
        "body.2.bias": some(8),
        "body.3.weight": torch.full((8,), 0.2),
        "body.4.weight": some(3 * scale**2, 8, 3, 3),
        "body.4.bias": some(3 * scale**2),
    }
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"params_ema": state}, path)
    return path


def blur(path: Path, scale: int = 2, side: int | str = "h", radius: int = 2, offset: float = 0.0) -> Path:
    """An ONNX network: the mean of (2·radius + 1)² px, pixels repeated, plus an offset. ``side`` fixes its size."""
    from onnx import helper, numpy_helper

    width = 2 * radius + 1
    kernel = np.full((3, 1, width, width), 1 / width**2, np.float32)
    steps = [
        helper.make_node("Conv", ["pixels", "kernel"], ["mean"], pads=[radius] * 4, group=3),
        helper.make_node("Add", ["mean", "offset"], ["moved"]),
        helper.make_node("Resize", ["moved", "region", "factors"], ["answer"], mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ]  # fmt: skip
    known = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.float32([offset]), "offset"),
        numpy_helper.from_array(np.float32([]), "region"),
        numpy_helper.from_array(np.float32([1, 1, scale, scale]), "factors"),
    ]
    sides = (side, "w" if isinstance(side, str) else side)
    grown = tuple(f"{one}2" if isinstance(one, str) else one * scale for one in sides)
    return tiny_onnx.save(
        path, steps, [("pixels", (1, 3, *sides), "FLOAT")], [("answer", (1, 3, *grown))], known
    )


def ncnn_pair(path: Path, seed: int = 0) -> Path:
    """An ncnn model: one 3 × 3 convolution and pixels rearranged to x2; the .bin file is beside it."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.05, (12, 3, 3, 3)).astype("<f4")
    for channel in range(12):
        weights[channel, channel // 4, 1, 1] += 1
    path.write_text(
        "7767517\n3 3\n"
        "Input in 0 1 data\n"
        f"Convolution conv 1 1 data filtered 0=12 1=3 4=1 5=1 6={weights.size}\n"
        "PixelShuffle grow 1 1 filtered output 0=2\n"
    )
    # A zero before the weights says that they are float32.
    path.with_suffix(".bin").write_bytes(bytes(4) + weights.tobytes() + np.zeros(12, "<f4").tobytes())
    return path


def image_to_image(folder: Path) -> Path:
    """A text-to-image pipeline, whose weights its image-to-image twin takes as well."""
    from tiny_generators import unet

    return unet(folder)


def _conditioned(channels: int, **more: Any) -> tuple[Any, Any, Any, Any]:
    """A U-Net that sees latents and an image, an autoencoder, a tokenizer and a text model."""
    import torch
    from transformers import CLIPTextModel

    from tiny_generators import _autoencoder, _clip_text, _lively, conditioned

    torch.manual_seed(0)
    network = conditioned(channels, **more)
    tokenizer, config = _clip_text()
    return _lively(network, 0.15), _autoencoder(), tokenizer, _lively(CLIPTextModel(config))


def editor(folder: Path) -> Path:
    """A pipeline that edits an image by a prompt, as InstructPix2Pix."""
    from diffusers import DDIMScheduler, StableDiffusionInstructPix2PixPipeline

    from tiny_generators import LATENT, _save

    network, autoencoder, tokenizer, text = _conditioned(2 * LATENT)
    return _save(
        StableDiffusionInstructPix2PixPipeline(
            vae=autoencoder,
            text_encoder=text,
            tokenizer=tokenizer,
            unet=network,
            scheduler=DDIMScheduler(clip_sample=False),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ),
        folder,
    )


def upscaler(folder: Path) -> Path:
    """A pipeline of x4, as Stable Diffusion's upscaler: a place of a latent is one pixel of LQ."""
    from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, StableDiffusionUpscalePipeline

    from tiny_generators import LATENT, _save

    network, _, tokenizer, text = _conditioned(LATENT + 3, num_class_embeds=1000)
    autoencoder = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8,) * 3,
        latent_channels=LATENT,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.08333,
    )
    return _save(
        StableDiffusionUpscalePipeline(
            vae=autoencoder,
            text_encoder=text,
            tokenizer=tokenizer,
            unet=network,
            low_res_scheduler=DDPMScheduler(),
            scheduler=DDIMScheduler(clip_sample=False),
            max_noise_level=350,
        ),
        folder,
    )
