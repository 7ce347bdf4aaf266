"""Folders become profiles and judged sources, and recipes drop whole sources."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "flows"))
from flow_tools import groundglass, groundglass_process, make_photos, run_json, steps

from groundglass import testing
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.image.encode import encode_jpeg
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.blockiness.blockiness import MEASURE, blockiness_of
from groundglass.plans.measure_folders import (
    PROFILED,
    Workshop,
    find_reference,
    measure_folder,
    profile_folder,
)
from groundglass.plans.source_quality import judge_folder
from groundglass.source_quality.clean_profile import Profile, load_profile
from groundglass.source_quality.divergence import divergence_sums, estimate, source_quality
from groundglass.source_quality.kernel_density import sample_of
from shared_data import shared

DF2K = load_profile("df2k")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "store", Settings(engine="inline"), ImageLimits(), lambda _title: Silent())


def test_bsds_photographs_are_jpegs_of_quality_95(shop: Workshop):
    found = judge_folder(str(shared("train_photos", "bsds500")), DF2K, shop).quality
    assert found.quality == pytest.approx(0.95, abs=0.005)
    assert found.images == 200


def test_clean_photographs_are_clean(shop: Workshop):
    found = judge_folder(str(shared("train_photos", "cid22")), DF2K, shop).quality
    assert found.quality == pytest.approx(1.00, abs=0.005)
    assert found.blocky == pytest.approx(0, abs=0.01)


def test_clean_photographs_reencoded_at_75_have_quality_75():
    files = sorted(shared("train_photos", "cid22").rglob("*.png"))
    values = [blockiness_of(open_frame(encode_jpeg(open_frame(file).rgb, 75)).grid_luma) for file in files]
    sums = divergence_sums(sample_of(values).below(300), DF2K)
    assert estimate(sums, DF2K) == pytest.approx(0.75, abs=0.01)
    assert source_quality(sample_of(values), DF2K).quality == pytest.approx(0.75, abs=0.01)


def test_a_folder_becomes_a_profile(tmp_path: Path, shop: Workshop):
    make_photos(tmp_path / "photos")
    profile = profile_folder(str(tmp_path / "photos"), shop)
    assert (profile.name, profile.measure) == ("photos", PROFILED)
    # 19 files: one is no picture, one is cut short, one is there twice
    assert [sample.size for sample in profile.samples.values()] == [16] * 5
    medians = [sample.median() for sample in profile.samples.values()]
    assert medians == sorted(medians)
    rgb = open_frame(tmp_path / "photos" / "03.png").rgb
    expected = blockiness_of(open_frame(encode_jpeg(rgb, 75)).grid_luma)
    assert np.isclose(profile.samples[0.75].values, expected).any()


def test_a_second_look_measures_only_what_is_new(tmp_path: Path, shop: Workshop):
    make_photos(tmp_path / "photos", 4)
    first = measure_folder(str(tmp_path / "photos"), MEASURE, "", shop)
    parts = {p.name: p.read_bytes() for p in shop.store.rglob("part-*.parquet") if p.name != "part-0.parquet"}
    assert measure_folder(str(tmp_path / "photos"), MEASURE, "", shop).equals(first)
    after = {p.name: p.read_bytes() for p in shop.store.rglob("part-*.parquet") if p.name != "part-0.parquet"}
    assert after == parts
    (tmp_path / "photos" / "new.png").write_bytes(testing.png(testing.photo(90, 90, 77)))
    assert measure_folder(str(tmp_path / "photos"), MEASURE, "", shop).num_rows == first.num_rows + 1


def test_bad_pictures_are_rows(tmp_path: Path, shop: Workshop):
    make_photos(tmp_path / "photos", 4)
    (tmp_path / "photos" / "flat.png").write_bytes(testing.png(testing.flat(64, 64)))
    rows = measure_folder(str(tmp_path / "photos"), MEASURE, "", shop).to_pylist()
    assert sorted(row["error"] for row in rows if row["error"]) == ["flat", "not_an_image", "truncated"]
    assert all((row["blockiness"] is None) == bool(row["error"]) for row in rows)


def test_references(tmp_path: Path, shop: Workshop):
    assert find_reference("df2k", shop).digest == DF2K.digest
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="no image of the reference"):
        find_reference(str(tmp_path / "empty"), shop)
    with pytest.raises(RecipeError, match="there is no folder"):
        find_reference(str(tmp_path / "gone"), shop)


def many(folder: Path, count: int, quality: int | None = None) -> Path:
    """Small soft pictures, each another, so that little noise hides the blocks; JPEGs where a quality is given."""
    folder.mkdir(parents=True)
    for seed in range(count):
        sharp = testing.photo(136, 128, seed if quality is None else 1000 + seed)
        rgb = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 2.0), np.uint8)
        content = testing.png(rgb) if quality is None else testing.jpeg(rgb, quality=quality, subsampling=2)
        (folder / f"{seed:03}.{'png' if quality is None else 'jpg'}").write_bytes(content)
    return folder


def ask(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = groundglass(folder, "source-quality", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["sources"]


def test_the_command_judges_by_a_reference_of_ones_own(tmp_path: Path):
    many(tmp_path / "clean", 160)
    many(tmp_path / "scraped", 40, quality=75)
    (sources, again) = (
        ask(tmp_path, "scraped", "--reference", "clean", "--save-profile", "mine.json", "--store", "kept"),
        ask(tmp_path, "scraped", "--reference", "mine.json"),
    )
    assert set(sources[0]) >= {"source", "quality", "ci95", "mixture", "images", "abstained"}
    assert sources[0]["source"] == "scraped"
    assert sources[0]["quality"] == pytest.approx(0.75, abs=0.05)
    assert sources[0]["mixture"]["0.75"] > 0.6
    assert again[0]["quality"] == pytest.approx(sources[0]["quality"], abs=0.01)
    table = groundglass(tmp_path, "source-quality", "scraped", "--reference", "mine.json")
    assert "scraped" in table.stdout
    assert "at 0.75" in table.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "kept", "mine.json", "scraped"]


def test_the_command_refuses_three_images_and_says_why(tmp_path: Path):
    many(tmp_path / "few", 3)
    done = groundglass_process(tmp_path, "source-quality", "few", "--json")
    assert done.returncode == 0, done.stderr
    (source,) = json.loads(done.stdout)["sources"]
    assert (source["quality"], source["images"], source["failed"]) == (None, 3, 0)
    assert source["abstained"] == "3 values below 300, at least 30 are needed"
    shown = groundglass(tmp_path, "source-quality", "few")
    assert "3 values below 300, at least 30 are needed" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone"], "there is no folder"),
        (["few", "--reference", "gone"], "there is no folder"),
        (["few", "--reference", "notes.txt"], "is not a profile"),
        (["few", "--reference", "old.json"], "this version measures"),
    ],
)
def test_wrong_arguments_end_with_2(tmp_path: Path, arguments: list[str], said: str):
    from groundglass.source_quality.clean_profile import save_profile

    many(tmp_path / "few", 1)
    (tmp_path / "notes.txt").write_text("no profile")
    save_profile(Profile("old", "blockiness-0", DF2K.samples), tmp_path / "old.json")
    done = groundglass(tmp_path, "source-quality", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


RECIPE = """
name: sourced
steps:
  - source: {folder: clean}
    name: clean
  - source: {folder: scraped}
    name: scraped
  - source: {folder: few}
    name: few
  - measure: [{blockiness: {as: my_}}]
  - transform: {tile: 64}
  - select: {source_divergence: {reference: REFERENCE, least: 0.9}}
    name: sources
"""


def test_a_recipe_drops_whole_sources(tmp_path: Path):
    many(tmp_path / "clean", 160)
    many(tmp_path / "scraped", 40, quality=75)
    many(tmp_path / "few", 3, quality=60)
    (tmp_path / "a.yaml").write_text(RECIPE.replace("REFERENCE", "clean"))
    plan = groundglass(tmp_path, "plan", "a.yaml")
    assert "re-encoded at 4 qualities" in plan.stdout + plan.stderr
    assert not (tmp_path / "runs").exists()
    done = steps(run_json(tmp_path, "a.yaml"))["sources"]
    assert (done["in"], done["out"], done["dropped"], done["failed"]) == (4 * 203, 4 * 163, 4 * 40, 0)
    assert done["notes"] == ["source few: quality unknown: 3 values below 300, at least 30 are needed; kept"]
    assert next(iter(done["reasons"])).startswith("source scraped: quality 0.7")
    assert done["facts"]["source_qualities"]["clean"]["images"] == 160
    lock = json.loads((tmp_path / "runs/sourced/0001/recipe.lock").read_text())
    assert len(lock["profiles"]["clean"]) == 64
    why = groundglass(tmp_path, "why", "runs/sourced/0001", "007.jpg#crop(64,0,64,64)").stdout
    assert "source scraped: quality" in why
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "a.yaml").write_text(
        RECIPE.replace("{reference: REFERENCE, least: 0.9}", "{reference: df2k, unknown: drop}")
    )
    assert "few: quality unknown" in str(steps(run_json(tmp_path, "a.yaml"))["sources"]["reasons"])


@pytest.mark.parametrize(
    ("old", "new", "said", "word"),
    [
        ("[{blockiness: {as: my_}}]", "[header]", "needs the blockiness of the photos", "source_divergence"),
        ("{as: my_}", "{search_phases: true}", "needs the blockiness", "source_divergence"),
        ("REFERENCE", "gone", "there is no folder", "gone"),
        ("REFERENCE", "small.json", "the reference has 3 values, at least 150 are needed", "small.json"),
        ("REFERENCE", "old.json", "this version measures", "old.json"),
        ("reference: REFERENCE, ", "", "needs `reference`", ""),
        ("least: 0.9", "least: 95", "`least` must be a number from 0 to 1", "95"),
        ("least: 0.9", "leest: 0.9", "did you mean `least`?", "leest"),
        ("0.9}}", "0.9}, by: x}", "`by` has no meaning with `source_divergence`", "by"),
        ("least: 0.9", "unknown: dorp", "did you mean `drop`?", "dorp"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_pointed_at(tmp_path: Path, old: str, new: str, said: str, word: str):
    from groundglass.source_quality.clean_profile import save_profile

    for name in ("clean", "scraped", "few"):
        (tmp_path / name).mkdir()
    small = {quality: sample_of([1.0, 2.0, 3.0]) for quality in DF2K.samples}
    save_profile(Profile("small", PROFILED, small), tmp_path / "small.json")
    save_profile(Profile("old", "blockiness-0", DF2K.samples), tmp_path / "old.json")
    assert old in RECIPE
    (tmp_path / "a.yaml").write_text(RECIPE.replace(old, new).replace("REFERENCE", "df2k"))
    done = groundglass(tmp_path, "plan", "a.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    place, line = done.stderr.splitlines()[:2]
    if word:
        column = int(place.split(":")[2])
        assert line.partition("| ")[2][column - 1 :].startswith(word)


def test_the_plan_warns_of_what_was_selected_before(tmp_path: Path):
    for name in ("clean", "scraped", "few"):
        many(tmp_path / name, 1)
    text = RECIPE.replace("  - transform", '  - select: {where: "my_blockiness < 30"}\n  - transform')
    (tmp_path / "a.yaml").write_text(text.replace("REFERENCE", "df2k"))
    said = groundglass(tmp_path, "plan", "a.yaml")
    assert "selects by blockiness: sources are judged by the images that it kept" in said.stdout + said.stderr
