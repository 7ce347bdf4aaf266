"""A run leaves as a dataset of FiftyOne, and the tags that people gave come back as columns of a recipe."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from flow_tools import groundglass, make_photos, run_json, steps, write_recipe

from groundglass import testing

SIMPLE = """
name: small
steps:
  - source: {folder: photos}
    name: photos
  - measure: [blockiness, sharpness]
  - select: {where: "blockiness < 30"}
    name: clean
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_photos(tmp_path / "photos", count=4)
    return tmp_path


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose run has left as `small.json`, for tests that change neither."""
    folder = tmp_path_factory.mktemp("left")
    make_photos(folder / "photos", count=4)
    exported(folder)
    return folder


def exported(folder: Path, recipe: str = SIMPLE) -> dict[str, Any]:
    run_json(folder, write_recipe(folder, recipe).name)
    done = groundglass(folder, "export", "small", "--format", "fiftyone", "-o", "small.json")
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "small.json").read_text())


def by_uri(dataset: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {sample["uri"]: sample for sample in dataset["samples"]}


def test_each_photo_is_a_sample_with_its_fate_values_and_whole_path(left: Path):
    samples = by_uri(json.loads((left / "small.json").read_text()))
    assert set(samples) == {path.name for path in (left / "photos").iterdir()}
    assert samples["00.png"]["tags"] == ["kept"]
    assert samples["00.png"]["filepath"] == str((left / "photos/00.png").absolute())
    assert (samples["00.png"]["metadata"]["width"], samples["00.png"]["metadata"]["height"]) == (160, 130)
    assert samples["00.png"]["reason"] is None
    blocky = samples["blocky.jpg"]
    assert (blocky["tags"], blocky["left_at"]) == (["dropped"], "clean")
    assert blocky["blockiness"] > 30
    assert blocky["reason"].startswith("blockiness")
    assert samples["broken.png"]["tags"] == ["failed", "truncated"]
    assert samples["page.jpg"]["tags"] == ["failed", "not_an_image"]
    assert samples["page.jpg"]["blockiness"] is None


def test_every_field_of_a_sample_is_declared_in_fiftyones_types(left: Path):
    dataset = json.loads((left / "small.json").read_text())
    assert (dataset["name"], dataset["media_type"]) == ("small-0001", "image")
    built_in = {"filepath", "tags", "metadata"}
    types = {f"fiftyone.core.fields.{kind}Field" for kind in ("String", "Float")}
    assert set(dataset["sample_fields"].values()) <= types
    for sample in dataset["samples"]:
        assert sample.keys() - built_in == dataset["sample_fields"].keys()
        for name, kind in dataset["sample_fields"].items():
            expected = str if "String" in kind else float
            assert sample[name] is None or isinstance(sample[name], expected)


def test_a_photo_is_kept_where_a_tile_of_it_is_in_the_set_and_held_out_where_it_was_held_out(folder: Path):
    make_photos(folder / "photos")
    recipe = (
        SIMPLE + "  - hold_out: {validation: {next: 3, by: tenengrad, pick: 1}}\n  - transform: {tile: 64}\n"
    )
    recipe = recipe.replace("  - hold_out", "  - select: {top_k: 8, by: tenengrad}\n  - hold_out")
    tags = [sample["tags"][0] for sample in exported(folder, recipe)["samples"]]
    assert tags.count("kept") == 8
    assert tags.count("held out") == 1


def test_photos_inside_an_archive_are_left_out_and_counted(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(testing.png(testing.photo(64, 64, 1)))
    with tarfile.open(tmp_path / "more.tar", "w") as tar:
        tar.add(tmp_path / "photos/a.png", "b.png")
    two = "name: small\nsteps:\n  - source: {folder: photos}\n  - source: {archive: more.tar}\n  - measure: [header]\n"
    run_json(tmp_path, write_recipe(tmp_path, two).name)
    done = groundglass(tmp_path, "export", "small", "-o", "small.json", "--json")
    said = json.loads(done.stdout)
    assert (said["samples"], said["left_out"]) == (1, {"inside another file": 1})
    only = "name: small\nsteps:\n  - source: {archive: more.tar}\n  - measure: [header]\n"
    run_json(tmp_path, write_recipe(tmp_path, only).name)
    refused = groundglass(tmp_path, "export", "small", "-o", "other.json")
    assert refused.returncode == 2
    assert "no image of this run has a file" in refused.stderr
    assert not (tmp_path / "other.json").exists()


def test_tags_come_back_and_a_recipe_selects_by_them(folder: Path):
    dataset = exported(folder)
    for sample in dataset["samples"]:
        if sample["uri"] in ("01.png", "03.png"):
            sample["tags"].append("too dark")
    dataset["samples"] = [sample for sample in dataset["samples"] if sample["uri"] != "00.png"]
    (folder / "tagged.json").write_text(json.dumps(dataset))
    done = groundglass(folder, "import-tags", "tagged.json", "small", "-o", "tags.jsonl")
    assert done.returncode == 0, done.stderr
    assert "too dark 2" in done.stdout
    second = SIMPLE + (
        "  - measure: [{table: tags.jsonl, key: uri}]\n"
        '  - select: {where: "tag_too_dark IS DISTINCT FROM true"}\n    name: looked-at\n'
    )
    told = steps(run_json(folder, write_recipe(folder, second).name))
    assert told["looked-at"]["dropped"] == 2  # 00.png, which nobody looked at, stays
    strict = second.replace('"tag_too_dark IS DISTINCT FROM true"', '"NOT tag_too_dark"')
    strictly = steps(run_json(folder, write_recipe(folder, strict).name))["looked-at"]
    assert (strictly["dropped"], strictly["reasons"]["tag_too_dark is unknown"]) == (3, 1)


def test_images_of_two_sources_with_one_uri_are_told_apart_by_id(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "00.png").write_bytes(testing.png(testing.photo(64, 64, ord(name))))
    two = "name: small\nsteps:\n  - source: {folder: a}\n  - source: {folder: b}\n  - measure: [header]\n"
    exported(tmp_path, two)
    done = groundglass(tmp_path, "import-tags", "small.json", "small", "-o", "tags.jsonl", "--json")
    assert json.loads(done.stdout)["key"] == "id"
    rows = [json.loads(line) for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    assert len({row["id"] for row in rows}) == 2


def test_a_dataset_of_ones_own_is_matched_by_path_and_foreign_samples_have_a_reason(left: Path):
    own = str((left / "photos/01.png").absolute())
    samples = [
        {"filepath": own, "tags": ["blurry"]},
        {"filepath": "/elsewhere/x.png", "tags": ["blurry"]},
        {"filepath": own, "tags": ["fine"]},
        {"filepath": own, "tags": "blurry"},
        {"filepath": own, "tags": [7]},
        {"filepath": 7, "tags": []},
        "no object",
        {"filepath": "\ud800", "tags": []},
        {"filepath": own, "tags": ["\ud800"]},
    ]
    (left / "own.json").write_text(json.dumps({"samples": samples}))
    done = groundglass(left, "import-tags", "own.json", "small", "-o", "own.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["tags"]) == (1, {"blurry": 1})
    assert [(fault["sample"], fault["reason"]) for fault in told["faults"]] == [
        (2, "not_in_run"),
        (3, "twice"),
        (4, "no_tags"),
        (5, "no_tags"),
        (6, "not_in_run"),
        (7, "not_an_object"),
        (8, "not_in_run"),
        (9, "no_tags"),
    ]
    assert json.loads((left / "own.jsonl").read_text()) == {
        "uri": "01.png",
        "tags": "blurry",
        "tag_blurry": True,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no list `samples`"),
        ('{"samples": 3}', "has no list `samples`"),
        ('{"samples": []}', "gives a row (it has none)"),
        ('{"samples": [{"filepath": "/x.png", "tags": []}]}', "gives a row (not_in_run 1)"),
    ],
)
def test_a_file_that_is_no_tagged_dataset_of_the_run_is_refused(left: Path, text: str, said: str):
    (left / "bad.json").write_text(text)
    done = groundglass(left, "import-tags", "bad.json", "small", "-o", "bad.jsonl")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (left / "bad.jsonl").exists()


def test_two_tags_that_would_share_a_column_are_refused(left: Path):
    dataset = json.loads((left / "small.json").read_text())
    dataset["samples"][0]["tags"] += ["a b", "a-b"]
    (left / "tagged.json").write_text(json.dumps(dataset))
    done = groundglass(left, "import-tags", "tagged.json", "small", "-o", "tags.jsonl")
    assert done.returncode == 2
    assert "tag_a_b" in done.stderr


def test_nothing_is_overwritten(left: Path):
    assert groundglass(left, "export", "small", "-o", "small.json").returncode == 2
    (left / "tags.jsonl").write_text("mine")
    done = groundglass(left, "import-tags", "small.json", "small", "-o", "tags.jsonl")
    assert done.returncode == 2
    assert (left / "tags.jsonl").read_text() == "mine"
