"""The report as one file: it fits, it says what it lacks, and it opens alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from browser_tools import wait
from groundglass.errors import RecipeError
from groundglass.reports.facts import RunFacts
from groundglass.reports.render import render_report
from groundglass.reports.sampling_note import notes_of
from groundglass.reports.single_file import render_single
from make_facts import NASTY, empty_facts, make_facts, many_facts, unreadable_facts
from patience import wait_until


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    made = make_facts(120)
    path = pa.array([f"/home/somebody/{n}.jpg" for n in range(len(made.rows))])
    return replace(made, rows=made.rows.append_column("path", path))


def test_a_single_file_opens_alone_and_in_silence(facts: RunFacts, reader, tmp_path: Path):
    single = render_single(facts, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    one = reader()
    page = one.open(single.path, "step-3")
    wait(page, "document.querySelectorAll('#grid .cell .thumbnail').length > 3")
    assert page.locator("#view-step-3 .histogram").is_visible()
    page.locator("#theme").click()
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer h2").is_visible()
    assert page.evaluate("window.hacked") is None
    assert one.said == []
    assert {url.split("#")[0] for url in one.asked if not url.startswith("blob:")} == {single.path.as_uri()}


def test_its_pictures_are_those_of_the_folder_report(facts: RunFacts, reader, tmp_path: Path):
    pages = [render_single(facts, tmp_path / "one.html").path, render_report(facts, tmp_path / "report")]
    strips = []
    for path in pages:
        page = reader().open(path, "step-3")
        page.evaluate("document.querySelector('.sampled')?.remove()")
        strips.append(page.locator("#view-step-3 [data-strip=kept]"))
    wait_until(lambda: strips[0].screenshot() == strips[1].screenshot(), "the same pictures in both")


def test_names_are_only_text_there_too(facts: RunFacts, reader, tmp_path: Path):
    page = reader().open(render_single(facts, tmp_path / "one.html").path)
    page.locator(".chip", has_text="All").click()
    page.locator("#search").fill(NASTY[1])
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer h2").evaluate("node => node.textContent") == NASTY[1]
    assert page.evaluate("window.hacked") is None


def test_it_never_tells_where_the_photographs_lie(facts: RunFacts, tmp_path: Path):
    single = render_single(facts, tmp_path / "one.html")
    assert "somebody" not in single.path.read_text("utf-8")
    assert "this file does not hold the photographs’ paths" in single.left_out[0]


@pytest.mark.parametrize("budget", [6_000_000, 1_500_000, 700_000, 400_000])
def test_it_fits_the_budget_and_says_what_it_lacks(facts: RunFacts, tmp_path: Path, budget: int):
    single = render_single(facts, tmp_path / "one.html", budget)
    text = single.path.read_text("utf-8")
    assert single.bytes == single.path.stat().st_size <= budget
    assert single.total == len(facts.rows) >= single.images
    assert all(sentence.split(",")[0] in text for sentence in single.left_out)
    if single.images < single.total:
        assert f"This page shows {single.images:,} of the {single.total:,} images of the run" in text


def test_a_smaller_budget_never_shows_more(facts: RunFacts, tmp_path: Path):
    budgets = (6_000_000, 1_500_000, 700_000, 400_000)
    singles = [render_single(facts, tmp_path / "one.html", budget) for budget in budgets]
    assert [single.images for single in singles] == sorted((s.images for s in singles), reverse=True)
    assert singles[0].images == singles[0].total > singles[-1].images


def test_what_cannot_fit_is_refused_and_nothing_is_written(facts: RunFacts, tmp_path: Path):
    with pytest.raises(RecipeError, match=r"does not fit into 50\.0 kB") as caught:
        render_single(facts, tmp_path / "one.html", 50_000)
    assert "it needs at least" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_reduced_report_still_counts_the_whole_run(facts: RunFacts, reader, tmp_path: Path):
    single = render_single(facts, tmp_path / "one.html", 400_000)
    page = reader().open(single.path)
    shown = [int(text.replace(",", "")) for text in page.locator(".rail .out").all_inner_texts()]
    assert shown == [step.out for step in facts.steps]
    page.goto(f"{single.path.as_uri()}#sources")
    photographs = facts.rows.filter(pa.compute.is_null(facts.rows["parent"])).num_rows
    counts = [int(cell) for cell in page.locator("#view-sources tbody td:nth-child(2)").all_inner_texts()]
    assert sum(counts) == photographs


@pytest.mark.parametrize("make", [empty_facts, unreadable_facts, lambda: make_facts(1, nasty=False)])
def test_sad_runs_fit_too(make, reader, tmp_path: Path):
    one = reader()
    one.open(render_single(make(), tmp_path / "one.html").path)
    assert one.said == []


def test_pictures_that_are_only_a_sample_are_said_and_the_others_hidden(reader, tmp_path: Path):
    facts = many_facts(400)
    some = dict(list(facts.thumbnails.items())[:150])
    facts = replace(facts, thumbnails=some)
    assert "150 of these images have a thumbnail" in notes_of(facts)[0]
    one = reader()
    page = one.open(render_report(facts, tmp_path / "report"), "step-2")
    assert "150 of these images have a thumbnail" in page.locator(".sampled").inner_text()
    shown = page.locator("#grid .cell").first
    assert int(shown.get_attribute("aria-setsize")) == 150
    assert page.locator("#grid .none").count() == page.locator(".strips .none").count() == 0
    page.locator("#pictured").uncheck()
    assert int(page.locator("#grid .cell").first.get_attribute("aria-setsize")) == 400
    assert one.said == []


def test_a_sampled_run_says_so(tmp_path: Path, reader):
    facts = replace(many_facts(300), total=1_000_000, least=200)
    page = reader().open(render_report(facts, tmp_path / "report"))
    assert "This page shows 300 of the 1,000,000 images of the run" in page.locator(".sampled").inner_text()
