"""`groundglass study plan` fits a narrow terminal, needs no page, and refuses what it cannot plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flow_tools import groundglass


def plan(folder: Path, text: str, *arguments: str, **environment: str):
    (folder / "study.yaml").write_text(text)
    return groundglass(folder, "study", "plan", "study.yaml", "--simulations", "2", *arguments, **environment)


def test_a_plan_names_trials_minutes_and_intervals(tmp_path):
    done = plan(tmp_path, "protocol: acr\nitems: 60\nvotes: 4\nraters: 12\n", "--json")
    found = json.loads(done.stdout)
    assert (found["units"], found["counted"], found["raters"]) == (60, 240, 12)
    assert [width["votes"] for width in found["widths"]] == [3, 4, 5, 8, 12]
    assert found["minutes"] > 0
    assert found["left_out"] == []
    more = json.loads(
        plan(tmp_path, "protocol: acr\nitems: 60\n", "--votes", "9", "--raters", "3", "--json").stdout
    )
    assert any("3 raters cannot give 9 votes" in note for note in more["notes"])


@pytest.mark.parametrize(
    "text", ["protocol: acr", "protocol: pairwise", "protocol: slider", "protocol: accept"]
)
def test_no_line_is_wider_than_the_terminal(tmp_path, text):
    done = plan(tmp_path, f"{text}\nitems: 30\nvotes: 4\n", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "study serve" not in line]
    assert max(map(len, lines)) <= 80
    assert "± " in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("protocol: acr\n", "does not say how many images are rated"),
        ("protocol: acr\nitmes: 3\n", "did you mean `items`?"),
        ("protocol: acr\nitems: 0\n", "`items` must be"),
        ("protocol: accept\nitems: 3\nstop: 1\n", "`stop` has no meaning"),
        ("protocol: pairwise\nitems: 3\nchecks: {answers: gold.csv}\n", "`answers` has no meaning"),
    ],
)
def test_a_study_that_cannot_be_planned_is_refused(tmp_path, text, says):
    done = plan(tmp_path, text)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_a_name_without_a_run_is_refused(tmp_path):
    done = groundglass(tmp_path, "study", "plan", "rate")
    assert done.returncode == 2
    assert "there is no file rate" in done.stderr
    assert groundglass(tmp_path, "study", "plan", "a", "b", "c").returncode == 2


def test_fewer_raters_than_votes_are_named_in_a_note(tmp_path):
    done = plan(tmp_path, "protocol: acr\nitems: 60\n", "--raters", "2")
    assert done.returncode == 0, done.stderr
    assert "2 raters cannot give 5 votes to an image" in " ".join(done.stdout.split())
