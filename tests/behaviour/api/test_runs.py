"""A run opened in Python: its steps, tables and stories are those of `show --json` and `why --json`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow.parquet as pq
import pytest
from flow_tools import RECIPE, make_photos
from flow_tools import groundglass as command

import groundglass
from groundglass import testing
from groundglass.errors import ImageError, RecipeError, UnreachableError

MIXED = """
name: mixed
seed: 3
steps:
  - source: {folder: photos}
    name: photos
  - source: {table: more.csv, path: file, where: "stars > 1"}
    name: more
  - measure: [sharpness, blockiness]
    name: scores
  - transform: {tile: 64}
    if: source = 'photos'
    name: tiles
  - measure: [sharpness, noise]
    name: again
  - select: {where: "root.blockiness < 30"}
    name: clean
  - transform: {multiscale: [1.0, 0.5], shortest_edge: 32}
    name: scales
  - measure: [sharpness]
    name: last
  - split: {validation: 20%}
    name: split
  - release: {format: folder, allow_unknown_licence: true}
    name: release
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs and what they were made of."""
    place = tmp_path_factory.mktemp("runs")
    make_photos(place / "photos")
    (place / "photos" / "flat.png").write_bytes(testing.png(testing.flat(160, 130)))
    make_photos(place / "more", count=4, size=(100, 90))
    lines = [f"more/{file.name},{place}" for place, file in enumerate(sorted((place / "more").glob("0*")))]
    (place / "more.csv").write_text("\n".join(["file,stars", *lines, "more/broken.png,4", ""]))
    with contextlib.chdir(place), pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "GROUNDGLASS_ENGINE", "inline")
        groundglass.run(RECIPE)
        groundglass.run(MIXED)
    return place


@pytest.fixture(params=["small", "mixed"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def run(folder: Path, name: str) -> groundglass.Run:
    return groundglass.open_run(name, folder / "runs")


def test_a_run_opens_by_its_folder_and_by_its_recipe(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    for word in ("small", "runs/small", "runs/small/0001", folder / "runs" / "small" / "0001"):
        assert groundglass.open_run(word).folder.resolve() == folder / "runs" / "small" / "0001"
    with pytest.raises(RecipeError, match="there is no run smal") as error:
        groundglass.open_run("smal")
    assert "Did you mean 'small'?" in error.value.message


def test_steps_are_those_of_show(folder: Path, name: str, run: groundglass.Run):
    said = json.loads(command(folder, "show", name, "--json").stdout)
    assert json.loads(json.dumps([step.shown() for step in run.steps])) == said["steps"]
    assert (run.name, run.number, run.state) == (said["name"], said["number"], said["state"])


def test_rows_are_as_many_as_left_each_step(run: groundglass.Run):
    for step in run.steps:
        rows = run.rows(step.step)
        assert rows.num_rows == step.out, step
        assert len(set(rows["id"].to_pylist())) == step.out


def test_images_are_one_row_for_each_file(run: groundglass.Run):
    images = run.images()
    assert images.num_rows == sum(step.into for step in run.steps if step.kind == "source")
    assert len(set(images["id"].to_pylist())) == images.num_rows
    assert set(images["fate"].to_pylist()) <= {"kept", "dropped", "failed", "held out"}


def test_every_image_s_story_is_that_of_why(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    run = groundglass.open_run(name)
    names = [*run.images()["id"].to_pylist(), *run.rows(run.steps[-1].step)["id"].to_pylist()[:5], "page.jpg"]
    for image in names if name == "small" else names[::5]:
        said = command(folder, "why", name, image, "--json")
        if said.returncode == 0:
            assert run.why(image) == json.loads(said.stdout)
        else:
            with pytest.raises(RecipeError) as error:
                run.why(image)
            assert error.value.message in said.stderr


def test_images_agree_with_their_stories(run: groundglass.Run):
    for row in run.images().to_pylist():
        story = run.why(row["id"])
        assert story["fate"] == row["fate"]
        for column, value in story["measures"].items():
            assert row[column] == value
        left = [verdict for verdict in story["verdicts"] if not verdict["kept"]]
        if left:
            assert (row["left_at"], row["reason"]) == (left[-1]["step"], left[-1]["reason"])


def test_values_of_rows_are_those_of_their_stories(run: groundglass.Run):
    for step in run.steps:
        if step.kind in ("source", "release"):
            continue
        for row in run.rows(step.step).to_pylist()[::7]:
            measures = run.why(row["id"])["measures"]
            own = [name for name in row if name in measures and name not in ("width", "height")]
            assert {column: row[column] for column in own} == {column: measures[column] for column in own}
            assert row["error"] is None or row["error"].partition(":")[0] in run.why(row["id"])["errors"]


def test_rows_carry_what_was_measured_by_then_and_nothing_later(folder: Path):
    run = groundglass.open_run("small", folder / "runs")
    assert "tenengrad" not in run.rows("photos").column_names
    assert {"tenengrad", "blockiness", "error"} <= set(run.rows("clean").column_names)
    tiles = run.rows("tiles").column_names
    assert "root.blockiness" in tiles
    assert "tenengrad" not in tiles
    assert {"tenengrad", "root.tenengrad"} <= set(run.rows("tile-scores").column_names)
    assert not {"phash", "root.phash"} & set(run.rows("release").column_names), "hashes are for the program"


def test_values_of_the_photo_and_of_the_rows_between_are_beside_a_tile(folder: Path):
    run = groundglass.open_run("mixed", folder / "runs")
    photos = {row["id"]: row for row in run.rows("scores").to_pylist()}
    between = {row["id"]: row for row in run.rows("again").to_pylist()}
    rows = run.rows("last").to_pylist()
    assert {"noise_sigma"} == {name.partition(".")[2] for name in rows[0] if name == "parent.noise_sigma"}
    for row in rows:
        assert row["root.tenengrad"] == photos[row["root"]]["tenengrad"]
        if row["parent"] in between:
            assert row["parent.noise_sigma"] == between[row["parent"]]["noise_sigma"]


def test_a_value_that_is_not_there_has_its_reason(folder: Path):
    run = groundglass.open_run("mixed", folder / "runs")
    (flat,) = (row for row in run.rows("scores").to_pylist() if row["uri"] == "flat.png")
    assert flat["blockiness"] is None
    assert flat["tenengrad"] == 0
    assert flat["error"] == "blockiness: flat"
    images = {row["uri"]: row for row in run.images().to_pylist() if row["source"] == "photos"}
    assert images["flat.png"]["error"] == "blockiness: flat"
    assert images["page.jpg"]["error"] == "not_an_image"
    assert images["broken.png"]["fate"] == "failed"


def test_verdicts_are_one_row_for_each_row_judged(run: groundglass.Run):
    names = [step.step for step in run.steps]
    for before, step in zip([None, *names], run.steps, strict=False):
        verdicts = run.verdicts(step.step)
        judged = verdicts["id"].to_pylist()
        assert len(judged) == len(set(judged))
        assert verdicts["uri"].null_count == 0
        if step.kind == "select":
            assert before is not None
            assert set(judged) == set(run.rows(before)["id"].to_pylist())
            assert sum(verdicts["kept"].to_pylist()) == step.out
        stored = run.folder / "selections" / f"{step.step}.parquet"
        if stored.exists():
            columns = ["id", "kept", "failed", "reason", "margin"]
            assert verdicts.select(columns).to_pylist() == pq.read_table(stored).to_pylist()


def test_an_unknown_step_says_the_nearest(run: groundglass.Run):
    for table in (run.rows, run.verdicts):
        with pytest.raises(RecipeError, match="this run has no step 'scores1'") as error:
            table("scores1")
        assert "Did you mean 'scores'?" in error.value.message
        assert "release" in error.value.hint


def test_a_release_s_rows_have_their_split_and_file(run: groundglass.Run):
    (release,) = run.releases
    rows = run.rows("release").to_pylist()
    assert all((release / row["file"]).is_file() for row in rows)
    assert {row["split"] for row in rows} == {path.name for path in release.iterdir() if path.is_dir()}
    for row in rows[:5]:
        assert np.array_equal(run.open(row["id"]).rgb, groundglass.open_image(release / row["file"]).rgb)


def test_tables_open_in_pandas_and_polars(run: groundglass.Run):
    for table in (run.images(), run.rows("release"), run.verdicts("clean")):
        assert isinstance(table.to_pandas(), pandas.DataFrame)
        frame = polars.from_arrow(table)
        assert isinstance(frame, polars.DataFrame)
        assert frame.to_arrow().num_rows == table.num_rows


def test_an_image_that_changed_since_is_not_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_photos(tmp_path / "photos", count=3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inline")
    run = groundglass.run(
        {"name": "two", "steps": [{"source": {"folder": "photos"}}, {"measure": ["noise"]}]}
    )
    assert run.open("00.png").rgb.shape == (130, 160, 3)
    (tmp_path / "photos" / "00.png").write_bytes((tmp_path / "photos" / "01.png").read_bytes())
    with pytest.raises(ImageError) as error:
        run.open("00.png")
    assert error.value.reason == "changed"


def test_a_run_without_its_store_or_release_still_opens(folder: Path, tmp_path: Path):
    shutil.copytree(folder / "runs" / "small" / "0001", tmp_path / "0001")
    shutil.rmtree(tmp_path / "0001" / "release")
    run = groundglass.open_run(tmp_path / "0001")
    rows = run.rows("release")
    assert rows.num_rows == groundglass.open_run("small", folder / "runs").rows("release").num_rows
    assert rows["split"].null_count == rows.num_rows
    assert "tenengrad" not in rows.column_names
    assert run.images().num_rows == 20
    assert run.releases == ()


def test_a_damaged_table_is_an_error_of_the_tree(folder: Path, tmp_path: Path):
    shutil.copytree(folder / "runs" / "small" / "0001", tmp_path / "0001")
    (tmp_path / "0001" / "selections" / "clean.parquet").write_bytes(b"no table")
    with pytest.raises(UnreachableError):
        groundglass.open_run(tmp_path / "0001").verdicts("clean")
    (tmp_path / "0001" / "run.json").write_text("{")
    with pytest.raises(RecipeError):
        groundglass.open_run(tmp_path / "0001")
