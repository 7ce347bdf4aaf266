"""`hold_out: {…: {next: n, of: STEP}}`: from which ranked selection's dropped images the next best are taken."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, make_photos, run_json, steps, write_recipe

RECIPE = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [sharpness]
  - select: {top_k: 9, by: tenengrad}
    name: best
  - select: {top_k: 5, by: flat_share, order: lower}
    name: textured
  - hold_out: {validation: {next: 2OF}}
    name: held
  - release: {format: folder}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hold_out_of")
    make_photos(folder / "photos", 14)
    return folder


def held(folder: Path, of: str) -> set[str]:
    """The ids that a run holds out."""
    write_recipe(folder, RECIPE.replace("OF", of))
    done = run_json(folder, "small.yaml")
    assert steps(done)["held"]["held_out"] == 2
    verdicts = pq.read_table(Path(folder) / done["folder"] / "selections" / "held.parquet").to_pylist()
    return {row["id"] for row in verdicts if row["reason"] == "held out for validation"}


def dropped(folder: Path, step: str) -> set[str]:
    runs = sorted((folder / "runs" / "small").glob("0*"))
    table = pq.read_table(runs[-1] / "selections" / f"{step}.parquet")
    return {row["id"] for row in table.to_pylist() if not row["kept"]}


def test_of_names_the_selection_and_the_last_one_before_is_meant_without_it(folder: Path):
    of_best = held(folder, ", of: best")
    assert of_best <= dropped(folder, "best")
    of_textured = held(folder, ", of: textured")
    assert of_textured <= dropped(folder, "textured")
    assert held(folder, "") == of_textured
    assert not of_best & of_textured


def test_a_name_that_no_ranked_selection_has_stops_in_plan(folder: Path):
    write_recipe(folder, RECIPE.replace("OF", ", of: bets"))
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert "there is no ranked selection 'bets' before this step; did you mean `best`?" in done.stderr
    write_recipe(folder, RECIPE.replace("next: 2OF", "count: 2, of: best"))
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert "`of` has no meaning with `count`" in done.stderr


BOTH_WAYS = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [sharpness]
  - hold_out:
      validation: {count: 1, by: tenengrad, order: higher}
      test: {count: 1, by: tenengrad, order: lower}
  - release: {format: folder}
"""


def test_two_splits_may_rank_one_column_both_ways(tmp_path: Path):
    make_photos(tmp_path / "photos", 8)
    write_recipe(tmp_path, BOTH_WAYS)
    done = run_json(tmp_path, "small.yaml")
    manifest = pq.read_table(tmp_path / done["folder"] / "release" / "manifest.parquet").to_pylist()
    found: dict[str, list[float]] = {}
    for row in manifest:
        found.setdefault(row["split"], []).append(row["tenengrad"])
    assert found["validation"][0] > max(found["train"])
    assert found["test"][0] < min(found["train"])
