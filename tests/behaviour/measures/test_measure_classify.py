"""Labels of a classifier: each that is named is a column, in rules and releases; others are refused in `plan`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import tiny_classifiers
from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.classify import MEASURE, load
from groundglass.measures.measure_job import ask_of
from groundglass.models.architectures.classifier import load_classifier, probabilities
from groundglass.models.scorer import Place
from in_process import run_here

pytest.importorskip("torch")
pytest.importorskip("transformers")

RECIPE = """
name: kinds
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure:
      - classify: {weights: network, device: cpu, labels: [anime, "tench, Tinca tinca"], as: k_}
  - select: {where: "k_classify_anime <= 1 AND k_classify IS NOT NULL"}
  - release: {format: folder}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "network").mkdir()
    tiny_classifiers.resnet(tmp_path / "network")
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        (tmp_path / f"photos/{seed}.png").write_bytes(testing.png(testing.photo(120, 90, seed)))
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


def test_a_recipe_with_a_list_of_labels(folder: Path):
    done = run_here(folder, ("run", "r.yaml"), {})
    assert done.returncode == 0, done.stderr
    run = folder / "runs/kinds/0001"
    rows = pq.read_table(run / "release/manifest.parquet").to_pylist()
    classifier = load_classifier(folder / "network", Place())
    scorer = load(folder / "network", Place())
    assert len(rows) == 3
    for row in rows:
        frame = open_frame((run / "release" / row["file"]).read_bytes())
        shares = probabilities(classifier, scorer.prepare(frame).pixels[None])[0]
        assert row["k_classify"] == tiny_classifiers.LABELS[int(np.argmax(shares))]
        assert row["k_classify_anime"] == pytest.approx(shares[1], abs=1e-6)
        assert row["k_classify_tench_Tinca_tinca"] == pytest.approx(shares[3], abs=1e-6)
    lock = json.loads((run / "recipe.lock").read_text())
    assert [entry["weights"] for entry in lock["networks"].values()] == ["network"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("[anine]", "has no label 'anine'. Did you mean 'anime'?"),
        ("[photo, sketch]", "has no label 'sketch'"),
        ("[1, photo]", "must be a single value"),
        ("{photo: 1}", "must be a single value"),
    ],
)
def test_another_label_stops_in_plan_with_its_place(folder: Path, labels: str, words: str):
    (folder / "r.yaml").write_text(RECIPE.replace('[anime, "tench, Tinca tinca"]', labels))
    done = run_here(folder, ("plan", "r.yaml"), {})
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert words in said
    assert "r.yaml:6" in said


def test_a_list_and_a_text_and_a_file_are_kept_under_one_key(folder: Path):
    weights = {"weights": str(folder / "network")}
    (folder / "labels.txt").write_text("photo\nanime\n")
    keys = {
        ask_of(MEASURE, {**weights, "labels": labels}).key
        for labels in ("photo, anime", "photo\nanime", str(folder / "labels.txt"))
    }
    assert len(keys) == 1
    assert ask_of(MEASURE, {**weights, "labels": "photo"}).key not in keys


def test_labels_of_one_column_or_twice_in_the_network_are_refused(tmp_path: Path):
    tiny_classifiers.vit(tmp_path, ("hot dog", "hot-dog", "crane", "crane"))
    weights = {"weights": str(tmp_path)}
    with pytest.raises(RecipeError, match="would have the same column"):
        ask_of(MEASURE, {**weights, "labels": "hot dog, hot-dog"})
    with pytest.raises(RecipeError, match="2 labels that are called 'crane'"):
        ask_of(MEASURE, {**weights, "labels": "crane"})


def test_a_folder_that_names_no_labels_stops_before_it_is_loaded(folder: Path):
    config = folder / "network/config.json"
    said = json.loads(config.read_text())
    del said["id2label"]
    config.write_text(json.dumps(said))
    done = run_here(folder, ("plan", "r.yaml"), {})
    assert done.returncode == 2
    assert "names no labels" in " ".join(done.stderr.split())
