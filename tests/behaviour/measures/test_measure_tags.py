"""Labels come from a text or a file, enter the key by what they say, and are shared out as the network was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_clip
from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.measure_job import ask_of
from groundglass.measures.tags import MEASURE, load, settle
from groundglass.models.labels import read_labels
from groundglass.models.scorer import Place

LABELS = "indoor, outdoor, people"


def test_labels_of_a_text_and_of_a_file(tmp_path: Path):
    file = tmp_path / "places.txt"
    file.write_text("\ufeffindoor\n\n  outdoor \r\nat sea, far out\nindoor\n", encoding="utf-8")
    assert read_labels(str(file)) == ("indoor", "outdoor", "at sea, far out")
    assert read_labels(" indoor,outdoor ,, indoor") == ("indoor", "outdoor")


@pytest.mark.parametrize(
    ("labels", "said"),
    [("", "no label"), ("indoor", "1 label in"), ("gone.txt", "cannot read gone.txt"), (" , ,", "no label")],
)
def test_too_few_labels_or_no_file(labels: str, said: str):
    with pytest.raises(RecipeError, match=said):
        settle(None, labels=labels)


def test_a_file_that_is_no_text(tmp_path: Path):
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00indoor")
    with pytest.raises(RecipeError, match="is not a text file"):
        read_labels(str(tmp_path / "labels.txt"))


def test_a_template_needs_one_place_for_the_label():
    with pytest.raises(RecipeError, match=r"must hold \{\} once"):
        settle(None, labels=LABELS, template="a photo")


def test_the_key_holds_what_a_file_says(tmp_path: Path):
    pytest.importorskip("torch")
    weights = {"weights": str(tiny_clip.clip(tmp_path))}
    file = tmp_path / "labels.txt"
    file.write_text("indoor\noutdoor\n", encoding="utf-8")
    by_file = ask_of(MEASURE, {**weights, "labels": str(file)})
    assert by_file.key == ask_of(MEASURE, {**weights, "labels": "indoor, outdoor"}).key
    file.write_text("indoor\noutdoor\nsea\n", encoding="utf-8")
    assert ask_of(MEASURE, {**weights, "labels": str(file)}).key != by_file.key


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_shares_are_the_networks_own(tmp_path: Path, kind: str):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = {"clip": tiny_clip.clip, "siglip": tiny_clip.siglip}[kind](tmp_path)
    scorer = load(folder, Place(), labels=LABELS, template="this is {}", least=0.0)
    pixels = scorer.prepare(open_frame(testing.png(testing.photo(90, 70)))).pixels[None]
    (found,) = scorer.score(pixels, [None])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    padding = {"padding": "max_length", "max_length": 32} if kind == "siglip" else {"padding": True}
    texts = [f"this is {label}" for label in LABELS.split(", ")]
    tokens = tokenizer(texts, return_tensors="pt", **padding)
    taken = {"input_ids": tokens["input_ids"]} if kind == "siglip" else tokens
    with torch.no_grad():
        model = transformers.AutoModel.from_pretrained(folder).eval()
        logits = model(pixel_values=torch.from_numpy(pixels), **taken).logits_per_image[0]
    shares = (logits.sigmoid() if kind == "siglip" else logits.softmax(dim=0)).tolist()
    best = max(range(3), key=shares.__getitem__)
    assert found["tag"] == LABELS.split(", ")[best]
    assert found["tag_share"] == pytest.approx(shares[best], abs=1e-4)
    assert set(str(found["tags"]).split(", ")) == set(LABELS.split(", "))


def test_only_what_reaches_the_least_is_among_the_tags(tmp_path: Path):
    pytest.importorskip("torch")
    folder = tiny_clip.siglip(tmp_path)
    frame = open_frame(testing.png(testing.photo(90, 70)))
    for least in (0.0, 0.3, 1.0):
        scorer = load(folder, Place(), labels=LABELS, least=least)
        (found,) = scorer.score(scorer.prepare(frame).pixels[None], [None])
        tags = str(found["tags"]).split(", ") if found["tags"] else []
        assert (found["tag"] in tags) == (float(str(found["tag_share"])) >= least)
