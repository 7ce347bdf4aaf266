"""The quality of whole sources is on the page where a step judged it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundglass.reports.qualities import WIDTH, view_qualities
from groundglass.reports.render import render_report
from make_facts import make_facts

WEB = {
    "quality": 0.752,
    "ci95": [0.74, 0.77],
    "mixture": {"0.5": 0.25, "0.95": 0.75},
    "images": 40,
    "abstained": None,
}
FEW = {"quality": None, "ci95": None, "mixture": {}, "images": 3, "abstained": "3 images are too few"}


def test_bars_fill_their_width_from_the_worst_quality():
    parts = view_qualities([("sources", {"web": WEB})])[0].parts
    assert [part[3] for part in parts] == [True, False]
    assert sum(part[1] for part in parts) == pytest.approx(WIDTH)
    assert parts[1][0] == parts[0][1]


def test_the_page_shows_it_where_it_was_judged(tmp_path: Path):
    facts = make_facts(12)
    plain = render_report(facts, tmp_path / "plain").read_text("utf-8")
    judged = replace(facts, qualities=(("sources", {"<b>web": WEB, "few": FEW}),))
    page = render_report(judged, tmp_path / "judged").read_text("utf-8")
    assert "Quality of whole sources" not in plain
    assert "Quality of whole sources" in page
    assert "0.74–0.77" in page
    assert "3 images are too few" in page
    assert "&lt;b&gt;web" in page
    assert "<b>web" not in page
