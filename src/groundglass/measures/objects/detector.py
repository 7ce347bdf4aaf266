"""Objects, by a detector: the number of things that it finds, the number of kinds, and their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.models.architectures.coco_labels import COCO
from groundglass.models.architectures.detector import Detector, Found, detect, load_detector
from groundglass.models.labels import check_sentence, read_labels
from groundglass.models.loaded import ask_network
from groundglass.models.preprocess import scorer_of
from groundglass.models.scorer import Place, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

LEAST_SIDE = 32
"""Shorter side, px, below which there is nothing to find."""
PROMPT = "a photo of a {}"
LEAST = 0.1
NMS = 0.5


def objects_detect(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """Things in an image that a detector finds and names.

    `objects_detect` is their number, from 0; more means more diverse. `object_kinds` is the number of different
    names among them, `object_labels` these names, the surest first, with commas between them.

    The detector looks for the words of ``vocabulary``: written with commas, in a .txt file with one a line, the
    1,203 names of LVIS by the word `lvis`, or the 80 kinds of COCO where it is left out. A network with a fixed list
    of kinds (DETR, YOLOS, RT-DETR …) counts those of them that are in the vocabulary, or all. A box counts as
    its likeliest thing, if its score is above ``least``; of boxes that overlap by more than
    ``nms`` the surest counts, even if the others have other names: two fitting words do not make one thing two.

    Scores of different networks do not compare: the defaults of their libraries are .1 for OWLv2, .25 for Grounding
    DINO, .5 for DETR, and more words find more things. The 18 objects of DiverSeg were Detic's, with a
    vocabulary and a score that it does not state. Grounding DINO gets as many words at once as fit into 256 tokens,
    and runs again for every further sentence. A name has the score of its surest token, and never joins two words.

    Raises NoValue ``too_small`` where a side is under 32 px, and RecipeError where the network cannot be
    loaded, or does not recognise a word.

    Source: Minderer et al., "Scaling Open-Vocabulary Object Detection", NeurIPS 2023; Liu et al., "Grounding
    DINO", ECCV 2024; Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020. A
    substitute for Detic, the detector of DiverSeg (ECCV 2024).

    >>> settle(None, vocabulary="cat, dog, cat").settings["vocabulary"].splitlines()
    ['cat', 'dog']
    """
    return ask_network(MEASURE, frame, parameters)


def settle(
    weights: object,  # noqa: ARG001
    *,
    vocabulary: str = "",
    prompt: str = PROMPT,
    least: float = LEAST,
    nms: float = NMS,
) -> Settled:
    """The words themselves in place of a file. Raises RecipeError where there are none, or no {} in the prompt."""
    check_sentence("prompt", prompt, PROMPT)
    words = "\n".join(read_labels(vocabulary, fewest=1)) if vocabulary else ""
    settings: dict[str, Value] = {"vocabulary": words, "prompt": prompt, "least": least, "nms": nms}
    return Settled(settings, settings)


def load(
    weights: str | Path,
    place: Place,
    vocabulary: str = "",
    prompt: str = PROMPT,
    least: float = LEAST,
    nms: float = NMS,
) -> Scorer:
    """The detector of a folder as a scorer; settings as in `MEASURE`.

    Raises RecipeError as `groundglass.models.architectures.detector.load_detector`.
    """
    detector = load_detector(
        weights, place, read_labels(vocabulary, fewest=1) if vocabulary else (), COCO, prompt
    )

    def judge(pixels: NDArray[Any]) -> list[dict[str, Value]]:
        return [_named(detector, found) for found in detect(detector, pixels, least, nms)]

    return scorer_of(detector.preparation, judge, 2 if place.device == "cpu" else 8, LEAST_SIDE)


def _named(detector: Detector, found: Found) -> dict[str, Value]:
    names = list(dict.fromkeys(detector.labels[number] for number in found.labels))
    return {
        "objects_detect": len(found.labels),
        "object_kinds": len(names),
        "object_labels": ", ".join(names),
    }


MEASURE = Measure(
    name="objects_detect",
    version=1,
    compute=objects_detect,
    columns={
        "objects_detect": Column("", 0, None, "higher", "number of things that a detector finds", int),
        "object_kinds": Column("", 0, None, "higher", "different names among these things", int),
        "object_labels": Column(
            "", None, None, "neither", "these names, the surest first, commas between", str
        ),
    },
    reference="Minderer et al., Scaling Open-Vocabulary Object Detection, NeurIPS 2023; in place of Detic (DiverSeg)",
    parameters={
        "vocabulary": Parameter(
            "", "words with commas between them, a .txt file with one a line, or lvis (1,203); else COCO's 80"
        ),
        "prompt": Parameter(PROMPT, "the sentence for OWL, with {} in place of a word"),
        "least": Parameter(LEAST, "score that a thing must exceed", "", 0, 1),
        "nms": Parameter(NMS, "overlap of boxes beyond which two count as one", "", 0, 1),
    },
    extra="models",
    network=Network(
        load=load,
        weights="google/owlv2-base-patch16-ensemble@main",
        patterns=("*.json", "*.txt", "model*.safetensors"),
        licence="Apache-2.0",
        settle=settle,
    ),
)
"""Its record in the catalog."""
