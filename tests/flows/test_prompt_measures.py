"""The measure `prompt` in a recipe: lengths, equal and near prompts, categories; used by select and split."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, picture, run_json

import tiny_clip

PROMPTS = [
    "A red boat on a lake",
    "a red  boat, on a lake!",
    "a red boat on the lake at",
    unicodedata.normalize("NFC", "café at night"),
    unicodedata.normalize("NFD", "café at night"),
    "x" * 2000,
    "",
    "two dogs",
]
RECIPE = """
name: prompts
steps:
  - source: {table: images.csv, path: file, licence: CC0-1.0}
    name: images
  - measure: [{prompt: {text: meta.prompt, near: 0.6}}]
    name: facts
  - select: {where: "prompt_words >= 0"}
    name: has
  - split: {test: 0.4, group: prompt_near}
  - release: {format: folder}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    with (tmp_path / "images.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "prompt", "size"])
        for number, prompt in enumerate(PROMPTS):
            (tmp_path / f"photos/{number}.png").write_bytes(picture(48, 48, number))
            table.writerow([f"photos/{number}.png", prompt, number])
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def released(place: Path, run: int = 1) -> dict[str, dict[str, Any]]:
    table = pq.read_table(place / f"runs/prompts/{run:04}/release/manifest.parquet")
    return {Path(row["uri"]).stem: row for row in table.to_pylist()}


def test_facts_of_prompts_are_columns_that_select_and_split_use(place: Path):
    said = run_json(place, "recipe.yaml")
    assert said["state"] == "done"
    rows = released(place)
    assert rows.keys() == set("0123457"), "the image without a prompt has no number of words"
    assert (rows["0"]["prompt_chars"], rows["0"]["prompt_words"], rows["0"]["prompt_copies"]) == (20, 6, 2)
    assert rows["0"]["prompt_same"] == rows["1"]["prompt_same"] != rows["2"]["prompt_same"]
    assert rows["0"]["prompt_near"] == rows["1"]["prompt_near"] == rows["2"]["prompt_near"]
    assert rows["3"]["prompt_same"] == rows["4"]["prompt_same"]
    assert rows["3"]["prompt_chars"] == rows["4"]["prompt_chars"] == 13
    assert rows["5"]["prompt_chars"] == 2000
    splits: dict[str, set[str]] = {}
    for row in rows.values():
        splits.setdefault(row["prompt_near"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    why = groundglass(place, "why", "prompts", "photos/0.png").stdout
    assert "prompt_words" in why


def test_a_second_run_plans_exactly_and_the_recipe_comes_back_as_it_was(place: Path):
    run_json(place, "recipe.yaml")
    again = (place / "runs/prompts/0001/recipe.yaml").read_text()
    assert "prompt:" in again
    planned = groundglass(place, "plan", str(place / "runs/prompts/0001/recipe.yaml"))
    assert planned.returncode == 0, planned.stderr


def test_categories_come_from_the_text_side_of_a_network(place: Path):
    pytest.importorskip("transformers")
    (place / "network").mkdir()
    tiny_clip.clip(place / "network")
    recipe = RECIPE.replace(
        "near: 0.6", "near: 0.6, categories: [animals, vehicles], weights: network, device: cpu"
    )
    (place / "recipe.yaml").write_text(recipe)
    assert run_json(place, "recipe.yaml")["state"] == "done"
    rows = released(place)
    assert {row["prompt_category"] for row in rows.values()} <= {"animals", "vehicles"}
    assert all(row["prompt_category_lead"] >= 0 for row in rows.values())
    # The category that repeats the prompt itself fits best, whatever the weights are.
    (place / "recipe.yaml").write_text(
        recipe.replace("[animals, vehicles]", "[two dogs, vehicles]").replace(
            "device", "template: '{}', device"
        )
    )
    assert run_json(place, "recipe.yaml")["state"] == "done"
    assert released(place, 2)["7"]["prompt_category"] == "two dogs"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("meta.prompt", "meta.promt", "meta.prompt"),
        ("meta.prompt", "meta.size", "is not a column of text"),
        ("near: 0.6", "near: 6", "near"),
        ("near: 0.6", "neer: 0.6", "near"),
        ("near: 0.6", "weights: network", "`weights` is for `categories`"),
        ("near: 0.6", "categories: [one]", "at least 2"),
        ("{prompt: {text: meta.prompt, near: 0.6}}", "prompt", "needs `text`"),
    ],
)
def test_wrong_settings_stop_in_plan_with_the_line(place: Path, old: str, new: str, said: str):
    (place / "recipe.yaml").write_text(RECIPE.replace(old, new))
    done = groundglass(place, "plan", "recipe.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "recipe.yaml:6" in done.stderr


def test_alignment_of_prompts_is_a_score_that_settings_are_compared_by(place: Path):
    pytest.importorskip("transformers")
    (place / "network").mkdir()
    tiny_clip.clip(place / "network")
    with (place / "images.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "prompt", "generator", "guidance"])
        for number in range(16):
            (place / f"photos/{number}.png").write_bytes(picture(48, 48, number))
            table.writerow([f"photos/{number}.png", f"subject {number % 4}", "ab"[number % 2], number])
    (place / "recipe.yaml").write_text(
        "name: aligned\nsteps:\n  - source: {table: images.csv, path: file, licence: CC0-1.0}\n"
        "  - measure: [{alignment: {text: meta.prompt, weights: network, device: cpu}}]\n"
    )
    assert run_json(place, "recipe.yaml")["state"] == "done"
    done = groundglass(place, "benchmark", "settings", "aligned", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["score"], found["images"], found["contents"]) == ("alignment", 16, 4)
    assert {row["setting"] for row in found["settings"]} == {"meta.generator", "meta.guidance"}
    assert "#settings" in (place / "runs/aligned/0001/report/index.html").read_text()
