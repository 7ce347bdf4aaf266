"""The proofs of a run on a page of its report: drawn as they were decided, and damage is said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.proofs.comparison import Effect, limits, verdicts
from groundglass.proofs.prove import ArmResult, Proof
from groundglass.proofs.result_folder import COMMAND, PROOF, RESULT, keep_proof, read_proofs
from groundglass.reports.facts import RunFacts
from groundglass.reports.proof_page import bands, view_proofs
from groundglass.reports.render import render_report
from make_facts import make_facts

RESULTS = (
    ArmResult("selected", "random", "better", 0.018, (0.010, 0.026), 0.0035, 0.012, 200, "selection"),
    ArmResult("without a<b", "selected", "worse", -0.031, (-0.04, -0.02), 0.0035, 0.012, 200, "selection"),
    ArmResult(
        "without b", "selected", "failed", None, None, None, None, 0, "selection", "b has 3 usable images"
    ),
)
FOUND = Proof(RESULTS, "instant", 48.0, 0.025, 95, "crops", 26.0, {}, ("12 images are left out",), 1)


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    return make_facts(8)


def rendered(facts: RunFacts, run: Path) -> Path:
    return render_report(replace(facts, folder=str(run)), run / "report").parent


def test_a_run_without_a_proof_has_no_page_and_no_word_of_it(facts: RunFacts, tmp_path: Path):
    report = rendered(facts, tmp_path)
    assert not (report / "proof.html").exists()
    assert "proof.html" not in (report / "index.html").read_text(encoding="utf-8")


def test_every_proof_has_its_section_with_all_numbers(facts: RunFacts, tmp_path: Path):
    keep_proof(tmp_path / PROOF / "checked", FOUND)
    keep_proof(tmp_path / PROOF / COMMAND, replace(FOUND, preset="quick", false_alarm_rate=None))
    report = rendered(facts, tmp_path)
    assert 'href="proof.html"' in (report / "index.html").read_text(encoding="utf-8")
    page = (report / "proof.html").read_text(encoding="utf-8")
    assert re.findall(r'<section class="one" id="(.*?)"', page) == ["checked", "command"]
    for text in (
        "The selection trains better than as many random images: +0.018 dB (95 % interval +0.010 to +0.026).",
        "without a&lt;b",
        "−0.040 to −0.020",
        "±0.012",
        "the gate helps",
        "Without b failed: b has 3 usable images.",
        "12 images are left out.",
        "blind to upscaling by 4",
        "was not measured",
    ):
        assert text in page
    assert "a<b" not in page


def test_a_proof_that_cannot_be_read_is_named_and_the_others_are_shown(facts: RunFacts, tmp_path: Path):
    keep_proof(tmp_path / PROOF / "good", FOUND)
    for name, text in {"cut": '{"arms": [', "other": '{"preset": 3}', "binary": "\x00"}.items():
        (tmp_path / PROOF / name).mkdir()
        (tmp_path / PROOF / name / RESULT).write_text(text)
    assert {name: proof is None for name, proof in read_proofs(tmp_path).items()} == {
        "good": False,
        "cut": True,
        "other": True,
        "binary": True,
    }
    page = (rendered(facts, tmp_path) / "proof.html").read_text(encoding="utf-8")
    assert page.count("This proof cannot be read") == 3
    assert "proof/cut/proof.json is damaged" in page
    assert "The selection trains better" in page


def test_what_is_kept_is_read_back(tmp_path: Path):
    keep_proof(tmp_path / PROOF / "one", FOUND)
    assert read_proofs(tmp_path) == {"one": FOUND}


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0.001, 0.3), st.floats(0.001, 0.3)), min_size=1, max_size=8
    )
)
def test_an_effect_is_outside_its_band_exactly_if_it_is_called_different(drawn):
    effects = [Effect(*numbers, 40, "selection") for numbers in drawn]
    limit = limits(len(effects))[0]
    arms = tuple(
        ArmResult("a", "b", said, one.effect, one.ci95, one.null_sd, limit * one.spread, 40, "selection")
        for one, said in zip(effects, verdicts(effects), strict=True)
    )
    for arm, band in zip(arms, bands(Proof(arms, "instant", 0, None)), strict=True):
        assert arm.effect is not None
        assert band is not None
        if abs(abs(arm.effect) - band) > 1e-9:
            assert (abs(arm.effect) > band) == (arm.verdict != "no difference shown")


def test_the_plot_says_each_effect_in_words(tmp_path: Path):
    keep_proof(tmp_path / PROOF / "one", FOUND)
    (view,) = view_proofs(tmp_path)
    for arm in view.arms:
        assert re.search(r'role="img" aria-label="[^"]{30,}"', arm.strip)
        assert "<desc>" in arm.strip
    better, worse, failed = view.arms
    assert "<circle" in better.strip
    assert "<path" in worse.strip
    assert 'class="arm' not in failed.strip
    assert [arm.glyph for arm in view.arms] == ["●", "✕", "–"]
