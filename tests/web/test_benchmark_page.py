"""The page of a benchmark in a real browser: it fits every width, loads nothing, and hostile names stay text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass.ratings.benchmark import benchmark
from groundglass.ratings.rated_images import rated_images
from groundglass.reports.benchmark_page import write_benchmark_page
from groundglass.testing import jpeg, photo

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "a_measure_with_a_name_that_is_long_" * 2


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    mos = random.uniform(1, 5, 60)
    scores = {
        "good": mos + random.normal(0, 0.3, 60),
        HOSTILE: -mos + random.normal(0, 1, 60),
        LONG: mos + random.normal(0, 2, 60),
        "laplacian_variance": mos + random.normal(0, 1, 60),
        "flat": np.ones(60),
    }
    names = [f"{HOSTILE}/{at}.png" for at in range(60)]
    strata = {"generator": ["x", HOSTILE, "z"] * 20}
    found = benchmark(
        rated_images(mos, scores, names, strata=strata, se=np.full(60, 0.2)), [HOSTILE], bootstrap=50
    )
    path = tmp_path_factory.mktemp("page") / "iqa.html"
    write_benchmark_page(
        found,
        "scores.csv",
        "ab" * 32,
        {names[0]: jpeg(photo(64, 48, 1))} | dict.fromkeys(names[1:30], jpeg(photo(64, 48, 2))),
        path,
    )
    return path


@pytest.mark.parametrize("width", [400, 1280, 1600])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_fits_and_is_silent(page_file: Path, reader, width: int, scheme: str):
    one = reader(viewport={"width": width, "height": 900}, color_scheme=scheme)
    one.page.goto(page_file.as_uri())
    assert one.page.evaluate("document.documentElement.scrollWidth") == width
    assert one.said == []
    assert {url for url in one.asked if not url.startswith("data:")} == {page_file.as_uri()}
    for strip in one.page.locator(".strip").all():
        assert strip.bounding_box()["width"] > 180


def test_names_of_measures_break_at_their_joints_only(page_file: Path, reader):
    page = reader(viewport={"width": 1280, "height": 900}).page
    page.goto(page_file.as_uri())
    for table in (".ranking tbody .name", ".pairs thead .c span"):
        name = page.locator(table).filter(has_text="laplacian_variance").first
        lines = page.evaluate(
            """(cell) => { const lines = {}, range = document.createRange();
            for (const node of cell.childNodes) for (let at = 0; at < (node.data ?? "").length; at++) {
                range.setStart(node, at); range.setEnd(node, at + 1);
                const top = range.getClientRects()[0].top; lines[top] = (lines[top] ?? "") + node.data[at]; }
            return Object.values(lines); }""",
            name.element_handle(),
        )
        assert "".join(lines) == "laplacian_variance"
        assert set(lines) <= {"laplacian_variance", "laplacian_", "variance"}


def test_the_strips_share_one_axis_and_the_best_is_right_of_the_others(page_file: Path, reader):
    page = reader(viewport={"width": 1280, "height": 900}).page
    page.goto(page_file.as_uri())
    zeros = [round(line.bounding_box()["x"]) for line in page.locator(".strip .zero").all()]
    assert max(zeros) - min(zeros) <= 1
    marks = [mark.bounding_box()["x"] for mark in page.locator(".strip svg").all()]
    assert marks[0] > max(marks[1:])


def test_names_stay_text_and_charts_have_names(page_file: Path, reader):
    page = reader().page
    page.goto(page_file.as_uri())
    assert page.locator("img[src='x']").count() == 0
    assert page.get_by_role("rowheader", name=HOSTILE).first.is_visible()
    names = [one.get_attribute("aria-label") for one in page.get_by_role("img").all()]
    assert sum("good and MOS of 60 images: SRCC +0.9" in (name or "") for name in names) == 1
    assert page.get_by_text("flat: it is 1 on all images").first.is_visible()
    assert page.locator(".worst img").count() > 0
