"""`plan` and `run` warn of a source that is too small for the recipe, or that is a known test set."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_tools import groundglass, run_json

from groundglass import testing


def images(folder: Path, count: int, *sizes: tuple[int, int]) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        width, height = sizes[number % len(sizes)]
        (folder / f"{number:03}.png").write_bytes(testing.png(testing.photo(width, height, number)))


def recipe(tmp_path: Path, folder: str, *steps: str) -> str:
    lines = [
        "name: small",
        "steps:",
        f"  - source: {{folder: {folder}, licence: CC0-1.0}}",
        "    name: photos",
    ]
    (tmp_path / "small.yaml").write_text("\n".join([*lines, *(f"  - {step}" for step in steps), ""]))
    return "small.yaml"


def planned(tmp_path: Path, folder: str, *steps: str) -> str:
    done = groundglass(tmp_path, "plan", recipe(tmp_path, folder, *steps))
    return " ".join(done.stdout.split())


TILES = "transform: {tile: 512}"
RELEASE = "release: {format: folder}"


def test_a_known_set_that_is_too_small_for_the_tiles_is_named(tmp_path: Path):
    images(tmp_path / "img_align_celeba", 4, (178, 218))
    said = planned(tmp_path, "img_align_celeba", TILES)
    expected = (
        "photos: all 4 images are too small for tiles of 512 px (median 178 × 218 px); it looks like CelebA"
    )
    assert expected in said


def test_an_unknown_set_is_warned_of_by_its_sizes_alone_and_not_named(tmp_path: Path):
    images(tmp_path / "mine", 3, (178, 218), (178, 218), (600, 520))
    said = planned(tmp_path, "mine", TILES)
    assert (
        "photos: 2 of 3 images are too small for tiles of 512 px (median 178 × 218 px); cut smaller" in said
    )
    assert "looks like" not in said


@pytest.mark.parametrize("sizes", [((512, 512),), ((600, 520), (178, 218))])
def test_nothing_is_said_where_at_least_half_the_images_are_large_enough(
    tmp_path: Path, sizes: tuple[tuple[int, int], ...]
):
    images(tmp_path / "celeba", 4, *sizes)
    said = planned(tmp_path, "celeba", TILES)
    assert "too small for tiles" not in said


def test_nothing_is_said_of_a_source_without_tiles_or_a_known_name(tmp_path: Path):
    images(tmp_path / "mine", 4, (178, 218))
    assert "note:" not in planned(tmp_path, "mine", "measure: [header]")


def test_a_known_small_set_is_named_without_tiles_too(tmp_path: Path):
    images(tmp_path / "celeba", 4, (178, 218))
    said = planned(tmp_path, "celeba", "measure: [header]")
    assert "photos: it looks like CelebA, and its images are 178 × 218 px: smaller than the 256 px" in said


def test_tiles_that_only_some_images_are_cut_into_are_no_warning(tmp_path: Path):
    images(tmp_path / "mine", 4, (178, 218))
    said = planned(tmp_path, "mine", "measure: [header]", "{transform: {tile: 512}, if: width >= 512}")
    assert "too small for tiles" not in said


def test_a_test_set_to_train_on_is_a_warning_unless_the_recipe_keeps_it_out(tmp_path: Path):
    images(tmp_path / "Set5", 5, (60, 50))
    assert "photos: it looks like the test set Set5, of 5 images" in planned(
        tmp_path, "Set5", "measure: [header]"
    )
    assert "it looks like" not in planned(tmp_path, "Set5", "select: {decontaminate: all}")
    assert "it looks like" not in planned(tmp_path, "Set5", "select: {decontaminate: Set5}")
    assert "it looks like" in planned(tmp_path, "Set5", "select: {decontaminate: Set14}")


def test_a_run_says_it_before_the_work_and_keeps_it(tmp_path: Path):
    images(tmp_path / "celeba", 4, (178, 218))
    name = recipe(tmp_path, "celeba", "transform: {tile: 512}", "measure: [header]")
    done = groundglass(tmp_path, "run", name)
    said = " ".join(done.stderr.split())
    assert "note: photos: all 4 images are too small for tiles of 512 px" in said
    assert done.returncode == 4  # and the run says that nothing is left
    shown = groundglass(tmp_path, "show", "small", "--json")
    assert "too small for tiles of 512 px" in shown.stdout


def test_a_run_of_an_ordinary_folder_says_nothing(tmp_path: Path):
    images(tmp_path / "photos", 4, (160, 130))
    told = run_json(tmp_path, recipe(tmp_path, "photos", "transform: {tile: 64}", "measure: [header]"))
    assert told["steps"][0]["notes"] == []
