"""Alignment: how well the caption that came with an image fits it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.models.architectures import clip
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Scorer
from groundglass.tables.text_fit import READ, TEXT_COLUMNS, VECTOR, pack

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def alignment(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The cosine of an image and its caption, as CLIP or SigLIP sees both, -1 to 1; higher is better.

    ``text`` names the column that the captions come in, such as meta.caption. Scores of different networks do not
    compare: of CLIP ViT-L/14 a caption that fits has about .2 to .35, and CLIPScore is 2.5 times that. A network of
    this family that was trained on people's preferences (PickScore, HPS v2) is used by its ``weights``, as a folder
    that transformers loads as CLIP; its score is this cosine times a constant.

    `alignment_read` is the share of the caption's tokens that the network read: CLIP takes 77, SigLIP 64, and the rest
    of a long caption does not count. Both columns are empty (``no_text``) where an image came without a caption.
    A tile is compared with the caption of its photo.

    The store keeps one vector for each image and one for each text, 16 bits a number: a changed caption needs no new
    pass over the image. The cosine is exact to about four digits.

    In a recipe: ``- measure: [{alignment: {text: meta.caption}}]``, then
    ``- select: {where: "alignment >= 0.2 AND alignment_read = 1"}``.

    Raises RecipeError where the network cannot be loaded, or there is no such column.

    Source: Hessel et al., "CLIPScore", EMNLP 2021; Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV
    2023; Kirstain et al., "Pick-a-Pic", NeurIPS 2023; Wu et al., "Human Preference Score v2", 2023.

    >>> list(settle(None, text="meta.caption").columns)
    ['alignment_vector']
    """
    return ask_network(MEASURE, frame, parameters)


def settle(weights: object, *, text: str = "") -> Settled:  # noqa: ARG001
    """An image's vector does not depend on the text, so the text's column is not part of the key."""
    return Settled({}, {}, {VECTOR: TEXT_COLUMNS[VECTOR]})


def load(weights: Path, place: Place) -> Scorer:
    """The network of a folder, for the vectors of images."""
    return clip.scorer(
        clip.load_clip(weights, place), lambda vectors: [{VECTOR: pack(vector)} for vector in vectors]
    )


def load_texts(weights: Path, place: Place) -> Scorer:
    """The same network, for the vectors of texts: each "image" is empty, and the text comes with it."""
    network = clip.load_clip(weights, place)

    def score(pixels: Any, about: Sequence[Any]) -> list[dict[str, Value]]:  # noqa: ARG001
        vectors = clip.embed_each(network, about)
        return [
            {VECTOR: pack(vector), READ: clip.share_read(network, text)}
            for vector, text in zip(vectors, about, strict=True)
        ]

    return Scorer(_no_image, score, 64)


def _no_image(frame: Frame) -> Any:
    raise NotImplementedError("this network reads texts only")


MEASURE = Measure(
    name="alignment",
    version=1,
    compute=alignment,
    columns={
        "alignment": Column("", -1, 1, "higher", "how well the caption fits: cosine of both vectors"),
        READ: TEXT_COLUMNS[READ],
    },
    reference="Hessel et al., CLIPScore, EMNLP 2021",
    parameters={"text": Parameter("", "the column of captions that came with the source; needed")},
    extra="models",
    network=Network(load, clip.DEFAULT, clip.FILES, "MIT", settle=settle, texts=load_texts),
)
"""Its record in the catalog."""
