"""Pairs in the report: HQ and LQ at one size, the map on HQ, the verdict in words; and tiles without a thumbnail."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from browser_tools import wait
from groundglass import testing
from groundglass.plans.run_folder import RunFolder
from groundglass.reports.read_run import read_facts
from groundglass.reports.render import render_report
from groundglass.reports.sampling_note import notes_of
from groundglass.reports.single_file import render_single
from groundglass.reports.thumbnail_sheets import SheetSettings

sys.path.append(str(Path(__file__).parents[1] / "flows"))
from flow_tools import run_json

RECIPE = """
name: pairs
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [sharpness]
  - transform: {tile: 256}
  - transform:
      scale: 2
      degrade:
        - gaussian_blur: {sigma: 0.7}
        - scratches: {count: 2, width: 14, opacity: 0.9, specks: 0}
        - resize_by: {factor: 0.5, kernel: area, of: photo}
  - measure: [pair]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "photos").mkdir()
    for seed in range(2):
        random = np.random.default_rng(seed)
        noise = (random.normal(0, 40 * s, (256, 768, 3)) for s in (1, 2, 5, 12))
        planes: Any = sum(
            cv2.GaussianBlur(one, (0, 0), s) for one, s in zip(noise, (1, 2, 5, 12), strict=True)
        )
        photo = np.clip(planes + 128, 0, 255).astype(np.uint8)
        (folder / "photos" / f"{seed}.png").write_bytes(testing.png(photo))
    (folder / "pairs.yaml").write_text(RECIPE)
    run_json(folder, "pairs.yaml")
    return folder / "runs" / "pairs" / "0001"


@pytest.fixture
def page(run: Path, reader):
    return reader().open(run / "report" / "index.html")


def box(page, query: str) -> dict[str, float]:
    found = page.locator(query).bounding_box()
    assert found is not None
    return found


def open_first_with_a_map(page) -> int:
    """Opens an image whose pair has a map; returns the places on the map that the run has."""
    row = page.evaluate("Number(Object.keys(Model.rows.maps)[0])")
    page.evaluate(f"Drawer.open({row})")
    return row


def test_the_two_images_are_next_to_each_other_at_one_size(page):
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer .half figcaption").all_inner_texts() == [
        "HQ origin · 256 × 256",
        "LQ degraded · 128 × 128",
    ]
    hq, lq = (box(page, f"#drawer .half[data-side={side}] .thumbnail") for side in ("hq", "lq"))
    assert (hq["width"], hq["height"], hq["y"]) == (lq["width"], lq["height"], lq["y"])
    assert hq["x"] + hq["width"] < lq["x"]
    assert page.locator("#drawer img").count() == 0, "the photo's file does not show a made image"
    assert page.locator("#drawer").get_by_role("button", name="1:1").count() == 0


def test_keys_and_clicks_flip_between_them_at_one_place(page):
    page.locator("#grid .cell").first.click()
    seen: list[tuple[str, dict[str, float]]] = []
    for _ in range(2):
        page.keyboard.press("x")
        (text,) = page.locator("#drawer .half figcaption").all_inner_texts()
        seen.append((text[:2], box(page, "#drawer .half .view")))
    assert [name for name, _ in seen] == ["LQ", "HQ"]
    assert seen[0][1] == seen[1][1]
    page.locator("#drawer .half .view").click()
    assert page.locator("#drawer .half figcaption").inner_text().startswith("LQ")
    page.keyboard.press("Enter")  # the button that was clicked still has the keyboard
    assert page.locator("#drawer .half figcaption").inner_text().startswith("HQ")
    page.locator("#drawer").get_by_role("button", name="Side by side").click()
    assert page.locator("#drawer .half").count() == 2


def test_the_map_is_on_hq_and_the_gates_are_in_words(run: Path, page):
    row = open_first_with_a_map(page)
    facts = read_facts(RunFolder(run))
    data = facts.pair_maps[facts.rows["id"][row].as_py()]
    places = int((cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) > 0).sum())
    canvas = "#drawer .half[data-side=hq] .map"
    wait(page, f"document.querySelector('{canvas}').dataset.places === '{places}'")
    assert places > 0
    assert box(page, canvas) == box(page, "#drawer .half[data-side=hq] .thumbnail")
    assert page.locator("#drawer .half[data-side=lq] .map").count() == 0
    story = page.locator("#drawer .story").inner_text()
    assert "Rejected. HQ is not a faithful version of LQ." in story
    assert "local: error" in story
    assert "where HQ shows what LQ does not" in story
    assert "Invented texture that averages out at the size of LQ is invisible to all gates." in story
    assert "gaussian_blur sigma 0.7" in story
    page.locator("#drawer").get_by_role("button", name="Map").click()
    assert page.locator(canvas).count() == 0


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_pair_fits_every_screen(run: Path, reader, width: int, scheme: str):
    one = reader(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = one.open(run / "report" / "index.html")
    open_first_with_a_map(page)
    stage = box(page, "#drawer .pair-stage")
    for side in ("hq", "lq"):
        view = box(page, f"#drawer .half[data-side={side}] .view")
        assert stage["x"] <= view["x"]
        assert view["x"] + view["width"] <= stage["x"] + stage["width"]
        assert view["y"] + view["height"] <= stage["y"] + stage["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert one.said == []


def test_the_single_file_has_the_pair_and_its_map(run: Path, reader, tmp_path: Path):
    one = reader()
    page = one.open(render_single(read_facts(RunFolder(run)), tmp_path / "one.html").path)
    open_first_with_a_map(page)
    wait(page, "Number(document.querySelector('#drawer .map').dataset.places) > 0")
    assert one.said == []


def test_an_image_without_a_thumbnail_is_a_part_of_that_of_its_photo(run: Path, reader, tmp_path: Path):
    whole = read_facts(RunFolder(run))
    photos = {row["id"] for row in whole.rows.to_pylist() if row["parent"] is None}
    facts = replace(whole, thumbnails={key: data for key, data in whole.thumbnails.items() if key in photos})
    tiles, made = 6, 6
    said = (
        f"2 of these images have a thumbnail of their own; {tiles} more are shown as a part of the image that they "
        "were cut from. The others are counted, but this page has no thumbnail of them."
    )
    assert notes_of(facts) == [said]
    one = reader()
    page = one.open(render_report(facts, tmp_path / "report"))
    assert page.locator(".sampled").inner_text() == said
    # No made image is shown as a part of its photo: it would be another image.
    assert page.locator("#grid .cell").count() == 0
    empty = page.locator(".nothing").inner_text()
    assert (
        empty
        == f"{made} images match, but none of them has a thumbnail. Untick “only with a thumbnail” to list them."
    )
    page.locator(".chip", has_text="Went on").click()
    cells = page.locator("#grid .cell .thumbnail")
    assert cells.count() == len(photos) + tiles
    # A third of a thumbnail of 256 px is large enough to be shown alone: a square.
    shapes = [cell.bounding_box() for cell in cells.all()]
    assert sum(abs(shape["width"] / shape["height"] - 1) < 0.05 for shape in shapes) == tiles
    assert one.said == []


def test_a_part_that_is_too_small_to_show_is_a_frame_on_the_whole(run: Path, reader, tmp_path: Path):
    whole = read_facts(RunFolder(run))
    photos = {row["id"] for row in whole.rows.to_pylist() if row["parent"] is None}
    facts = replace(whole, thumbnails={key: data for key, data in whole.thumbnails.items() if key in photos})
    page = reader().open(render_report(facts, tmp_path / "report", SheetSettings(height=32)))
    page.locator(".chip", has_text="Went on").click()
    frames = page.locator("#grid .thumbnail:has(.part-of)")
    assert frames.count() == 6
    places: set[int] = set()
    for frame in frames.all():
        outer, inner = frame.bounding_box(), frame.locator(".part-of").bounding_box()
        assert inner["width"] == pytest.approx(outer["width"] / 3, abs=2)
        places.add(round((inner["x"] - outer["x"]) / inner["width"]))
    assert places == {0, 1, 2}


def test_a_restored_image_is_hq_and_its_origin_lq(run: Path, reader, tmp_path: Path):
    (tmp_path / "photos").symlink_to(run.parents[2] / "photos")
    (tmp_path / "up.yaml").write_text(
        "name: up\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - transform: {tile: 128}\n"
        "  - transform: {restore: bicubic, scale: 2}\n  - measure: [pair]\n"
    )
    run_json(tmp_path, "up.yaml")
    one = reader()
    page = one.open(tmp_path / "runs" / "up" / "0001" / "report" / "index.html")
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer .half figcaption").all_inner_texts() == [
        "HQ restored · 256 × 256",
        "LQ origin · 128 × 128",
    ]
    assert page.locator("#drawer .half .thumbnail").count() == 2
    assert one.said == []
