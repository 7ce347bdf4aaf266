"""A whole run: what it counts, what it writes, what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import (
    RECIPE,
    fingerprint_of,
    groundglass,
    make_photos,
    run_json,
    run_json_process,
    steps,
    store_rows,
    tables,
    write_recipe,
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with pictures, a recipe and one finished run."""
    folder = tmp_path_factory.mktemp("work")
    make_photos(folder / "photos")
    write_recipe(folder)
    run_json(folder, "small.yaml")
    return folder


@pytest.fixture(scope="module")
def shown(work: Path) -> dict:
    done = groundglass(work, "show", "small", "--json")
    return json.loads(done.stdout)


def test_every_file_is_counted_and_none_is_lost(shown: dict):
    assert (shown["name"], shown["state"]) == ("small", "done")
    found = steps(shown)
    assert (found["photos"]["in"], found["photos"]["out"], found["photos"]["failed"]) == (19, 18, 1)
    assert found["photos"]["reasons"] == {"not_an_image": 1}
    assert found["scores"]["reasons"] == {"truncated": 1}
    for step in shown["steps"]:
        if step["kind"] in ("source", "measure", "select", "release"):
            assert step["in"] == step["out"] + step["dropped"] + step["failed"], step
    before = found["photos"]["out"]
    for name in ("scores", "clean", "unique", "best"):
        assert found[name]["in"] == before
        before = found[name]["out"]


def test_planted_faults_are_caught_each_by_its_gate(shown: dict):
    found = steps(shown)
    assert found["clean"]["dropped"] == 1
    assert found["unique"]["dropped"] == 2
    assert found["held"]["held_out"] == 1
    assert found["tiles"]["out"] == 8 * 4


def test_the_users_photographs_are_untouched(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    before = fingerprint_of(tmp_path / "photos")
    run_json(tmp_path, "small.yaml")
    assert fingerprint_of(tmp_path / "photos") == before


def test_a_changed_threshold_opens_the_next_number_and_measures_nothing(work: Path):
    known = store_rows(work / "runs" / "small" / "0001")
    result = run_json(work, "small.yaml", "--set", "steps.clean.select.where=blockiness < 25")
    assert result["number"] > 1
    found = steps(result)
    assert found["photos"]["cached"] == 19
    assert found["scores"]["cached"] == found["scores"]["in"]
    assert store_rows(work / "runs" / "small" / "0001") == known


def test_new_files_cost_only_themselves(work: Path):
    from groundglass import testing

    (work / "photos" / "zz.png").write_bytes(testing.png(testing.photo(160, 130, 77)))
    found = steps(run_json(work, "small.yaml"))
    assert found["photos"]["cached"] == 19
    assert found["scores"]["in"] - found["scores"]["cached"] == 1


def test_two_runs_of_the_same_come_out_the_same(work: Path, tmp_path: Path):
    """Here, and in a process of its own with three workers."""
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    run_json_process(tmp_path, "small.yaml", "--workers", "3")
    here, there = (tables(folder / "runs" / "small" / "0001") for folder in (work, tmp_path))
    assert here.keys() == there.keys()
    for table in here:
        if not table.startswith("images"):  # paths and times of change differ
            assert here[table] == there[table], table


def test_why_tells_the_gate_the_value_and_the_limit(work: Path):
    story = json.loads(groundglass(work, "why", "runs/small/0001", "blocky.jpg", "--json").stdout)
    assert story["fate"] == "dropped"
    assert story["verdicts"][-1]["step"] == "clean"
    assert "limit 30" in story["verdicts"][-1]["reason"]
    assert story["verdicts"][-1]["margin"] < 0
    assert story["measures"]["blockiness"] > 30
    said = groundglass(work, "why", "runs/small/0001", "blocky.jpg").stdout
    assert "dropped at clean: blockiness" in said
    assert "jpeg_quality 20" in said


def test_why_knows_files_that_are_no_pictures_and_near_misses(work: Path):
    assert "not_an_image" in groundglass(work, "why", "runs/small/0001", "page.jpg").stdout
    assert "truncated" in groundglass(work, "why", "runs/small/0001", "broken.png").stdout
    wrong = groundglass(work, "why", "runs/small/0001", "blocki.jpg")
    assert wrong.returncode == 2
    assert "Did you mean 'blocky.jpg'?" in wrong.stderr


def test_why_tells_of_a_tile(work: Path):
    manifest = (work / "runs" / "small" / "0001" / "release" / "scores.csv").read_text().splitlines()
    assert len(manifest) > 10
    story = json.loads(groundglass(work, "why", "runs/small/0001", "03.png#crop(0,0,64,64)", "--json").stdout)
    assert story["region"] == "crop(0,0,64,64)"
    assert {"tenengrad", "laplacian_variance"} <= story["measures"].keys()
    assert "blockiness" in story["root"]


def test_why_knows_a_released_file_by_its_name_or_path(work: Path):
    release = work / "runs/small/0001/release"
    row = next(
        row for row in pq.read_table(release / "manifest.parquet").to_pylist() if row["split"] == "train"
    )
    for name in (row["file"], str((release / row["file"]).relative_to(work))):
        story = json.loads(groundglass(work, "why", "runs/small/0001", name, "--json").stdout)
        assert (story["id"], story["fate"]) == (row["id"], "kept")
    last = groundglass(work, "why", "runs/small/0001", Path(row["file"]).name, "--json")
    assert row["id"] in last.stdout + last.stderr, "an LR of another split may have this name too"


def test_the_report_is_there_and_needs_no_network(work: Path):
    page = (work / "runs" / "small" / "0001" / "report" / "index.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_run_of_nothing_says_so(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    write_recipe(tmp_path)
    done = groundglass(tmp_path, "run", "small.yaml")
    assert done.returncode == 4
    assert done.stderr.endswith("nothing was released: the sources contain no image\n")
    assert "nothing was left to write" in done.stdout


def test_too_many_failures_end_with_4_after_everything_is_done(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    done = groundglass(tmp_path, "run", "small.yaml", "--max-failed", "5%")
    assert done.returncode == 4
    assert "2 of 19 images failed" in done.stderr
    assert (tmp_path / "runs" / "small" / "0001" / "release" / "SHA256SUMS").exists()


def test_limit_takes_the_first_files_only(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    assert steps(run_json(tmp_path, "small.yaml", "--limit", "12"))["photos"]["in"] == 12


def test_rows_that_if_leaves_out_pass(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(
        tmp_path, RECIPE.replace("    name: clean\n", "    name: clean\n    if: \"format <> 'JPEG'\"\n")
    )
    assert steps(run_json(tmp_path, "small.yaml"))["clean"]["dropped"] == 0


def test_tiles_of_one_photograph_are_no_copies_of_each_other(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(
        tmp_path,
        "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [sharpness]\n  - transform: {tile: 64}\n"
        "  - select: {deduplicate: exact}\n    name: unique\n",
    )
    found = steps(run_json(tmp_path, "small.yaml"))["unique"]
    assert found["dropped"] == 4  # those of twice.png, which is 00.png again


def test_scores_made_elsewhere_select(tmp_path: Path):
    make_photos(tmp_path / "photos")
    (tmp_path / "scores.csv").write_text("uri,beauty\n00.png,.9\n01.png,.8\n02.png,.1\n")
    write_recipe(
        tmp_path,
        "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [{table: scores.csv, key: uri}]\n"
        "  - select: {where: 'beauty > .5'}\n    name: fine\n",
    )
    found = steps(run_json(tmp_path, "small.yaml"))["fine"]
    assert (found["out"], found["failed"]) == (2, 0)


def test_a_file_that_changes_between_listing_and_reading_is_a_row(tmp_path: Path):
    """The listing of an interrupted run is kept; what has changed since is said, not guessed."""
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    run_json(tmp_path, "small.yaml")
    run = tmp_path / "runs" / "small" / "0001"
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"state": "interrupted"}))
    import shutil

    shutil.rmtree(tmp_path / "runs" / "small" / "store")
    shutil.rmtree(run / "release")
    (tmp_path / "photos" / "03.png").write_bytes((tmp_path / "photos" / "04.png").read_bytes())
    (tmp_path / "photos" / "05.png").unlink()
    result = run_json(tmp_path, "small.yaml")
    assert result["number"] == 1
    assert steps(result)["scores"]["reasons"] == {"changed": 1, "truncated": 1, "vanished": 1}


def test_what_failed_is_tried_again_when_asked(tmp_path: Path):
    """A cut-off file is known to be broken; `--retry failed` reads it again."""
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    run_json(tmp_path, "small.yaml")
    change = ["--set", "seed=4"]
    quiet = steps(run_json(tmp_path, "small.yaml", *change))
    assert quiet["scores"]["cached"] == quiet["scores"]["in"]
    again = steps(run_json(tmp_path, "small.yaml", "--set", "seed=5", "--retry", "failed"))
    assert again["photos"]["in"] - again["photos"]["cached"] == 1
    assert again["scores"]["in"] - again["scores"]["cached"] == 1


def test_nothing_like_a_held_out_picture_stays_in_the_set(tmp_path: Path):
    """The copy and the mirrored version of a picture never end up on both sides, whichever way they are held out."""
    import pyarrow.parquet as pq

    make_photos(tmp_path / "photos", 6)
    for who in ("next: 4, by: tenengrad", "count: 3, by: tenengrad", "count: 3"):
        write_recipe(
            tmp_path,
            "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [sharpness]\n"
            f"  - select: {{top_k: 5, by: tenengrad}}\n  - hold_out: {{validation: {{{who}}}}}\n    name: held\n"
            "  - release: {format: folder, allow_unknown_licence: true}\n",
        )
        result = run_json(tmp_path, "small.yaml")
        release = tmp_path / "runs" / "small" / f"{result['number']:04d}" / "release"
        splits: dict[str, set[str]] = {}
        for row in pq.read_table(release / "manifest.parquet").to_pylist():
            for alike in ({"00.png", "twice.png"}, {"01.png", "mirrored.png"}):
                if row["uri"] in alike:
                    splits.setdefault(min(alike), set()).add(row["split"])
        assert all(len(found) == 1 for found in splits.values()), (who, splits)
