"""Your own labels, found in images by a network that understands words: indoor, outdoor, people …"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.models.architectures import clip
from groundglass.models.labels import check_sentence, read_labels
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

TEMPLATE = "a photo of {}"
LEAST = 0.2


def tags(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The label that fits an image best, how sure that is, and the others that fit too.

    Each label is put into the sentence ``template`` in the place of {}. ``tag`` is the best of them. ``tag_share``,
    0 to 1, is how sure it is: with CLIP its share among all labels (softmax), so that it means nothing for images
    that show none of them, unless a label like "something else" is there; with SigLIP the probability of this
    label alone (sigmoid). ``tags`` are all labels of at least ``least``, the surest first, or empty.

    ``labels``: a text with commas between them, or the path of a .txt file with one a line. The labels are part of the
    key that values are stored under, not the file's name.

    Raises RecipeError for fewer than two labels, for labels that the network cannot distinguish, and where it
    cannot be loaded.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
    section 3.1.2; Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023.

    >>> settle(None, labels="indoor, outdoor").settings["labels"].splitlines()
    ['indoor', 'outdoor']
    """
    return ask_network(MEASURE, frame, parameters)


def settle(weights: object, *, labels: str = "", template: str = TEMPLATE, least: float = LEAST) -> Settled:  # noqa: ARG001
    """The labels themselves in place of a file. Raises RecipeError for too few, or a template without {}."""
    check_sentence("template", template, TEMPLATE)
    settings = {"labels": "\n".join(read_labels(labels)), "template": template, "least": least}
    return Settled(settings, settings)


def load(weights: Path, place: Place, labels: str, template: str = TEMPLATE, least: float = LEAST) -> Scorer:
    """The network of a folder, and its vectors of all labels."""
    names = read_labels(labels)
    network = clip.load_clip(weights, place)
    words = clip.embed_words(network, [template.replace("{}", name) for name in names])

    def judge(images: clip.Vectors) -> list[dict[str, Value]]:
        fits = clip.logits(network, images, words)
        shares = clip.softmax(fits) if network.shares == "softmax" else clip.sigmoid(fits)
        return [_best(names, row, least) for row in shares.tolist()]

    return clip.scorer(network, judge)


def _best(names: Sequence[str], shares: Sequence[float], least: float) -> dict[str, Value]:
    """The columns of one image.

    >>> _best(["sea", "wood", "town"], [0.3, 0.6, 0.1], least=0.2)
    {'tag': 'wood', 'tag_share': 0.6, 'tags': 'wood, sea'}
    """
    order = sorted(range(len(names)), key=lambda i: -shares[i])
    fitting = [names[i] for i in order if shares[i] >= least]
    return {"tag": names[order[0]], "tag_share": shares[order[0]], "tags": ", ".join(fitting)}


MEASURE = Measure(
    name="tags",
    version=1,
    compute=tags,
    columns={
        "tag": Column("", None, None, "neither", "the label that fits best", str),
        "tag_share": Column(
            "", 0, 1, "neither", "how sure that is: a share of all (CLIP), or alone (SigLIP)"
        ),
        "tags": Column("", None, None, "neither", "all labels that fit, the surest first, with commas", str),
    },
    reference="Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021",
    parameters={
        "labels": Parameter("", "labels with commas between them, or a .txt file with one a line; needed"),
        "template": Parameter(TEMPLATE, "the sentence that each label is put into, at {}"),
        "least": Parameter(LEAST, "the least share of a label in `tags`", "", 0, 1),
    },
    extra="models",
    network=Network(load, clip.DEFAULT, clip.FILES, "MIT", settle=settle),
)
"""Its record in the catalog."""
