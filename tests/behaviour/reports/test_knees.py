"""The knees of an audit in the report: on the charts of the steps that it judged, and on no others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from groundglass.audits.result_folder import COMMAND, keep_audit
from groundglass.audits.scorecard import Advice, Point, Scorecard
from groundglass.reports.facts import Knee, RunFacts
from groundglass.reports.knees import knees_of
from groundglass.reports.render import render_report
from groundglass.tables.step_record import Threshold
from make_facts import make_facts

KNEE = Knee(Threshold("blockiness", "<", 18.2), 0.97, 0.02, ("jpeg", "flat_blocks"))


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    return make_facts(60)


def advised(gate: str, column: str, op: str = "<", knee: float | None = 18.2) -> Advice:
    point = None if knee is None else Point(knee, 0.7, 0.02, 0.97)
    return Advice(gate, column, op, "", ("jpeg", "flat_blocks"), Point(30.0, 0.8, 0.01, 0.8), point, ())


def audited(run: Path, *thresholds: Advice) -> Path:
    """A run's folder with the scorecard of an audit."""
    card = Scorecard("faceup", str(run), 7, 9, 9, 0, (0, 1), (), (), thresholds, (), (), 0, 0)
    keep_audit(run / COMMAND, card, pa.table({"defect": pa.array([], pa.string())}))
    return run


def test_a_step_gets_the_knee_of_its_gate(facts: RunFacts, tmp_path: Path):
    run = audited(tmp_path, advised("select-1", "blockiness"), advised("gone", "noise"))
    assert knees_of(facts.steps, run) == {"select-1": KNEE}


@pytest.mark.parametrize(
    "advice",
    [
        advised("select-1", "blockiness", knee=None),
        advised("select-1", "noise"),
        advised("select-1", "blockiness", ">="),
        advised("select-2", "sharpness", ">="),
    ],
    ids=["sees no defect", "another column", "another side", "a rule of two comparisons"],
)
def test_a_knee_that_is_none_of_the_steps_own_is_left_out(facts: RunFacts, tmp_path: Path, advice: Advice):
    assert knees_of(facts.steps, audited(tmp_path, advice)) == {}


def test_without_an_audit_no_step_has_a_knee(facts: RunFacts, tmp_path: Path):
    assert knees_of(facts.steps, tmp_path) == {}


def shown(facts: RunFacts, folder: Path, knee: Knee | None) -> str:
    """The page of a report whose first rule has this knee."""
    knees = {} if knee is None else {"select-1": knee}
    return render_report(replace(facts, knees=knees), folder).read_text("utf-8")


def test_the_chart_shows_the_knee_and_says_what_it_costs(facts: RunFacts, tmp_path: Path):
    page = shown(facts, tmp_path / "report", KNEE)
    told = "audit: knee at blockiness &lt; 18.2: recall 97 %, costs 2 % of clean images"
    assert page.count('<svg class="mark"') == 1
    assert page.count(f"<title>{told}</title>") == 1
    assert re.search(rf'<svg [^>]*aria-label="blockiness of \d+ images, [^"]*; {re.escape(told)}"', page)
    said = "18.2</code> catches 97 % of the defective versions (jpeg, flat blocks) and loses 2 % of"
    assert said in page
    assert page.count('data-knee="18.2"') == 1
    assert "The run already uses it" not in page


def test_a_knee_beyond_every_value_stays_on_the_axis(facts: RunFacts, tmp_path: Path):
    knee = replace(KNEE, threshold=Threshold("blockiness", "<", 5000.0))
    page = shown(facts, tmp_path / "report", knee)
    assert '<svg class="mark" x="100.000%"' in page
    assert '<text x="-5" y="10" text-anchor="end"' in page


def test_a_knee_where_the_line_stands_has_no_other_line_to_paste(facts: RunFacts, tmp_path: Path):
    page = shown(facts, tmp_path / "report", replace(KNEE, threshold=Threshold("blockiness", "<", 30.0)))
    assert "The run already uses it." in page
    assert "Copy the recipe line of the knee" not in page


def test_without_an_audit_the_page_has_no_word_of_it(facts: RunFacts, tmp_path: Path):
    page = shown(facts, tmp_path / "report", None)
    assert "knee" not in page
    assert '<svg class="mark"' not in page
    assert "audit:" not in page
