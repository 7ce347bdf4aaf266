"""Labels and exported scorers through a whole recipe: used in rules and quotas, taken once, refused in `plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flow_tools import (
    groundglass,
    groundglass_process,
    make_photos,
    run_json,
    steps,
    store_rows,
    write_recipe,
)

import tiny_clip
import tiny_onnx

for module in ("torch", "transformers", "onnx", "onnxruntime"):
    pytest.importorskip(module)

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure:
      - {tags: {weights: clip, labels: places.txt, device: cpu}}
      - {onnx: {weights: level.onnx, size: 32, better: higher, low: 0, high: 1, device: cpu, as: level_}}
      - {onnx: {weights: level.onnx, size: 32, range: 0-255, device: cpu, as: grey_}}
    name: scores
  - select: {where: "tag IN ('indoor', 'outdoor', 'people') AND tag_share > 0"}
    name: known
  - select: {quota: {indoor: 2, outdoor: 2, people: 2}, per: tag, by: level_onnx}
    name: best
  - transform: {tile: 64}
    name: tiles
  - measure: [{onnx: {weights: level.onnx, size: 32, device: cpu, as: tile_}}]
    name: tile-scores
  - select: {quantile: 20%, by: level_onnx, order: higher}
    name: bright
  - release: {format: folder}
    name: release
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_photos(tmp_path / "photos", 8)
    (tmp_path / "clip").mkdir()
    tiny_clip.clip(tmp_path / "clip")
    tiny_onnx.mean_level(tmp_path / "level.onnx")
    (tmp_path / "places.txt").write_text("indoor\noutdoor\npeople\n", encoding="utf-8")
    return tmp_path


def test_a_recipe_with_labels_and_an_exported_scorer(folder: Path):
    recipe = write_recipe(
        folder, RECIPE.replace("by: level_onnx, order: higher", "by: tile_onnx, order: higher")
    )
    result = run_json(folder, str(recipe))
    found = steps(result)
    assert found["scores"]["failed"] == 1, "the truncated one"
    assert 2 <= found["best"]["out"] <= 6
    run = folder / "runs/small/0001"
    lock = json.loads((run / "recipe.lock").read_text())
    assert {entry["weights"] for entry in lock["networks"].values()} == {"clip", "level.onnx"}
    before = store_rows(run)
    (folder / "places.txt").write_text("people, \nindoor\n", encoding="utf-8")
    (folder / "clip").rename(folder / "moved")
    text = recipe.read_text().replace("weights: clip", "weights: moved").replace("tile: 64", "tile: 80")
    recipe.write_text(text.replace("places.txt", "'indoor, outdoor, people'"), encoding="utf-8")
    run_json(folder, str(recipe))
    after = store_rows(folder / "runs/small/0002")
    for key in before:
        if key.startswith("tags"):
            assert after[key] == before[key], "the same labels and weights: nothing is measured anew"
    assert [key for key in after if key.startswith("tags")] == [
        key for key in before if key.startswith("tags")
    ]
    why = groundglass(folder, "why", "runs/small/0002", "03.png")
    assert why.returncode == 0, why.stderr
    assert "level_onnx" in why.stdout


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("labels: places.txt, ", "", 8, "no label"),
        ("places.txt", "plases.txt", 8, "cannot read plases.txt"),
        ("weights: clip", "weights: level.onnx", 8, "this network needs a folder"),
        ("size: 32, better: higher", "better: higher", 9, "the size is not given"),
        ("better: higher", "better: hihger", 9, "Did you mean 'higher'"),
        (
            "weights: level.onnx, size: 32, range",
            "weights: means.onnx, size: 32, range",
            10,
            "3 numbers per image",
        ),
        ("low: 0", "low: least", 9, "must be a number"),
    ],
)
def test_what_is_wrong_stops_in_plan_with_its_line(
    folder: Path, before: str, after: str, line: int, said: str
):
    tiny_onnx.channel_means(folder / "means.onnx")
    recipe = write_recipe(folder, RECIPE.replace(before, after, 1))
    done = groundglass(folder, "plan", str(recipe))
    assert done.returncode == 2, done.stdout
    told = " ".join(done.stderr.split())
    assert said in told
    assert f"small.yaml:{line}:" in told


def test_pyiqa_that_is_not_installed_stops_in_plan(folder: Path):
    from importlib.util import find_spec

    if find_spec("pyiqa"):
        pytest.skip("pyiqa is installed here")
    recipe = write_recipe(folder, RECIPE.replace("- {tags: {weights: clip, labels: places.txt, device: cpu}}",
                                                 "- {pyiqa: {metric: musiq, device: cpu}}"))  # fmt: skip
    done = groundglass(folder, "plan", str(recipe))
    assert done.returncode == 2
    assert "pip install pyiqa" in done.stderr
    assert "small.yaml:8:" in done.stderr


def test_pyiqas_licence_is_told_in_plan_and_card(folder: Path):
    """On a stand-in for the package, of a few lines, which only another process finds."""
    text = RECIPE.replace("- {tags: {weights: clip, labels: places.txt, device: cpu}}",
                          "- {pyiqa: {metric: darkness, device: cpu, as: dark_}}")  # fmt: skip
    start, _, rest = text.partition("  - select: {where")
    release = (
        "  - select: {quantile: 20%, by: dark_pyiqa}\n  - release: {format: folder}\n    name: release\n"
    )
    assert rest
    recipe = write_recipe(folder, start + release)
    path = {"PYTHONPATH": f"{Path(__file__).parents[2] / 'src'}:{Path(__file__).parents[1] / 'fake_pyiqa'}"}
    done = groundglass_process(folder, "plan", str(recipe), **path)
    assert done.returncode == 0, done.stderr
    assert "non-commercial use only" in done.stdout + done.stderr
    done = groundglass_process(folder, "run", str(recipe), "--json", **path)
    assert done.returncode == 0, done.stderr
    card = (folder / "runs/small/0001/release/README.md").read_text()
    assert "PolyForm-Noncommercial-1.0.0" in card
    assert "non-commercial use only" in card
