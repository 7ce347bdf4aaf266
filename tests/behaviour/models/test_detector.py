"""Detectors answer as transformers' own forward and post-processing do, and name what they were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.errors import ImageError, RecipeError
from groundglass.models.architectures.detector import Detector, Found, Seen, detect, load_detector
from groundglass.models.preprocess import Preparation, prepare
from groundglass.models.scorer import Place

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tiny_models  # noqa: E402

WORDS = ("cat", "dog", "traffic light", "bird", "tree")
PROMPT = "a photo of a {}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    makers = {"owlv2": tiny_models.owlv2, "detr": tiny_models.detr, "dino": tiny_models.grounding_dino}
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in makers.items()}


def pictures(detector: Detector) -> np.ndarray:
    return np.stack([prepare(testing.photo(120, 90, seed=seed), detector.preparation) for seed in range(3)])


def check(found: list[Found], expected: list[dict[str, torch.Tensor]]) -> None:
    """The same boxes, in order of falling score; ``expected`` as transformers' post-processing gives it."""
    assert sum(len(one.scores) for one in found) > 5
    for one, wanted in zip(found, expected, strict=True):
        order = np.argsort(-wanted["scores"].numpy(), kind="stable")
        np.testing.assert_allclose(one.scores, wanted["scores"].numpy()[order], rtol=1e-4)
        np.testing.assert_allclose(one.boxes, wanted["boxes"].numpy()[order], atol=1e-5)
        assert one.labels.tolist() == wanted["labels"].numpy()[order].tolist()


def test_owl_is_asked_as_transformers_asks_it(folders: dict[str, Path]):
    detector = load_detector(folders["owlv2"], Place(), WORDS, (), PROMPT)
    pixels = pictures(detector)
    network = transformers.Owlv2ForObjectDetection.from_pretrained(folders["owlv2"]).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["owlv2"])
    asked = [f"a photo of a {word}" for word in WORDS] * len(pixels)
    tokens = tokenizer(asked, padding="max_length", max_length=16, return_tensors="pt")
    with torch.no_grad():
        answer = network(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=torch.tensor(pixels),
        )
    expected = transformers.Owlv2ImageProcessorPil().post_process_object_detection(answer, threshold=0.3)
    check(detect(detector, pixels, least=0.3, nms=1.0), expected)


def test_detr_is_read_as_transformers_reads_it(folders: dict[str, Path]):
    detector = load_detector(folders["detr"], Place(), (), WORDS, PROMPT)
    assert detector.labels == ("cat", "dog", "bird")
    pixels = pictures(detector)
    network = transformers.DetrForObjectDetection.from_pretrained(folders["detr"]).eval()
    with torch.no_grad():
        answer = network(pixel_values=torch.tensor(pixels))
    answer.logits[..., 0] = -1e9  # the number that stands for nothing
    expected = transformers.DetrImageProcessorPil().post_process_object_detection(answer, threshold=0.1)
    for one in expected:
        one["labels"] -= 1
    check(detect(detector, pixels, least=0.1, nms=1.0), expected)


def test_a_sentence_gives_each_word_its_surest_token(folders: dict[str, Path]):
    detector = load_detector(folders["dino"], Place(), WORDS, (), PROMPT)
    pixels = pictures(detector)
    network = transformers.GroundingDinoForObjectDetection.from_pretrained(folders["dino"]).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["dino"])
    tokens = tokenizer(["cat. dog. traffic light. bird. tree."] * 3, return_tensors="pt")
    with torch.no_grad():
        answer = network(pixel_values=torch.tensor(pixels), **tokens)
    shares = torch.stack(
        [answer.logits[..., places].sigmoid().amax(-1) for places in ([1], [3], [5, 6], [8], [10])], dim=-1
    )
    with torch.no_grad():
        seen = detector.ask(torch.tensor(pixels))
    torch.testing.assert_close(seen.shares, shares)
    torch.testing.assert_close(seen.boxes, answer.pred_boxes)


def test_words_that_are_too_many_for_one_sentence_are_asked_in_several(folders: dict[str, Path]):
    many = (*WORDS, "light tree", "dog cat", "bird bird", "a tree", "a traffic light")
    detector = load_detector(folders["dino"], Place(), many, (), PROMPT)
    pixels = torch.tensor(pictures(detector)[:1])
    with torch.no_grad():
        seen = detector.ask(pixels)
        alone = load_detector(folders["dino"], Place(), many[:6], (), PROMPT).ask(pixels)
    assert seen.shares.shape == (1, 30, 10)
    torch.testing.assert_close(seen.shares[:, :15, :6], alone.shares)
    assert not seen.shares[:, :15, 6:].any()
    assert not seen.shares[:, 15:, :6].any()
    assert (seen.shares[:, 15:, 6:] > 0).all()


def test_own_labels_are_counted_as_the_vocabulary_says(folders: dict[str, Path]):
    every = load_detector(folders["detr"], Place(), (), (), PROMPT)
    some = load_detector(folders["detr"], Place(), ("bird", "cat"), (), PROMPT)
    pixels = torch.tensor(pictures(every))
    with torch.no_grad():
        torch.testing.assert_close(some.ask(pixels).shares, every.ask(pixels).shares[..., [2, 0]])
    with pytest.raises(RecipeError, match=r"has no category 'brd'\. Did you mean 'bird'\?"):
        load_detector(folders["detr"], Place(), ("cat", "brd"), (), PROMPT)
    with pytest.raises(RecipeError, match="has no category 'N/A'"):
        load_detector(folders["detr"], Place(), ("N/A",), (), PROMPT)


def test_a_network_that_takes_any_word_looks_for_the_usual_ones(folders: dict[str, Path]):
    assert load_detector(folders["owlv2"], Place(), (), ("cat", "dog"), PROMPT).labels == ("cat", "dog")


def test_a_word_that_fits_no_sentence_is_refused(folders: dict[str, Path]):
    with pytest.raises(RecipeError, match="too long for the network"):
        load_detector(folders["dino"], Place(), ("cat " * 14,), (), PROMPT)


def made(shares: list[list[float]], boxes: list[list[float]]) -> Detector:
    """A detector that answers always the same."""
    seen = Seen(torch.tensor([shares]), torch.tensor([boxes]))
    return Detector(("cat", "dog"), Preparation(), lambda _: seen, "cpu")


def test_one_thing_with_two_names_is_one_thing():
    boxes = [[0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.41], [0.1, 0.1, 0.1, 0.1]]
    answer = made([[0.9, 0.1], [0.2, 0.8], [0.3, 0.05]], boxes)
    found = detect(answer, np.zeros((1, 3, 4, 4), np.float32), least=0.25, nms=0.5)[0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.3])
    assert found.labels.tolist() == [0, 0]
    np.testing.assert_allclose(found.boxes, [[0.3, 0.3, 0.7, 0.7], [0.05, 0.05, 0.15, 0.15]], atol=1e-6)


def test_what_is_no_number_is_an_error_and_never_a_count():
    for answer in (made([[0.9, np.nan]], [[0.5] * 4]), made([[0.9, 0.1]], [[0.5, np.inf, 0.5, 0.5]])):
        with pytest.raises(ImageError, match="not numbers"):
            detect(answer, np.zeros((1, 3, 4, 4), np.float32), least=0.25, nms=0.5)
