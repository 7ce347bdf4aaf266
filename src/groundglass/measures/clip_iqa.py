"""CLIP-IQA: which of two opposite sentences fits an image better, for quality and for its components."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundglass.catalog import Column, Measure, Network, Parameter, Value
from groundglass.models.architectures import clip
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

PAIRS: dict[str, tuple[str, str]] = {
    "clip_iqa": ("Good photo.", "Bad photo."),
    "clip_iqa_sharp": ("Sharp photo.", "Blurry photo."),
    "clip_iqa_clean": ("Clean photo.", "Noisy photo."),
    "clip_iqa_bright": ("Bright photo.", "Dark photo."),
    "clip_iqa_colourful": ("Colorful photo.", "Dull photo."),
    "clip_iqa_contrast": ("High contrast photo.", "Low contrast photo."),
    "clip_iqa_complex": ("Complex photo.", "Simple photo."),
    "clip_iqa_natural": ("Natural photo.", "Synthetic photo."),
}
"""The sentences of each column, for 1 and for 0, as in the paper."""


def clip_iqa(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """How much better the first of two opposite sentences fits an image than the second, for eight pairs.

    Each column is e^(s·a) / (e^(s·a) + e^(s·b)), 0 to 1, where a and b are the cosines of the image with the two
    sentences of `PAIRS` and s is the network's own scale. Higher is better, or more of it.

    Two things differ from the paper. The paper takes CLIP's ResNet-50 and leaves its position embedding out, so that
    an image goes in at its own size; this measure takes any CLIP or SigLIP with a vision transformer, and keeps its
    position embeddings. And an image is first brought to the network's size (224 px for the default), which hides
    fine blur, noise and blocks: measure tiles, or give ``side`` a multiple of the patch (448, 672 …), for which
    position embeddings are interpolated. Values of different networks, or sides, do not compare.

    Raises RecipeError where the network cannot be loaded.

    Source: Wang, Chan and Loy, "Exploring CLIP for Assessing the Look and Feel of Images", AAAI 2023.

    >>> PAIRS["clip_iqa_sharp"]
    ('Sharp photo.', 'Blurry photo.')
    """
    return ask_network(MEASURE, frame, parameters)


def load(weights: Path, place: Place, side: int = 0) -> Scorer:
    """The network of a folder, and its vectors of all sentences."""
    network = clip.load_clip(weights, place, side)
    words = clip.embed_words(network, [text for pair in PAIRS.values() for text in pair])

    def judge(images: clip.Vectors) -> list[dict[str, Value]]:
        fits = clip.logits(network, images, words)
        shares = clip.softmax(fits.reshape(len(images), len(PAIRS), 2))[:, :, 0]
        return [dict(zip(PAIRS, row, strict=True)) for row in shares.tolist()]

    return clip.scorer(network, judge)


def _column(meaning: str, better: Any = "higher") -> Column:
    return Column("", 0, 1, better, meaning)


MEASURE = Measure(
    name="clip_iqa",
    version=1,
    compute=clip_iqa,
    columns={
        "clip_iqa": _column("quality: a good photo, not a bad one"),
        "clip_iqa_sharp": _column("a sharp photo, not a blurry one"),
        "clip_iqa_clean": _column("a clean photo, not a noisy one"),
        "clip_iqa_bright": _column("a bright photo, not a dark one", "neither"),
        "clip_iqa_colourful": _column("a colourful photo, not a dull one"),
        "clip_iqa_contrast": _column("a photo of high contrast, not of low"),
        "clip_iqa_complex": _column("a complex photo, not a simple one", "neither"),
        "clip_iqa_natural": _column("a natural photo, not a synthetic one", "neither"),
    },
    reference="Wang, Chan and Loy, Exploring CLIP for Assessing the Look and Feel of Images, AAAI 2023",
    parameters={
        "side": Parameter(0, "side of the square that images are brought to; 0 is the network's own", "px", 0)
    },
    extra="models",
    network=Network(load, clip.DEFAULT, clip.FILES, "MIT", half=False),
)
"""Its record in the catalog."""
