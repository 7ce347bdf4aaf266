"""The step `study`: the run waits for people, goes on in its folder when they have voted, and their scores select."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from flow_tools import groundglass, picture, run_json

from groundglass.studies.open_study import open_study
from vote_tools import vote_all

RECIPE = """
name: rated
steps:
  - source: {{folder: photos}}
    name: photos
  - measure: [sharpness]
  - study: {{protocol: acr, votes: 3, checks: {{training: 0}}}}
    name: eyes
  - select: {{study: eyes, where: "{where}"}}
    name: liked
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(4):
        (tmp_path / "photos" / f"{number}.png").write_bytes(picture(96, 64, number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(place: Path, text: str) -> None:
    (place / "recipe.yaml").write_text(text)


def by_number(_rater, _trial, rows) -> int:
    """Image 0 gets 1, image 3 gets 4; damaged copies get 1."""
    row = rows["single"]
    return 1 if row["damaged"] else int(row["name"][0]) + 1


def test_a_run_waits_for_votes_and_goes_on_in_its_folder(place):
    write(place, RECIPE.format(where="score >= 2.5"))
    first = groundglass(place, "run", "recipe.yaml")
    assert first.returncode == 4
    assert "eyes waits for people: 0 votes, and 12 more are needed" in first.stderr
    assert "groundglass study serve runs/rated/0001 eyes" in first.stderr
    assert "run the same command again" in first.stderr
    assert json.loads(groundglass(place, "show", "rated", "--json").stdout)["state"] == "waiting"

    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 2, by_number)
    assert groundglass(place, "run", "recipe.yaml").returncode == 4
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 1, by_number)

    plan = json.loads(groundglass(place, "plan", "recipe.yaml", "--json").stdout)
    assert (plan["resumes"], plan["steps"][2]["to_do"], plan["steps"][2]["cached"]) == (True, 0, 12)
    assert all(step["exact"] for step in plan["steps"])
    last = groundglass(place, "run", "recipe.yaml", "--json")
    assert last.returncode == 0, last.stderr
    found = json.loads(last.stdout)
    assert found["number"] == 1
    steps = {step["step"]: step for step in found["steps"]}
    assert (steps["liked"]["in"], steps["liked"]["out"]) == (4, 2)
    assert steps["eyes"]["facts"]["study"]["votes"] == 12
    table = pq.read_table(next((place / "runs/rated/0001/scores").glob("*.parquet")))
    assert table.column_names == ["id", "score", "ci_low", "ci_high", "votes"]

    why = json.loads(groundglass(place, "why", "rated", "0.png", "--json").stdout)
    assert why["measures"]["eyes.votes"] == 3
    assert why["verdicts"][-1]["reason"].startswith("score 1")


def test_a_changed_threshold_asks_nobody_again(place):
    write(place, RECIPE.format(where="score >= 2.5"))
    groundglass(place, "run", "recipe.yaml")
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 3, by_number)
    assert groundglass(place, "run", "recipe.yaml").returncode == 0
    write(place, RECIPE.format(where="score >= 3.5"))
    again = groundglass(place, "run", "recipe.yaml", "--json")
    assert again.returncode == 0, again.stderr
    found = json.loads(again.stdout)
    assert (found["number"], found["steps"][-1]["out"]) == (2, 1)
    # Both runs show the same study; a new image needs votes of its own.
    assert open_study(place / "runs/rated/0002", "eyes").store.items().num_rows == 4
    (place / "photos" / "9.png").write_bytes(picture(96, 64, 9))
    assert groundglass(place, "run", "recipe.yaml").returncode == 4


def test_a_moved_run_still_finds_the_votes_of_an_earlier_one(place):
    write(place, RECIPE.format(where="score >= 2.5"))
    groundglass(place, "run", "recipe.yaml")
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 3, by_number)
    groundglass(place, "run", "recipe.yaml")
    write(place, RECIPE.format(where="score >= 1.5"))
    groundglass(place, "run", "recipe.yaml")
    (place / "runs").rename(place / "elsewhere")
    with open_study(place / "elsewhere/rated/0002", "eyes").store as store:
        assert store.votes().num_rows >= 12


def test_tiles_are_selected_by_the_scores_of_their_photos(place):
    text = RECIPE.format(where="score >= 2.5").replace("  - select", "  - transform: {tile: 32}\n  - select")
    write(place, text)
    refused = groundglass(place, "plan", "recipe.yaml")
    assert refused.returncode == 2
    assert "root.score" in refused.stderr
    write(place, text.replace('study: eyes, where: "score', 'where: "root.eyes.score'))
    assert groundglass(place, "run", "recipe.yaml").returncode == 4
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 3, by_number)
    found = run_json(place, "recipe.yaml")
    assert (found["steps"][-1]["in"], found["steps"][-1]["out"]) == (24, 12)


def test_a_review_of_dropped_images_begins_with_those_nearest_to_the_limit(place):
    text = RECIPE.format(where="x").split("  - study")[0]
    text += '  - select: {where: "tenengrad > 1e6"}\n    name: sharp\n'
    text += "  - study: {protocol: accept, dropped_by: sharp, items: 2, votes: 1}\n    name: review\n"
    write(place, text)
    assert groundglass(place, "run", "recipe.yaml").returncode == 4
    study = open_study(place / "runs/rated/0001", "review")
    with study.store as store:
        rated = [item["row"] for item in store.items().to_pylist() if item["role"] == "rate"]
    verdicts = pq.read_table(place / "runs/rated/0001/selections/sharp.parquet").to_pylist()
    nearest = sorted(verdicts, key=lambda verdict: abs(verdict["margin"]))
    assert rated == [verdict["id"] for verdict in nearest[:2]]


def test_rival_folders_get_a_win_rate(place):
    for arm in ("old", "new"):
        (place / arm).mkdir()
        for number in range(3):
            (place / arm / f"{number}.png").write_bytes(picture(64, 64, number + 10 * (arm == "new")))
    text = RECIPE.format(where="x").split("  - study")[0]
    write(
        place,
        text + "  - study: {protocol: pairwise, folders: {old: old, new: new}, votes: 2}\n    name: duel\n",
    )
    assert groundglass(place, "run", "recipe.yaml").returncode == 4
    study = open_study(place / "runs/rated/0001", "duel")
    with study.store:
        vote_all(study, 2, lambda _rater, _trial, rows: "left" if rows["left"]["arm"] == "new" else "right")
    status = groundglass(place, "study", "status", "rated", "duel")
    assert status.returncode == 0, status.stderr
    assert ["old", "new", "0%"] in [line.split()[:3] for line in status.stdout.splitlines()]
    found = run_json(place, "recipe.yaml")
    (arm,) = found["steps"][-1]["facts"]["study"]["arms"]
    assert (arm["one"], arm["other"], arm["rate"], arm["votes"]) == ("old", "new", 0.0, 6)
    assert any(note.startswith("old won 0% against new") for note in found["steps"][-1]["notes"])


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("study: {protocol: acr, prompt: meta.captoin}", "meta.captoin"),
        ("study: {protocol: accept, dropped_by: liekd}", "no selection before this step is called 'liekd'"),
        ("study: {protocol: pairwise, folders: {a: photos, b: nowhere}}", "there is no folder"),
        ("study: {checks: {answers: none.csv}}", "cannot read"),
        ("study: {protocoll: acr}", "did you mean `protocol`"),
        ('select: {study: eyse, where: "score > 3"}', "did you mean `eyes`"),
        ('select: {study: eyes, where: "scroe > 3"}', "score"),
    ],
)
def test_a_wrong_study_stops_in_plan(place, step, says):
    write(place, RECIPE.format(where="score >= 2.5") + f"  - {step}\n    name: wrong\n")
    found = groundglass(place, "plan", "recipe.yaml")
    assert found.returncode == 2
    assert says in found.stderr


def test_a_waiting_run_shows_so_everywhere_and_its_gate_is_closed_to_an_audit(place):
    write(place, RECIPE.format(where="score >= 2.5"))
    groundglass(place, "run", "recipe.yaml")
    report = groundglass(place, "report", "runs/rated/0001")
    assert report.returncode == 0, report.stderr
    page = (place / "runs/rated/0001/report/index.html").read_text()
    assert "Waiting for votes" in page
    refused = groundglass(place, "audit", "runs/rated/0001")
    assert "is not finished (waiting)" in refused.stderr
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 3, by_number)
    run_json(place, "recipe.yaml")
    page = (place / "runs/rated/0001/report/index.html").read_text()
    assert "Waiting for votes" not in page
    card = json.loads(groundglass(place, "audit", "runs/rated/0001", "--sample", "2", "--json").stdout)
    assert [name for name, why in card["closed"] if "measured elsewhere" in why] == ["liked"]


def test_a_killed_run_and_a_server_that_is_open_lose_no_vote(place):
    """The run reads the votes while a server holds the study open."""
    write(place, RECIPE.format(where="score >= 2.5"))
    groundglass(place, "run", "recipe.yaml")
    study = open_study(place / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(study, 3, by_number)
        assert run_json(place, "recipe.yaml")["steps"][2]["facts"]["study"]["votes"] == 12
        assert study.store.votes().num_rows >= 12
