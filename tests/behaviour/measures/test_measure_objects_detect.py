"""Counting by detectors, on networks of a few random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.catalog import Value
from groundglass.errors import NoValue, RecipeError
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.objects.detector import MEASURE, load, objects_detect, settle
from groundglass.models.architectures.coco_labels import COCO
from groundglass.models.scorer import Place, Scorer

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_models

MAKERS = {"owlv2": tiny_models.owlv2, "detr": tiny_models.detr, "dino": tiny_models.grounding_dino}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


def frame(width: int = 120, height: int = 90, seed: int = 0) -> Frame:
    return open_frame(testing.png(testing.photo(width, height, seed=seed)))


def scores(scorer: Scorer, *frames: Frame) -> list[dict[str, Value]]:
    prepared = [scorer.prepare(one) for one in frames]
    return scorer.score(np.stack([one.pixels for one in prepared]), [one.about for one in prepared])


@pytest.mark.parametrize("name", MAKERS)
def test_columns_and_batches(folders: dict[str, Path], name: str):
    scorer = load(folders[name], Place(), vocabulary="cat, dog, bird", least=0.05)
    photo = frame(240, 180)
    tiles = [photo.at(f"crop({x},{y},120,90)") for x in (0, 120) for y in (0, 90)]
    together = scores(scorer, *tiles)
    assert together == [scores(scorer, tile)[0] for tile in tiles]
    assert sum(int(str(one["objects_detect"])) for one in together) > 0
    for one in together:
        names = [word for word in str(one["object_labels"]).split(", ") if word]
        assert one.keys() == MEASURE.columns.keys()
        assert set(names) <= {"cat", "dog", "bird"}
        assert len(names) == len(set(names)) == one["object_kinds"] <= int(str(one["objects_detect"]))


@pytest.mark.parametrize("name", MAKERS)
def test_stricter_wishes_find_no_more(folders: dict[str, Path], name: str):
    def count(**wishes: float) -> int:
        scorer = load(
            folders[name], Place(), vocabulary="cat, dog, bird", **{"least": 0.05, "nms": 1.0, **wishes}
        )
        return sum(int(str(one["objects_detect"])) for one in scores(scorer, frame(), frame(seed=1)))

    plain = count()
    assert plain > count(least=1.0) == 0
    assert plain >= count(nms=0.5) >= count(nms=0.0) > 0


def test_nothing_found_is_zero_of_no_kind(folders: dict[str, Path]):
    found = scores(load(folders["detr"], Place(), least=1.0), frame())[0]
    assert found == {"objects_detect": 0, "object_kinds": 0, "object_labels": ""}


def test_pictures_that_are_small_or_too_small(folders: dict[str, Path]):
    scorer = load(folders["detr"], Place())
    assert int(str(scores(scorer, frame(40, 40))[0]["objects_detect"])) >= 0
    with pytest.raises(NoValue, match="too_small: 31 x 400 px"):
        scorer.prepare(frame(31, 400))


def test_the_words_of_a_file_stand_for_it(tmp_path: Path):
    file = tmp_path / "things.txt"
    file.write_text("cat\ntraffic light\n\ncat\n", encoding="utf-8")
    assert settle(None, vocabulary=str(file)) == settle(None, vocabulary="cat, traffic light")
    assert settle(None, vocabulary=str(file)).key != settle(None, vocabulary="cat").key


def test_the_names_of_lvis_are_shipped():
    words = str(settle(None, vocabulary="lvis").settings["vocabulary"]).splitlines()
    assert len(words) == len(set(words)) == 1203
    assert {"aerosol can", "bow (weapon)", "zucchini"} <= set(words)
    assert settle(None, vocabulary="LVIS").key == settle(None, vocabulary="\n".join(words)).key


@pytest.mark.parametrize(
    "wrong", [{"vocabulary": " , "}, {"vocabulary": "not_there.txt"}, {"prompt": "a thing"}]
)
def test_senseless_settings_are_refused(wrong: dict[str, str]):
    with pytest.raises(RecipeError):
        settle(None, **wrong)


def test_the_measure_finds_its_network_by_itself(folders: dict[str, Path]):
    found = objects_detect(frame(), weights=str(folders["owlv2"]), device="cpu", vocabulary="cat, dog")
    assert found == scores(load(folders["owlv2"], Place(), vocabulary="cat, dog"), frame())[0]


def test_coco_is_whole():
    assert len(set(COCO)) == 80
