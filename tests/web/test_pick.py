"""The page of `study pick`: keys and clicks pick, and its line is what a recipe takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_tools import groundglass, picture, run_json

from browser_tools import wait

RECIPE = """
name: held
steps:
  - source: {folder: photos}
    name: photos
  - measure: [sharpness]
  - select: {top_k: 3, by: tenengrad}
    name: best
  - hold_out: {validation: {next: 4, PICK}}
    name: eyes
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(9):
        name = f"{number}<b>.png" if number == 4 else f"{number}.png"
        (tmp_path / "photos" / name).write_bytes(picture(96, 64, number))
    (tmp_path / "held.yaml").write_text(RECIPE.replace("PICK", "pick: 2"))
    run_json(tmp_path, "held.yaml")
    return tmp_path


def test_what_is_picked_by_keys_and_clicks_is_held_out(place, reader):
    done = groundglass(place, "study", "pick", "held", "eyes")
    assert done.returncode == 0, done.stderr
    assert "4 candidates for validation" in done.stdout
    page = reader().open(place / "runs/held/0001/pick-eyes.html")
    assert page.locator("#count").inner_text() == "0 picked, 2 wanted"
    assert page.evaluate("[...document.images].slice(0, 4).every((image) => image.naturalWidth === 96)")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.locator(".tile").nth(3).click()
    page.locator(".tile").nth(3).click()
    wait(page, "document.getElementById('count').textContent === '2 picked, 2 wanted'")
    page.keyboard.press("z")
    wait(page, "document.getElementById('large').open")
    line = page.locator("#line").inner_text()
    (place / "held.yaml").write_text(RECIPE.replace("PICK", line))
    again = run_json(place, "held.yaml")
    assert again["steps"][-1]["held_out"] == 2


def test_a_page_asks_for_nothing_and_names_are_only_text(place, reader):
    groundglass(place, "study", "pick", "held", "eyes", "-o", "pick.html")
    visitor = reader()
    page = visitor.open(place / "pick.html")
    assert page.locator("b").count() == 0
    assert [url for url in visitor.asked if not url.startswith(("file:", "data:"))] == []
    assert visitor.said == []


@pytest.mark.parametrize(
    ("words", "says"),
    [(("held", "eye"), "Did you mean 'eyes'?"), (("held", "eyes", "--split", "tset"), "no split 'tset'")],
)
def test_an_unknown_step_or_split_is_refused(place, words, says):
    done = groundglass(place, "study", "pick", *words)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
