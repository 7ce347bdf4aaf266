"""An overlay that recurs in a source is found on its thumbnails and shown; pictures without one show nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.reports.facts import RunFacts
from groundglass.reports.recurring import FEWEST, recurring_overlays
from groundglass.reports.render import render_report
from make_facts import make_facts


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    return make_facts(150)


def marked(facts: RunFacts, box: tuple[float, float, float, float], weight: float = 0.6) -> RunFacts:
    """The same run, with a lettered bar over every thumbnail; its place in shares of the picture."""
    return replace(
        facts, thumbnails={key: _marked(data, box, weight) for key, data in facts.thumbnails.items()}
    )


def _marked(data: bytes, box: tuple[float, float, float, float], weight: float) -> bytes:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    x, y = round(box[0] * width), round(box[1] * height)
    part = picture[y : y + round(box[3] * height), x : x + round(box[2] * width)]
    part[:] = (1 - weight) * part + weight * 255
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def test_photographs_without_an_overlay_have_none(facts: RunFacts):
    assert recurring_overlays(facts) == ()


@settings(max_examples=5, deadline=None)
@given(x=st.floats(0.1, 0.6), y=st.floats(0.1, 0.7))
def test_an_overlay_is_found_where_it_is(facts: RunFacts, x: float, y: float):
    wanted = (x, y, 0.3, 0.2)
    found = recurring_overlays(marked(facts, wanted))
    assert found
    for overlay in found:
        assert overlay.images >= FEWEST
        assert np.abs(np.subtract(overlay.box, wanted)).max() < 0.06


def test_few_photographs_and_broken_thumbnails_say_nothing(facts: RunFacts):
    box = (0.2, 0.2, 0.3, 0.2)
    few = marked(make_facts(FEWEST - 1), box)
    broken = replace(facts, thumbnails=dict.fromkeys(facts.thumbnails, b"no picture"))
    assert recurring_overlays(few) == recurring_overlays(broken) == ()


def test_the_page_shows_it(facts: RunFacts, tmp_path: Path):
    clean = render_report(facts, tmp_path / "clean").read_text("utf-8")
    page = render_report(marked(facts, (0.2, 0.3, 0.3, 0.2)), tmp_path / "marked").read_text("utf-8")
    assert "Recurring overlays" not in clean
    assert "Recurring overlays" in page
    assert len(re.findall(r"<figure>\s*<svg", page)) == len(
        recurring_overlays(marked(facts, (0.2, 0.3, 0.3, 0.2)))
    )
