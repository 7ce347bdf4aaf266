"""The page of proofs in a real browser: it fits every width, lines up, and asks nothing of anyone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundglass.proofs.prove import ArmResult, Proof
from groundglass.proofs.result_folder import PROOF, keep_proof
from groundglass.reports.render import render_report
from make_facts import make_facts

LONG = "without " + "a_gate_with_a_name_that_is_long" * 2
RESULTS = (
    ArmResult("selected", "random", "better", 0.018, (0.010, 0.026), 0.0035, 0.012, 200, "selection"),
    ArmResult(LONG, "selected", "worse", -0.03, (-0.04, -0.02), 0.0035, 0.012, 200, "selection"),
    ArmResult("turned", "selected", "no difference shown", 0.0, (0, 0), 0.0, 0.0, 200, "same photos"),
    ArmResult(
        "without b", "selected", "failed", None, None, None, None, 0, "selection", "b has 3 usable images"
    ),
)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    proof = Proof(RESULTS, "instant", 48.0, 0.025, 95, "/data/benchmarks/crops/Urban100c", 26.0)
    keep_proof(run / PROOF / "checked", proof)
    (run / PROOF / "cut").mkdir()
    (run / PROOF / "cut" / "proof.json").write_text("{")
    return render_report(replace(make_facts(12), folder=str(run)), run / "report").with_name("proof.html")


@pytest.mark.parametrize("width", [400, 860, 1280, 1600])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_fits_and_is_silent(page_file: Path, reader, width: int, scheme: str):
    one = reader(viewport={"width": width, "height": 900}, color_scheme=scheme)
    one.page.goto(page_file.as_uri())
    assert one.page.evaluate("document.documentElement.scrollWidth") == width
    assert one.said == []
    assert {url.rpartition("/report/")[0] for url in one.asked} == {page_file.parent.parent.as_uri()}
    for strip in one.page.locator(".strip").all():
        assert strip.bounding_box()["width"] > 180
    for verdict in one.page.locator("td.verdict").all():
        box = verdict.bounding_box()
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("width", [400, 1280])
def test_the_rows_share_one_axis(page_file: Path, reader, width: int):
    page = reader(viewport={"width": width, "height": 900}).page
    page.goto(page_file.as_uri())
    zeros = [round(line.bounding_box()["x"]) for line in page.locator(".strip .zero").all()]
    assert len(zeros) >= len(RESULTS)
    assert max(zeros) - min(zeros) <= 1
    number = page.locator(".scale text", has_text="0").filter(has_not_text="0.").bounding_box()
    assert abs(number["x"] + number["width"] / 2 - zeros[0]) <= 2
    dots = [one.bounding_box()["x"] for one in page.locator(".strip .arm circle, .strip .arm path").all()]
    assert dots[0] > zeros[0] > dots[1]


def test_it_is_reached_from_the_report_and_names_every_effect_to_a_screen_reader(page_file: Path, reader):
    one = reader()
    page = one.open(page_file.with_name("index.html"))
    page.get_by_role("link", name="Proof").click()
    page.wait_for_url("**/proof.html")
    assert page.locator("h2").first.inner_text().startswith("The selection trains better")
    names = [strip.get_attribute("aria-label") for strip in page.get_by_role("img").all()]
    assert sum("trains worse than the selection: −0.030 dB" in (name or "") for name in names) == 1
    assert page.get_by_role("row").count() == len(RESULTS) + 1
    assert page.locator("h2", has_text="This proof cannot be read").is_visible()


def test_a_verdict_does_not_depend_on_colour(page_file: Path, reader):
    page = reader().page
    page.goto(page_file.as_uri())
    marks = [mark.inner_text() for mark in page.locator("td.verdict .mark").all()]
    assert marks == ["●", "✕", "○", "–"]
    shapes = page.locator(".strip .arm").evaluate_all(
        "all => all.map(one => one.querySelector('svg').innerHTML)"
    )
    assert len(set(shapes)) == 3
