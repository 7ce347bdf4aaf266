"""`report` and `diff`: runs that stopped, were moved or lost their photographs; and what two runs disagree on."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import RECIPE, groundglass, make_photos, run_json, write_recipe

from browser_tools import wait
from groundglass.plans.run_folder import RunFolder, find_run
from groundglass.reports.compare import compare_runs
from groundglass.reports.read_run import read_facts
from groundglass.reports.render import render_report
from groundglass.reports.run_status_notice import notice_of
from groundglass.reports.single_file import render_single

ODD = "<b>&amp;\"quote's.png"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of a recipe; the second asks for less blockiness and keeps fewer."""
    folder = tmp_path_factory.mktemp("work")
    make_photos(folder / "photos")
    (folder / "photos" / ODD).write_bytes((folder / "photos" / "05.png").read_bytes())
    write_recipe(folder)
    run_json(folder, "small.yaml", "--workers", "2")
    text = RECIPE.replace("top_k: 8", "top_k: 5").replace("blockiness < 30", "blockiness < 400")
    write_recipe(folder, text)
    run_json(folder, "small.yaml", "--workers", "2")
    return folder


@pytest.fixture
def copy(work: Path, tmp_path: Path) -> Path:
    """The runs by themselves, moved elsewhere; the photographs stay behind."""
    shutil.copytree(work / "runs", tmp_path / "moved")
    return tmp_path / "moved" / "small"


def said(folder: Path, *words: str) -> dict[str, Any]:
    done = groundglass(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stop(run: Path, state: str, steps: int, **fields: Any) -> None:
    """Make a run one that stopped after so many steps."""
    record = json.loads((run / "run.json").read_text())
    record |= {"state": state, "steps": record["steps"][:steps], **fields}
    (run / "run.json").write_text(json.dumps(record))
    (run / "recipe.lock").unlink()


def test_a_report_is_made_anew_as_it_was(copy: Path):
    page = copy / "0001" / "report" / "index.html"
    before = page.read_text()
    shutil.rmtree(page.parent)
    answer = said(copy.parent.parent, "report", str(copy / "0001"))
    assert answer["report"] == str(page)
    assert answer["images"] == answer["total"] > 20
    assert page.read_text().replace(str(copy / "0001"), "runs/small/0001") == before
    texts = [page.read_text(), (page.parent / "data.js").read_text()]
    assert not any(ODD[:3] in text for text in texts)


def test_moved_runs_without_their_photographs_still_show_thumbnails(copy: Path):
    facts = read_facts(RunFolder(copy / "0001"))
    assert facts.lacking == ""
    assert len(facts.thumbnails) >= 20
    assert facts.rows["blockiness"].null_count < facts.rows.num_rows


def test_a_photograph_that_is_gone_is_said(copy: Path, reader):
    (copy.parent.parent / "photos").mkdir()
    rows = read_facts(RunFolder(copy / "0001")).rows
    assert all(path.startswith("/") for path in rows["path"].to_pylist())
    parts = sorted((copy / "0001" / "images").glob("*/part-0.parquet"))
    table = pq.read_table(parts[0])
    gone = [b"/nowhere" + path for path in table["path"].to_pylist()]
    place = table.schema.get_field_index("path")
    pq.write_table(table.set_column(place, table.schema.field("path"), [gone]), parts[0])
    said(copy.parent.parent, "report", str(copy / "0001"))
    page = reader().open(copy / "0001" / "report" / "index.html")
    page.locator("#grid .cell").first.click()
    wait(page, "document.querySelector('#drawer .spread').textContent.includes('file not found')")
    assert page.locator("#drawer .stage .thumbnail").is_visible()


def test_a_run_without_its_store_keeps_its_page_and_says_why(copy: Path):
    shutil.rmtree(copy / "store")
    page = copy / "0001" / "report" / "index.html"
    before = page.read_bytes()
    refused = groundglass(copy.parent.parent, "report", str(copy / "0001"))
    assert refused.returncode == 3
    assert "a report made now would have no images" in refused.stderr
    assert page.read_bytes() == before
    said(copy.parent.parent, "report", str(copy / "0001"), "-o", str(copy / "poor"))
    text = (copy / "poor" / "index.html").read_text()
    assert "Values and thumbnails are missing" in text
    assert str((copy / "store").resolve()) in text


@pytest.mark.parametrize("state", ["interrupted", "failed", "running"])
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 8])
def test_stopped_runs_have_a_report_of_what_was_done(copy: Path, state: str, steps: int):
    extra = {"error": "the disk is full", "hint": "free some space"} if state == "failed" else {}
    stop(copy / "0001", state, steps, **extra)
    facts = read_facts(RunFolder(copy / "0001"))
    assert [step.seconds is not None for step in facts.steps] == [n < steps for n in range(10)]
    assert facts.state == ("failed" if state == "failed" else "interrupted")
    notice = notice_of(facts)
    assert notice is not None
    assert f"{steps} of 10 steps were finished" in notice.text
    assert ("the disk is full. Free some space." in notice.text) == (state == "failed")
    assert render_report(facts, copy / "0001" / "report").is_file()
    assert render_single(facts, copy / "0001" / "report.html").images == facts.rows.num_rows


@pytest.mark.parametrize("photos", [0, 1])
def test_runs_of_no_and_of_one_image(tmp_path: Path, photos: int, reader):
    (tmp_path / "photos").mkdir()
    if photos:
        make_photos(tmp_path / "more", 3)
        shutil.copy(tmp_path / "more" / "00.png", tmp_path / "photos")
    (tmp_path / "small.yaml").write_text(
        "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [blockiness]\n"
        "  - select: {where: 'blockiness < 30'}\n"
    )
    groundglass(tmp_path, "run", "small.yaml")
    one = reader()
    for words in ([], ["--single-file"]):
        one.open(tmp_path / said(tmp_path, "report", "small", *words)["report"])
    assert one.said == []


def test_runs_of_which_every_image_failed(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    for n in range(4):
        (tmp_path / "photos" / f"{n}.jpg").write_text("no picture")
    recipe = "name: bad\nsteps:\n  - source: {folder: photos}\n  - measure: [blockiness]\n"
    (tmp_path / "bad.yaml").write_text(recipe + "limits: {failed: 100%}\n")
    groundglass(tmp_path, "run", "bad.yaml")
    said(tmp_path, "report", "bad")
    assert "No image could be read" in (tmp_path / "runs/bad/0001/report/index.html").read_text()


def test_what_is_not_ours_is_never_written_over(work: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my page")
    for words in (
        ["-o", "mine"],
        ["--single-file", "-o", "mine/index.html"],
        ["--single-file", "-o", "mine"],
    ):
        done = groundglass(tmp_path, "report", str(work / "runs/small/0001"), *words)
        assert done.returncode == 2
        assert "not a report of groundglass" in done.stderr
    done = groundglass(tmp_path, "diff", *(str(work / f"runs/small/000{n}") for n in (1, 2)), "-o", "mine")
    assert done.returncode == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["index.html"]
    assert (tmp_path / "mine" / "index.html").read_text() == "my page"


def test_our_own_pages_are_made_anew_elsewhere(work: Path, tmp_path: Path):
    for _ in range(2):
        said(tmp_path, "report", str(work / "runs/small/0001"), "-o", "out")
        said(tmp_path, "report", str(work / "runs/small/0001"), "--single-file", "-o", "one.html")
    assert (tmp_path / "out" / "data.js").is_file()


def kept(run: Path) -> set[str]:
    """The kept set, as the run's own tables have it: the last derived images, minus whoever was not kept."""
    derived = pq.read_table(run / "derived" / "tiles.parquet")["id"].to_pylist()
    verdicts = pq.read_table(run / "selections" / "detailed.parquet").to_pylist()
    return set(derived) - {row["id"] for row in verdicts if not row["kept"]}


def test_diff_names_exactly_who_entered_and_who_left(work: Path):
    answer = said(work, "diff", "runs/small/0001", "runs/small/0002")
    before, after = kept(work / "runs/small/0001"), kept(work / "runs/small/0002")
    tiles = {side: {row["id"] for row in answer[side] if row["region"]} for side in ("entered", "left")}
    assert tiles["entered"] == after - before
    assert tiles["left"] == before - after
    assert tiles["left"]
    assert answer["both"] >= len(before & after)
    for row in answer["entered"]:
        assert row["b"]["fate"] in ("kept", "held_out")
        assert row["a"]["fate"] in ("dropped", "absent", "went_on", "failed")
        assert row["a"]["reason"]
    for row in answer["left"]:
        assert row["a"]["fate"] in ("kept", "held_out")
        assert row["b"]["reason"]


def test_diff_the_other_way_round_is_the_mirror_image(work: Path):
    there = said(work, "diff", "runs/small/0001", "runs/small/0002")
    back = said(work, "diff", "runs/small/0002", "runs/small/0001")
    assert {row["id"] for row in there["entered"]} == {row["id"] for row in back["left"]}
    assert {row["id"] for row in there["left"]} == {row["id"] for row in back["entered"]}
    assert there["both"] == back["both"]


def test_diff_says_which_thresholds_moved_and_sets_the_funnels_side_by_side(work: Path):
    answer = said(work, "diff", "runs/small/0001", "runs/small/0002")
    steps = {(step["a"] or step["b"])["step"]: step for step in answer["steps"]}
    assert steps["clean"]["thresholds"] == [{"threshold": "blockiness <", "a": 30.0, "b": 400.0}]
    assert steps["best"]["changed"]
    assert not steps["unique"]["changed"]
    shown = {step["step"]: step for step in said(work, "show", "runs/small/0002")["steps"]}
    for name, step in steps.items():
        assert (step["b"]["in"], step["b"]["out"]) == (shown[name]["in"], shown[name]["out"])
    text = groundglass(work, "diff", "runs/small/0001", "runs/small/0002", COLUMNS="80").stdout
    assert "was blockiness < 30" in text
    assert f"{len(answer['left'])} left" in text


def test_diff_of_a_run_with_itself_is_empty(work: Path):
    answer = said(work, "diff", "small", "runs/small/0002")
    assert answer["entered"] == answer["left"] == answer["changes"] == []
    assert not any(step["changed"] for step in answer["steps"])


def test_diff_tells_another_version_of_a_measure_and_another_seed(copy: Path):
    record = json.loads((copy / "0002" / "run.json").read_text())
    for column in record["columns"]:
        column["key"] = column["key"].replace("blockiness-", "blockiness-9")
    (copy / "0002" / "run.json").write_text(json.dumps(record | {"seed": 11}))
    comparison = compare_runs(find_run(str(copy / "0001"), copy), find_run(str(copy / "0002"), copy))
    told = {change.what: (change.a, change.b) for change in comparison.changes}
    assert told["seed"] == ("3", "11")
    assert told["measure blockiness"][1] == told["measure blockiness"][0].replace(
        "blockiness-", "blockiness-9"
    )


def test_diff_page_shows_what_the_answer_says(work: Path, reader):
    answer = said(work, "diff", "runs/small/0001", "runs/small/0002")
    one = reader()
    page = one.open(work / answer["page"])
    counts = page.locator(".sides h3 .many").all_inner_texts()
    assert counts == [str(len(answer["entered"])), str(len(answer["left"]))]
    page.locator(".chip", has_text="Left").click()
    page.locator("#grid .cell").first.click()
    uri = page.locator("#drawer h2").inner_text()
    row = next(row for row in answer["left"] if row["uri"] == uri)
    story = page.locator("#drawer").inner_text()
    assert "In run 1" in story
    assert "In run 2" in story
    assert "groundglass why runs/small/0001" in story
    assert row["b"]["reason"].split(",")[0].rpartition(" ")[0].replace("_", " ") in story.replace("_", " ")
    page.locator("[data-reason]").first.click()
    assert page.locator("#search").input_value()
    page.locator("#theme").click()
    assert one.said == []
    phone = reader(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open(
        work / answer["page"]
    )
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_diff_of_stopped_runs_compares_what_there_is(copy: Path):
    stop(copy / "0001", "interrupted", 3)
    answer = said(copy.parent.parent, "diff", str(copy / "0001"), str(copy / "0002"))
    assert "is not done" in Path(answer["page"]).read_text()
    assert {row["b"]["reason"] for row in answer["left"]} >= {"went on as others"} or answer["left"]
