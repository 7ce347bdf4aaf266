"""CLIP and SigLIP: images and words as vectors of one space, so that an image can be compared with words.

Sources: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021; Zhai
et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.errors import RecipeError
from groundglass.models.preprocess import Preparation, read_preparation, scorer_of
from groundglass.models.pretrained import load_pretrained, load_tokenizer, model_type
from groundglass.models.scorer import Place, Scorer

DEFAULT = "openai/clip-vit-large-patch14@32bd64288804d66eefd0ccbe215aa642df71cc41"
"""The network that these measures use unless a recipe names another."""
FILES = ("*.json", "*.txt", "*.model", "model*.safetensors")
"""Files that are loaded from its folder: configurations, the tokenizer's tables, the weights."""

_SHARES: dict[str, Literal["softmax", "sigmoid"]] = {"clip": "softmax", "siglip": "sigmoid"}

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """A network of this family in memory.

    shares   how it was trained to separate words: "softmax" over all of them (CLIP), "sigmoid" of each (SigLIP)
    scale    its logit scale: a logit is scale · cosine + bias
    stretch  whether its position embeddings are interpolated, because images have another size than in training
    """

    network: Any
    tokenizer: Any
    way: Preparation
    device: str
    shares: Literal["softmax", "sigmoid"]
    scale: float
    bias: float
    stretch: bool

    @property
    def width(self) -> int:
        """The length of a vector."""
        return int(self.network.get_text_features(**_tokens(self, ["a"])).pooler_output.shape[-1])


def load_clip(folder: str | Path, place: Place, side: int = 0) -> Clip:
    """The network in a folder as a hub stores it: config, preprocessor_config, tokenizer and safetensors.

    ``side``: px of the square that images are resized to; 0 is the size that the network was trained with. It computes
    in float32 on every device: the shares of words depend on the third digit of a cosine.

    Raises RecipeError if a file is missing or damaged, if the network is neither CLIP nor SigLIP, and if
    ``side`` is not a multiple of the network's patch size.
    """
    kind = model_type(folder, _SHARES)
    way = read_preparation(folder)
    network = load_pretrained("AutoModel", folder, place)
    vision = network.config.vision_config
    if side % vision.patch_size:
        raise RecipeError(
            f"{side} px cannot be cut into patches of {vision.patch_size} px",
            f"for example {max(1, side // vision.patch_size) * vision.patch_size}",
        )
    way = at_side(way, side) if side else way
    return Clip(
        network=network,
        tokenizer=load_tokenizer(folder),
        way=way,
        device=place.device,
        shares=_SHARES[kind],
        scale=network.logit_scale.exp().item(),
        bias=float(network.logit_bias.item()) if kind == "siglip" else 0.0,
        stretch=(way.crop or way.to) != (vision.image_size, vision.image_size),
    )


def at_side(way: Preparation, side: int) -> Preparation:
    """The same preparation for a square of another side, px.

    >>> at_side(Preparation(shortest=224, crop=(224, 224)), 448).crop
    (448, 448)
    """
    square = (side, side)
    return replace(way, to=square) if way.to else replace(way, shortest=side, crop=square)


def scorer(clip: Clip, judge: Callable[[Vectors], list[dict[str, Value]]]) -> Scorer:
    """The network as a scorer; ``judge`` turns n vectors of length 1 (n × width) into the values of n images."""
    return scorer_of(clip.way, lambda pixels: judge(embed_images(clip, pixels)))


def embed_images(clip: Clip, pixels: NDArray[np.float32]) -> Vectors:
    """Vectors of length 1, n × width, of prepared images, n × 3 × height × width."""
    import torch

    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(pixels)).to(clip.device)
        found = clip.network.get_image_features(pixel_values=batch, interpolate_pos_encoding=clip.stretch)
    return _unit(found.pooler_output)


def embed_words(clip: Clip, texts: Sequence[str]) -> Vectors:
    """Vectors of length 1, one for each text; a text that is too long for the network is cut off."""
    import torch

    with torch.inference_mode():
        return _unit(clip.network.get_text_features(**_tokens(clip, texts)).pooler_output)


def embed_each(clip: Clip, texts: Sequence[str]) -> Vectors:
    """The same for texts that the network may read as equal, such as long captions that begin with the same words."""
    import torch

    with torch.inference_mode():
        return _unit(clip.network.get_text_features(**_tokens(clip, texts, apart=False)).pooler_output)


def share_read(clip: Clip, text: str) -> float:
    """The share of a text's tokens that the network reads, 0 to 1: a text that is too long is cut off."""
    longest = clip.network.config.text_config.max_position_embeddings
    return min(1.0, longest / max(1, len(clip.tokenizer(text)["input_ids"])))


def logits(clip: Clip, images: Vectors, words: Vectors) -> Vectors:
    """How well each text fits each image, n × texts: scale · cosine + bias."""
    return clip.scale * (images @ words.T) + clip.bias


def softmax(values: Vectors) -> Vectors:
    """Shares along the last axis that sum to 1.

    >>> softmax(np.array([0.0, np.log(3.0)])).round(2).tolist()
    [0.25, 0.75]
    """
    # The largest is subtracted first, because exp of a large logit would overflow.
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def sigmoid(values: Vectors) -> Vectors:
    """1 / (1 + exp(-x)), without overflow.

    >>> sigmoid(np.array([-1e9, 0.0, 1e9])).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def _unit(vectors: Any) -> Vectors:
    plain = vectors.double().cpu().numpy()
    return plain / np.linalg.norm(plain, axis=-1, keepdims=True)


def _tokens(clip: Clip, texts: Sequence[str], apart: bool = True) -> dict[str, Any]:
    """Tokens of texts. SigLIP was trained on texts padded to the full length, without an attention mask."""
    longest = clip.network.config.text_config.max_position_embeddings
    padding = "max_length" if clip.shares == "sigmoid" else True
    made = clip.tokenizer(
        list(texts), padding=padding, truncation=True, max_length=longest, return_tensors="pt"
    )
    _check_tokens(clip, texts, made["input_ids"].tolist(), apart)
    taken = ("input_ids",) if clip.shares == "sigmoid" else ("input_ids", "attention_mask")
    return {name: made[name].to(clip.device) for name in taken}


def _check_tokens(clip: Clip, texts: Sequence[str], tokens: Sequence[Sequence[int]], apart: bool) -> None:
    """Refuse texts that the network reads as equal: they would share one value, as if it had been measured."""
    known = clip.network.config.text_config.vocab_size
    seen: dict[tuple[int, ...], str] = {}
    for text, numbers in zip(texts, tokens, strict=True):
        if max(numbers) >= known:
            raise RecipeError(
                f"the tokenizer gives {text!r} the number {max(numbers)}; the network has {known} tokens",
                "take the tokenizer and the weights from the same folder",
            )
        other = seen.setdefault(tuple(numbers), text)
        if apart and other != text:
            raise RecipeError(
                f"the network reads {other!r} and {text!r} as the same text",
                "shorten or reword them; or the folder's tokenizer lacks its vocabulary",
            )
