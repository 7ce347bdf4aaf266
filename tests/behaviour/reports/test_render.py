"""The report folder without a browser: its data are the tables', its text is escaped, it is whole or as before."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import UnreachableError
from groundglass.reports import render
from groundglass.reports.facts import HeldOut, RunFacts
from groundglass.reports.page_data import coded, packed, safe_json
from groundglass.reports.page_model import headline, summary
from groundglass.reports.render import render_report
from groundglass.reports.run_status_notice import notice_of
from groundglass.reports.step_pools import Pools
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import share
from make_facts import NASTY, empty_facts, make_facts, many_facts, stopped_facts, unreadable_facts


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    return make_facts(60)


@pytest.fixture(scope="module")
def report(facts: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(facts, tmp_path_factory.mktemp("run") / "report").parent


def data_of(report: Path) -> dict:
    text = (report / "data.js").read_text("ascii")
    return json.loads(text.removeprefix("window.GROUNDGLASS = ").rstrip().removesuffix(";"))


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


class Tags(HTMLParser):
    """The tags and texts of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_numbers_arrive_exactly(facts: RunFacts, report: Path):
    columns = {column["name"]: unpacked(column["values"], "<f8") for column in data_of(report)["columns"]}
    for name in facts.columns:
        np.testing.assert_array_equal(columns[name], Pools(facts).values(name))
    assert np.nansum(columns["width"]) == sum(width or 0 for width in facts.rows["width"].to_pylist())


def test_pools_hold_every_verdict(facts: RunFacts, report: Path):
    step = data_of(report)["steps"][2]
    rows, status = unpacked(step["rows"], "<i4"), unpacked(step["status"], "<u1")
    verdicts = {row["id"]: row for row in facts.verdicts.to_pylist() if row["step"] == "select-1"}
    ids = facts.rows["id"].to_pylist()
    assert len(rows) == len(verdicts) == facts.steps[2].into
    assert np.all(np.diff(rows) > 0)
    assert {ids[row]: code == 0 for row, code in zip(rows, status, strict=True)} == {
        key: row["kept"] for key, row in verdicts.items()
    }


def test_pools_of_other_steps_are_the_rows_that_were_there(facts: RunFacts):
    pools = Pools(facts)
    for step in facts.steps:
        assert len(pools.of(step)) == step.into if step.kind != "transform" else True
    assert len(pools.of(facts.steps[5])) == facts.steps[5].into + facts.steps[5].out


def test_page_has_no_markup_of_its_images(report: Path):
    text = (report / "index.html").read_text("utf-8")
    tags = Tags(text).tags
    scripts = [attrs.get("src") for tag, attrs in tags if tag == "script"]
    assert all(scripts)
    assert not any(tag == "img" or name.startswith("on") for tag, attrs in tags for name in attrs)
    assert not any(
        re.match(r"(https?:)?//", attrs.get(name) or "") for _, attrs in tags for name in ("src", "href")
    )
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_page_names_failures_as_they_are(facts: RunFacts, tmp_path: Path):
    bad = tuple(replace(facts.failures[0], uri=name, detail=name) for name in NASTY)
    page = render_report(replace(facts, failures=bad), tmp_path / "report").read_text("utf-8")
    for name in NASTY:
        assert html.escape(name, quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page
    assert "<script>window.hacked" not in page


@given(st.text())
def test_json_in_scripts_is_harmless_and_whole(text: str):
    encoded = safe_json(text)
    assert encoded.isascii()
    assert not set("<>&") & set(encoded)
    assert json.loads(encoded) == text


@given(st.lists(st.none() | st.text(max_size=3)))
def test_coded_words_come_back(words):
    found = coded(words)
    assert [None if code < 0 else found["words"][code] for code in found["codes"]] == words


@given(st.lists(st.floats(width=64)))
def test_packed_numbers_come_back(values):
    np.testing.assert_array_equal(unpacked(packed(np.array(values, float), "f8"), "<f8"), values)


def test_every_file_that_the_page_names_is_there(report: Path):
    tags = Tags((report / "index.html").read_text("utf-8")).tags
    named = {attrs[key] for _, attrs in tags for key in ("src", "href") if attrs.get(key, "#")[0] != "#"}
    assert named >= {"data.js", "tokens.css", "page.js"}
    assert all((report / name).is_file() for name in named)
    assert all((report / "sheets" / sheet["name"]).is_file() for sheet in data_of(report)["sheets"]["files"])


def test_made_again_it_is_the_same_and_leaves_nothing_behind(facts: RunFacts, tmp_path: Path):
    def contents() -> dict:
        return {
            path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
        }

    render_report(facts, tmp_path / "report")
    first = contents()
    render_report(facts, tmp_path / "report")
    assert contents() == first
    render_report(replace(facts, thumbnails={}), tmp_path / "report")
    assert list((tmp_path / "report" / "sheets").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_failing_half_way_leaves_the_old_report(
    facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    index = render_report(facts, tmp_path / "report")
    before = index.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(render, "page", full)
    with pytest.raises(UnreachableError, match="No space left"):
        render_report(replace(facts, name="other"), tmp_path / "report")
    assert index.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("make", [empty_facts, unreadable_facts, stopped_facts, lambda: make_facts(1)])
def test_sad_runs_have_a_notice_with_a_command(make, tmp_path: Path):
    facts = make()
    notice = notice_of(facts)
    text = render_report(facts, tmp_path / "report").read_text("utf-8")
    assert notice is None or (html.escape(notice.title) in text and notice.command.startswith("groundglass "))


def test_failed_run_says_its_error(facts: RunFacts):
    notice = notice_of(replace(facts, state="failed", error="the disk is full", hint="free some space"))
    assert notice is not None
    assert "the disk is full. Free some space." in notice.text
    assert notice.bad


@pytest.mark.parametrize("place", ["born_at", "left_at"])
def test_facts_that_name_no_step_are_refused(facts: RunFacts, place: str):
    column = facts.rows.schema.get_field_index(place)
    wrong = facts.rows.set_column(
        column, facts.rows.schema.field(place), pa.array(["nowhere"] * len(facts.rows))
    )
    with pytest.raises(ValueError, match="nowhere"):
        replace(facts, rows=wrong)


def test_facts_without_a_column_are_refused(facts: RunFacts):
    with pytest.raises(ValueError, match="lacks uri"):
        replace(facts, rows=facts.rows.drop_columns(["uri"]))


def test_rule_on_a_column_that_no_image_has_is_shown_without_a_line(tmp_path: Path):
    facts = many_facts(50)
    rule = facts.steps[1]
    strange = replace(
        rule, thresholds=(*rule.thresholds, replace(rule.thresholds[0], column="root.blockiness"))
    )
    render_report(replace(facts, steps=(facts.steps[0], strange)), tmp_path / "report")
    assert data_of(tmp_path / "report")["steps"][1]["lines"] == []


def test_steps_that_were_not_reached_have_no_charts(tmp_path: Path):
    facts = many_facts(20)
    waiting = StepRecord("select-2", "select", "later", 0, 0, seconds=None)
    page = render_report(replace(facts, steps=(*facts.steps, waiting)), tmp_path / "report").read_text(
        "utf-8"
    )
    assert "has not come this far" in page


def test_headline_tells_what_is_held_out_from_what_is_kept(facts: RunFacts):
    kept = facts.steps[-1].out
    steps = (*facts.steps[:-1], replace(facts.steps[-1], into=kept + 3, out=kept + 3))
    held = replace(facts, steps=steps, held_out=(HeldOut("photographs", 3, 2),))
    assert headline(facts) == f"{kept} tiles from 60 files"
    assert headline(held) == f"{kept} tiles and 3 photographs held out, from 60 files"
    assert headline(replace(held, steps=facts.steps[:-1])) == headline(held)
    assert (
        headline(replace(held, held_out=(HeldOut("tiles", 3),)))
        == f"{kept} tiles and 3 held out, from 60 files"
    )
    dropped = sum(step.dropped for step in facts.steps)
    assert summary(facts).startswith(f"{dropped} dropped")
    assert summary(held).startswith(f"{dropped - 2} dropped")


@given(st.integers(1, 10**6), st.data())
def test_shares_are_rounded_but_some_is_not_all_nor_none(whole: int, data: st.DataObject):
    part = data.draw(st.integers(0, whole) | st.sampled_from([0, 1, whole - 1, whole]))
    shown = float(share(part, whole).removesuffix(" %"))
    assert (shown == 0, shown == 100) == (part == 0, part == whole)
    assert shown in (0.1, 99.9) or abs(shown - 100 * part / whole) <= 0.05 + 1e-9
