"""Captions and other words in a real browser: beside the picture, and found by the search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundglass.reports.render import render_report
from make_facts import make_facts
from patience import wait_until

NASTY = '<script>window.bitten = true</script> & "so on"'


def test_words_stand_beside_the_picture_and_can_be_searched(tmp_path: Path, reader) -> None:
    facts = make_facts(30)
    count = facts.rows.num_rows
    captions = [f"A picture with the number {place}-{place}." for place in range(count)]
    captions[3] = NASTY
    told = replace(facts, said={"caption": captions, "category": [None] * 3 + ["city"] * (count - 3)})
    one = reader()
    page = one.open(render_report(told, tmp_path / "report"))
    assert page.evaluate("Model.said(0)") == [["caption", "A picture with the number 0-0."]]
    assert page.evaluate("Model.said(3)") == [["caption", NASTY], ["category", "city"]]
    page.evaluate("Drawer.open(3)")
    text = page.locator("#drawer").inner_text()
    assert NASTY in text
    assert "city" in text
    assert page.evaluate("window.bitten") is None
    page.keyboard.press("Escape")
    page.locator("#search").fill("number 7-7.")

    def found() -> str:
        chips = [chip.inner_text() for chip in page.locator(".chip").all()]
        return next(text for text in chips if "All" in text).split()[-1]

    wait_until(lambda: found() == "1", "one picture found")
    assert one.said == []
