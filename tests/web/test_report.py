"""The report in a real browser: what it shows is what the tables say, and it asks nothing of anyone."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from browser_tools import wait
from groundglass.reports.facts import Knee, RunFacts
from groundglass.reports.render import render_report
from groundglass.tables.step_record import Threshold
from make_facts import NASTY, empty_facts, make_facts, many_facts, stopped_facts, unreadable_facts
from patience import wait_until

VIEWS = ("overview", *(f"step-{number}" for number in range(1, 10)), "sources", "failures")


@pytest.fixture(scope="session")
def facts() -> RunFacts:
    return make_facts(120)


@pytest.fixture(scope="session")
def report(facts: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(facts, tmp_path_factory.mktemp("run") / "report")


def values(facts: RunFacts, step: str, column: str) -> np.ndarray:
    """The numbers that a step judged."""
    ids = facts.verdicts.filter(pa.compute.equal(facts.verdicts["step"], step))["id"]
    rows = facts.rows.filter(pa.compute.is_in(facts.rows["id"], ids.combine_chunks()))
    return rows[column].to_numpy()


def chips(page) -> dict[str, int]:
    """What the chips over the grid count."""
    texts = [chip.inner_text() for chip in page.locator(".chip").all()]
    words = [" ".join(text.split()).lstrip("●✕○◇→ ") for text in texts]
    return {" ".join(word.split()[:-1]): int(word.split()[-1].replace(",", "")) for word in words}


def first_number(text: str) -> int:
    return int(text.split()[0].replace(",", ""))


def test_every_view_opens_in_silence_and_asks_only_its_own_folder(report: Path, reader) -> None:
    one = reader()
    for view in VIEWS:
        page = one.open(report, view)
        assert page.locator(f"#view-{view}").is_visible()
    assert one.said == []
    assert {url.split("#")[0].rpartition("/report/")[0] for url in one.asked} == {
        report.parent.parent.as_uri()
    }


def test_overview_says_what_came_in_and_what_was_kept(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report)
    kept = facts.steps[-1].out
    assert page.locator("#view-overview h2").inner_text() == f"{kept} tiles from 120 files"
    assert chips(page)["Kept"] == kept
    assert chips(page)["All"] == len(facts.rows)


def test_a_reason_is_one_line(report: Path, reader) -> None:
    page = reader().open(report)
    for row in page.locator("a.reason").all():
        places = [row.locator(part).bounding_box()["y"] for part in (".what", ".where", ".many", ".part")]
        assert max(places) - min(places) < 4
        right = [row.locator(part).bounding_box()["x"] for part in (".where", ".many", ".part")]
        assert right == sorted(right)


def test_a_reasons_cells_keep_their_columns_when_one_is_missing(report: Path, reader) -> None:
    page = reader().open(report)
    row = page.locator("a.reason").first
    before = row.locator(".part").bounding_box()
    row.locator(".where").evaluate("element => element.remove()")
    assert row.locator(".part").bounding_box() == before


def test_rail_shows_the_funnel(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report)
    shown = [first_number(text) for text in page.locator(".rail .out").all_inner_texts()]
    assert shown == [step.out for step in facts.steps]
    failed = [step.failed for step in facts.steps if step.failed]
    assert page.locator(".rail .fail").all_inner_texts() == [f"○ {many}" for many in failed]


@pytest.mark.parametrize("limit", [3.0, 12.5, 77.0])
def test_moved_line_counts_as_numpy_does(facts: RunFacts, report: Path, reader, limit: float) -> None:
    page = reader().open(report, "step-3")
    page.locator("#view-step-3 .limits input").fill(str(limit))
    expected = int((values(facts, "select-1", "blockiness") < limit).sum())
    wait(page, f"document.querySelector('#view-step-3 .remain b').textContent === '{expected}'")
    assert chips(page)["Kept"] == expected
    assert (
        page.locator("#view-step-3 .recipe code").inner_text()
        == f'- select: {{where: "blockiness < {limit:g}"}}'
    )
    changed = abs(expected - facts.steps[2].out)
    assert chips(page).get("Changed by the threshold", 0) == changed


def test_an_audits_knee_stands_on_the_chart_with_the_line_to_paste(
    facts: RunFacts, reader, tmp_path: Path
) -> None:
    knee = Knee(Threshold("blockiness", "<", 18.2), 0.97, 0.02, ("jpeg",))
    one = reader()
    shown = replace(facts, knees={facts.steps[2].step: knee})
    page = one.open(render_report(shown, tmp_path / "report"), "step-3")
    line = page.locator("#view-step-3 .knee .copyable code")
    assert line.inner_text() == '- select: {where: "blockiness < 18.2"}'
    mark = page.locator("#view-step-3 .mark path").last
    before = mark.bounding_box()["x"]
    page.locator("#view-step-3 .limits input").fill("18.2")
    wait(page, "document.querySelector('#view-step-3 .handle').getAttribute('aria-valuenow') === '18.2'")
    handle = page.locator("#view-step-3 .handle").bounding_box()
    assert mark.bounding_box()["x"] == before == pytest.approx(handle["x"] + handle["width"] / 2, abs=1)
    assert line.inner_text() == '- select: {where: "blockiness < 18.2"}'
    assert one.said == []


def test_moved_line_shows_which_images_would_remain(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-3")
    numbers = np.sort(values(facts, "select-1", "blockiness"))
    page.locator("#view-step-3 .limits input").fill(str(numbers[5]))
    page.locator(".chip", has_text="Kept").click()
    wait(page, "document.querySelectorAll('#grid .cell').length === 5")
    just_kept = page.locator("#view-step-3 [data-strip=kept] figcaption").all_inner_texts()
    assert [float(text) for text in just_kept] == pytest.approx(numbers[4::-1], rel=1e-3)
    just_dropped = page.locator("#view-step-3 [data-strip=dropped] figcaption").all_inner_texts()
    assert [float(text) for text in just_dropped] == pytest.approx(numbers[5:21], rel=1e-3)


def test_line_is_dragged_and_put_back(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-3")
    before = page.locator("#view-step-3 .remain").inner_text()
    plot = page.locator("#view-step-3 .plot").bounding_box()
    page.mouse.move(plot["x"] + plot["width"] * 0.8, plot["y"] + 60)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.3, plot["y"] + 60, steps=4)
    page.mouse.up()
    limit = float(page.locator("#view-step-3 .handle").get_attribute("aria-valuenow"))
    expected = int((values(facts, "select-1", "blockiness") < limit).sum())
    assert first_number(page.locator("#view-step-3 .remain").inner_text()) == expected < facts.steps[2].out
    page.locator("#view-step-3 .back").click()
    wait(page, "document.querySelector('#view-step-3 .back').hidden")
    assert page.locator("#view-step-3 .remain").inner_text() == before


def test_two_lines_hold_together(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-4")
    page.locator("#view-step-4 .limits input").nth(0).fill("400")
    page.locator("#view-step-4 .limits input").nth(1).fill("6.9")
    sharp, detail = values(facts, "select-2", "sharpness"), values(facts, "select-2", "detail")
    expected = int(((sharp >= 400) & (detail >= 6.9)).sum())
    wait(page, f"document.querySelector('#view-step-4 .remain b').textContent === '{expected}'")
    line = '- select: {where: "sharpness >= 400 and detail >= 6.9"}'
    assert page.locator("#view-step-4 .recipe code").inner_text() == line


def test_moved_cut_of_a_ranking_says_how_many_to_ask_for(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-8")
    kept = facts.steps[7].out
    assert (
        page.locator("#view-step-8 .recipe code").inner_text()
        == f"- select: {{top_k: {kept}, by: sharpness}}"
    )
    page.locator("#view-step-8 .limits input").fill("2000")
    expected = int((values(facts, "select-4", "sharpness") >= 2000).sum())
    wait(page, f"document.querySelector('#view-step-8 .remain b').textContent === '{expected}'")
    assert f"top_k: {expected}," in page.locator("#view-step-8 .recipe code").inner_text()


def test_line_moves_by_keys(report: Path, reader) -> None:
    page = reader().open(report, "step-4")
    handle = page.locator("#view-step-4 .handle").nth(1)

    def value() -> float:
        return float(handle.get_attribute("aria-valuenow"))

    before = value()
    handle.focus()
    page.keyboard.press("ArrowRight")
    wait_until(lambda: value() > before, "a step to the right")
    step = value() - before
    page.keyboard.press("Shift+ArrowRight")
    wait_until(lambda: value() > before + step, "a long step to the right")
    assert value() - before == pytest.approx(11 * step, rel=0.01)


def test_story_of_an_image(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-3")
    page.locator(".chip", has_text="Dropped").click()
    page.locator("#grid .cell").first.click()
    story = page.locator("#drawer")
    uri = story.locator("h2").inner_text()
    row = next(row for row in facts.rows.to_pylist() if row["uri"] == uri and row["parent"] is None)
    assert row["status"] == "dropped"
    assert f"limit {30}" in story.inner_text()
    assert "not blockiness < 30" in story.inner_text()
    assert story.locator(".bullet").count() >= 5
    assert story.locator(".copyable code").inner_text() == f"groundglass why runs/faceup/0003 {uri}"


def test_tile_leads_to_its_photograph(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report, "step-8")
    page.locator("#grid .cell").first.click()
    assert "crop(" in page.locator("#drawer").inner_text()
    page.locator("#drawer .children .cell").click()
    assert "made from it" in page.locator("#drawer").inner_text()


@pytest.mark.parametrize("place", range(len(NASTY)))
def test_hostile_names_are_only_text(report: Path, reader, place: int) -> None:
    one = reader()
    page = one.open(report)
    page.locator(".chip", has_text="All").click()
    name = NASTY[place]
    page.locator("#search").fill(name.split("\n")[0])
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer h2").evaluate("node => node.textContent") == name
    assert page.evaluate("window.hacked") is None
    command = page.locator("#drawer .copyable code").evaluate("node => node.textContent")
    assert [word for word in shlex.split(command) if word != "--"] == [
        "groundglass",
        "why",
        "runs/faceup/0003",
        name,
    ]
    assert ("--" in shlex.split(command)) == name.startswith("-")
    assert one.said == []


def test_keys_do_everything(report: Path, reader) -> None:
    page = reader().open(report)
    page.locator("#grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    current = page.locator("#grid .cell.current")
    assert int(current.get_attribute("aria-posinset")) > 3
    page.keyboard.press("ArrowUp")
    assert current.get_attribute("aria-posinset") == "2"
    page.keyboard.press("Enter")
    first = page.locator("#drawer .story").inner_text()
    page.keyboard.press("ArrowRight")
    second = page.locator("#drawer .story").inner_text()
    assert first != second
    page.keyboard.press("Escape")
    assert page.locator("#drawer").is_hidden()
    page.keyboard.press("End")
    assert current.get_attribute("aria-posinset") == current.get_attribute("aria-setsize")
    page.keyboard.press("j")
    page.wait_for_selector("#view-step-1:not([hidden])")
    page.keyboard.press("k")
    page.wait_for_selector("#view-overview:not([hidden])")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#legend").is_visible()


def test_grid_sorts_and_filters_by_any_column(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report)
    page.locator(".chip", has_text="All").click()
    page.locator("#sort").select_option(label="noise")
    page.locator("#order").click()
    noise = facts.rows["noise"].to_numpy()
    top = float(page.locator("#grid .cell").first.locator(".tag span").last.text_content())
    assert top == pytest.approx(np.nanmax(noise), rel=1e-3)
    page.locator("#range-column").select_option(label="noise")
    page.locator("#range-low").fill("1")
    page.locator("#range-high").fill("2")
    assert chips(page)["All"] == int(((noise >= 1) & (noise <= 2)).sum())


def test_reason_leads_to_its_images(facts: RunFacts, report: Path, reader) -> None:
    page = reader().open(report)
    reason = page.locator("a.reason", has_text="not blockiness")
    many = first_number(reason.locator(".many").inner_text())
    reason.click()
    page.wait_for_selector("#view-step-3:not([hidden])")
    assert chips(page)["Dropped"] == many == facts.steps[2].dropped


def test_dark_light_and_the_choice_between_them(report: Path, reader) -> None:
    def ground(page) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page = reader().open(report)
    assert ground(page) == "rgb(27, 27, 29)"
    page.locator("#theme").click()
    assert ground(page) == "rgb(246, 246, 244)"
    page.reload()
    wait(page, "document.documentElement.dataset.ready")
    assert ground(page) == "rgb(246, 246, 244)"
    assert ground(reader(color_scheme="light").open(report)) == "rgb(246, 246, 244)"


def test_phone_never_scrolls_sideways(report: Path, reader) -> None:
    one = reader(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for view in VIEWS:
        page = one.open(report, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
    page = one.open(report)
    page.locator(".rail-toggle").click()
    page.locator(".rail a[data-view=step-3]").click()
    assert page.locator("#view-step-3").is_visible()
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer").bounding_box()["width"] == 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_paper_shows_everything_unclipped(report: Path, reader) -> None:
    page = reader(viewport={"width": 794, "height": 1123}).open(report)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    clipped = page.evaluate(
        """[...document.querySelectorAll('main *, .rail, .rail *')].filter((node) => node.offsetParent
        && /auto|scroll/.test(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight + 1)
        .map((node) => node.className)"""
    )
    assert clipped == []
    assert page.locator("#view-step-3 .histogram").is_visible()
    assert page.locator("#print-sheets .cell").count() >= 20
    assert page.locator("#grid").is_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") in range(2, 9)


@pytest.mark.parametrize(
    ("make", "says", "types"),
    [
        (empty_facts, "No image came in", "groundglass plan faceup.yaml"),
        (unreadable_facts, "No image could be read", "groundglass why runs/faceup/0003 00/IMG_4000.jpg"),
        (stopped_facts, "Interrupted", "groundglass run faceup.yaml"),
    ],
)
def test_sad_runs_say_what_happened_and_what_to_type(make, says, types, reader, tmp_path: Path) -> None:
    one = reader()
    report = render_report(make(), tmp_path / "report")
    for view in VIEWS[::-1]:
        page = one.open(report, view)
    assert page.locator(".notice h2").inner_text() == says
    assert page.locator(".notice code").inner_text() == types
    assert one.said == []


def test_run_of_one_image(reader, tmp_path: Path) -> None:
    one = reader()
    page = one.open(render_report(make_facts(1, nasty=False), tmp_path / "report"))
    page.goto(page.url.replace("overview", "step-3"))
    page.locator("#grid .cell").first.click()
    assert page.locator("#drawer h2").is_visible()
    assert one.said == []


def test_picture_is_shown_one_to_one_from_where_it_lies(facts: RunFacts, reader, tmp_path: Path) -> None:
    tile = next(row for row in facts.rows.to_pylist() if row["region"].startswith("crop"))
    Image.new("RGB", (1536, 1024), "teal").save(tmp_path / "photo é#1.png")
    path = pa.array([str(tmp_path / "photo é#1.png")] * len(facts.rows))
    report = render_report(replace(facts, rows=facts.rows.append_column("path", path)), tmp_path / "report")
    one = reader()
    page = one.open(report, "step-8")
    page.locator("#grid .cell").first.click()
    page.locator("#drawer button", has_text="1:1").click()
    page.wait_for_selector("#drawer .frame img")
    box = page.locator("#drawer .frame").bounding_box()
    assert (box["width"], box["height"]) == (tile["width"], tile["height"]) == (512, 512)
    assert page.locator("#drawer .frame img").evaluate("image => image.naturalWidth") == 1536
    assert one.said == []


def test_ten_thousand_images_stay_light(reader, tmp_path: Path) -> None:
    facts = many_facts(10_000)
    one = reader()
    page = one.open(render_report(facts, tmp_path / "report"), "step-2")
    assert int(page.evaluate("document.documentElement.dataset.ready")) < 5000
    assert first_number(page.locator("#view-step-2 .remain").inner_text()) == facts.steps[1].out
    page.locator("#grid").focus()
    for key in ("End", "PageUp", "Home", "PageDown"):
        page.keyboard.press(key)
        assert page.evaluate("document.querySelectorAll('*').length") < 3000
        assert page.locator("#grid .cell.current").is_visible()
    page.locator("#view-step-2 .limits input").fill("9.5")
    expected = int((facts.rows["blockiness"].to_numpy() < 9.5).sum())
    wait(page, f"document.querySelector('#view-step-2 .remain b').textContent === '{expected:,}'")
    assert one.said == []


def test_without_scripts_funnel_charts_and_tables_are_there(report: Path, reader) -> None:
    page = reader(java_script_enabled=False).page
    page.goto(report.as_uri())
    for view in VIEWS:
        assert page.locator(f"#view-{view}").is_visible()
    assert page.locator("#view-step-3 .histogram").is_visible()
    assert page.locator("#grid").is_hidden()
