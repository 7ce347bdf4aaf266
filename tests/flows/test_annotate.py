"""Recipes that ask a multimodal model: a real server on loopback, well and ill, and what is left of runs it spoils."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, run_json, steps

from groundglass import testing
from groundglass.calls.ledger import read_lines
from groundglass.testing.model_server import Asked, ModelServer
from patience import STOPS_A_HANG, wait_until

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

KEY = "key-that-nobody-may-see"

RECIPE = """
name: described
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - annotate:
      model: {{openai: some-model, base_url: "{url}"}}
      ask: [caption, category, score]
      vocabulary: [people, animals, city]
      price: {{input: 100, output: 1000}}
      long_edge: 64
      concurrency: 4
{more}
    name: asked
{after}
"""

AFTER = """
  - select: {where: "caption is not null"}
    name: told
  - select: {quota: {people: 50, animals: 50, city: 50}, per: category, by: score}
    name: shares
  - release: {format: folder}
    name: out
"""

PICTURES = 8
QUESTIONS = 3


def prepared(
    folder: Path, server: ModelServer, more: str = "", after: str = AFTER, count: int = PICTURES
) -> Path:
    (folder / "photos").mkdir(exist_ok=True)
    for seed in range(count):
        (folder / "photos" / f"{seed:03d}.png").write_bytes(testing.png(testing.photo(120, 90, seed)))
    indented = "".join(f"      {line}\n" for line in more.splitlines())
    text = RECIPE.format(url=server.url, more=indented.rstrip("\n"), after=after)
    (folder / "described.yaml").write_text(text, encoding="utf-8")
    return folder / "runs" / "described"


def ledger_of(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The calls of a ledger: as they were sent, and as they ended."""
    lines = list(read_lines(run / "calls" / "asked.jsonl"))
    sent = {line["call"]: line for line in lines if line["event"] == "sent"}
    return sent, {line["call"]: line for line in lines if line["event"] == "ended"}


def assert_ledger_is_the_servers_count(run: Path, server: ModelServer, cut_off: int = 0) -> None:
    """Every call of the one is in the other. A call's line is written before it leaves, so that a kill between the two
    leaves a line of a call that never came: at most ``cut_off`` of these, and none of them answered."""
    sent, ended = ledger_of(run)
    counted = {one.asked.call: one for one in server.served}
    never_came = sent.keys() - counted.keys()
    assert counted.keys() <= sent.keys(), "no call without its line"
    assert len(never_came) <= cut_off
    assert not never_came & ended.keys(), "an answer to a call that never came"
    assert len(counted) == len(server.served)
    answered = {call: line for call, line in ended.items() if line["outcome"] in ("answered", "refused")}
    assert {call: (line["tokens_in"], line["tokens_out"]) for call, line in answered.items()} == {
        call: (counted[call].tokens_in, counted[call].tokens_out) for call in answered
    }


def answers(runs: Path, question: str) -> list[dict[str, Any]]:
    folders = list((runs / "store" / "measures").glob(f"{question}-*"))
    rows = [
        row
        for folder in folders
        for part in folder.glob("*.parquet")
        for row in pq.read_table(part).to_pylist()
    ]
    return sorted(rows, key=lambda row: row["sha256"])


def test_answers_are_columns_like_any_other(tmp_path: Path):
    with ModelServer() as server:
        runs = prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "described.yaml"))
        assert len(server.served) == PICTURES * QUESTIONS
        assert all((one.asked.width, one.asked.height) == (64, 48) for one in server.served)
        assert_ledger_is_the_servers_count(runs / "0001", server)
        facts = done["asked"]["facts"]
        assert (facts["tokens_in"], facts["tokens_out"]) == server.tokens()
        assert facts["cost"] == pytest.approx((facts["tokens_in"] * 100 + facts["tokens_out"] * 1000) / 1e6)
        again = steps(run_json(tmp_path, "described.yaml"))
        assert len(server.served) == PICTURES * QUESTIONS, "what is known must not be asked again"
    assert again["asked"]["cached"] == PICTURES
    assert done["shares"]["in"] == PICTURES
    assert done["shares"]["out"] == PICTURES

    manifest = pq.read_table(runs / "0001" / "release" / "manifest.parquet").to_pylist()
    assert all(row["caption"].startswith("caption of 64 x 48 px") for row in manifest)
    assert {row["score_from"] for row in manifest} == {"probabilities"}
    card = (runs / "0001" / "release" / "README.md").read_text()
    assert "asked of openai:some-model" in card

    lock = json.loads((runs / "0001" / "recipe.lock").read_text())["models"]["asked"]
    assert lock["model"] == f"openai:some-model at {server.url}"
    assert lock["long_edge"] == 64
    assert set(lock["prompts"]) == {"caption", "category", "score"}
    assert (runs / "0001" / "recipe.lock").read_text() == (runs / "0002" / "recipe.lock").read_text()

    report = (runs / "0001" / "report" / "data.js").read_text()
    assert all(row["caption"] in report for row in manifest)
    audited = groundglass(tmp_path, "audit", "described", "--sample", "2", "--defects", "blur")
    assert "shares is not audited: category is a model's answer" in audited.stdout

    told = groundglass(tmp_path, "why", "described", "003.png")
    assert "caption of 64 x 48 px" in told.stdout
    assert "probabilities" in told.stdout


def test_answers_go_out_beside_the_pictures_and_their_tiles(tmp_path: Path):
    """The held-out photograph has its own caption, a tile that of its photograph: one column."""
    after = """
  - hold_out: {validation: {count: 1, by: score}}
    name: held
  - transform: {tile: 32}
    name: tiles
  - release: {format: folder, captions: root.caption}
    name: out
"""
    with ModelServer() as server:
        runs = prepared(tmp_path, server, after=after, count=3)
        run_json(tmp_path, "described.yaml")
    release = runs / "0001" / "release"
    said = {row["sha256"]: row for row in answers(runs, "caption")}
    high = pq.read_table(release / "manifest.parquet").to_pylist()
    told = {
        f"{split}/{row['file_name']}": row
        for split in ("train", "validation")
        for row in map(json.loads, (release / split / "metadata.jsonl").read_text().splitlines())
    }
    assert len(told) == len(high) > 3
    for row in high:
        caption = said[row["source_sha256"]]["caption"]
        assert told[row["file"]].keys() == {"file_name", "caption", "category", "score", "score_from"}
        assert told[row["file"]]["caption"] == caption
        assert (release / row["file"]).with_suffix(".txt").read_text() == caption


def test_an_edited_vocabulary_asks_for_the_category_alone(tmp_path: Path):
    with ModelServer() as server:
        prepared(tmp_path, server, after="")
        run_json(tmp_path, "described.yaml")
        before = len(server.served)
        change = "steps.asked.annotate.vocabulary=[people, plants]"
        planned = groundglass(tmp_path, "plan", "described.yaml", "--set", change)
        assert f"{PICTURES} answers to ask for, {2 * PICTURES} known already" in planned.stdout
        run_json(tmp_path, "described.yaml", "--set", change)
        assert {one.asked.name for one in server.served[before:]} == {"category"}
        assert len(server.served) == before + PICTURES


def every(word: str, step: int) -> Callable[[Asked], str]:
    return lambda asked: word if asked.number % step == 0 else ""


@pytest.mark.parametrize(
    "fault", ["busy", "cut", "page", "malformed", "wrong_schema", "no_schema", "no_probabilities"]
)
def test_a_server_with_moods_costs_calls_but_no_answer(tmp_path: Path, fault: str):
    with ModelServer(every(fault, 5)) as server:
        runs = prepared(tmp_path, server, after="")
        done = steps(run_json(tmp_path, "described.yaml"))
        assert_ledger_is_the_servers_count(runs / "0001", server)
    missing = sum(done["asked"]["reasons"].values())
    # a repair can meet the fault again: then it is a row with that reason
    assert missing <= (2 if fault in ("malformed", "wrong_schema") else 0), done["asked"]["reasons"]
    assert len(answers(runs, "caption")) == PICTURES
    assert done["asked"]["out"] == PICTURES


def test_answers_that_are_none_are_rows_with_a_reason(tmp_path: Path):
    def misbehave(asked: Asked) -> str:
        if asked.name == "caption":
            return "refusal" if asked.image[-40] % 2 else ""
        return "out_of_vocabulary" if asked.name == "category" and asked.image[-40] % 2 == 0 else ""

    with ModelServer(misbehave) as server:
        runs = prepared(
            tmp_path, server, after="  - select: {where: \"category = 'city'\"}\n    name: city\n"
        )
        done = steps(run_json(tmp_path, "described.yaml"))
        served = len(server.served)
        run_json(tmp_path, "described.yaml")
        assert len(server.served) == served, "a refusal is an answer: it is not asked for again"
    captions, categories = answers(runs, "caption"), answers(runs, "category")
    assert {row["error"] for row in captions} == {None, "refused: I cannot help with that."}
    outside = [row for row in categories if row["error"]]
    assert outside
    assert {row["error"] for row in outside} == {"not_in_vocabulary: 'something else'"}
    assert {row["category"] for row in outside} == {None}, "no word is mapped to another"
    assert done["asked"]["reasons"]["category: not_in_vocabulary"] == len(outside)
    assert done["city"]["failed"] == len(outside)


def test_the_budget_is_never_exceeded_and_the_rest_is_asked_with_the_next_one(tmp_path: Path):
    with ModelServer() as server:
        runs = prepared(tmp_path, server, "budget: {calls: 10}", after="")
        done = steps(run_json(tmp_path, "described.yaml"))
        assert len(server.served) == 10
        assert sum(done["asked"]["reasons"].values()) == PICTURES * QUESTIONS - 10
        assert any("budget is spent" in note for note in done["asked"]["notes"])
        more = "steps.asked.annotate.budget.calls=1000"
        done = steps(run_json(tmp_path, "described.yaml", "--set", more))
        assert len(server.served) == PICTURES * QUESTIONS, "nothing is asked twice"
    assert done["asked"]["reasons"] == {}
    assert len(answers(runs, "score")) == PICTURES


def test_a_budget_too_small_for_one_call_asks_nothing(tmp_path: Path):
    with ModelServer() as server:
        prepared(tmp_path, server, "budget: {money: 1}", after="")
        done = steps(run_json(tmp_path, "described.yaml"))
        assert server.served == []
    assert sum(done["asked"]["reasons"].values()) == PICTURES * QUESTIONS
    assert done["asked"]["out"] == PICTURES


def test_a_server_that_talks_nonsense_ends_no_run_and_is_paid_once(tmp_path: Path):
    """Each odd reply is a row with its reason; the next run asks none of them again."""
    with ModelServer(lambda asked: "malformed" if asked.number >= 9 else "") as server:
        runs = prepared(tmp_path, server, after="", count=20)
        text = (tmp_path / "described.yaml").read_text()
        (tmp_path / "described.yaml").write_text(text.replace("concurrency: 4", "concurrency: 1"))
        done = steps(run_json(tmp_path, "described.yaml"))
        assert sum(done["asked"]["reasons"].values()) == 20 * QUESTIONS - 9
        assert "caption: malformed" in done["asked"]["reasons"]
        assert_ledger_is_the_servers_count(runs / "0001", server)
        served = len(server.served)
        run_json(tmp_path, "described.yaml")
        assert len(server.served) == served


def test_a_model_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("groundglass.steps.annotate.ask_image.MOST_ODD", 12)
    with ModelServer(lambda _: "malformed") as server:
        prepared(tmp_path, server, after="", count=20)
        done = groundglass(tmp_path, "run", "described.yaml")
        assert done.returncode == 3
        assert "calls in a row brought no answer" in done.stderr
        assert len(server.served) < 60, "it must not ask for an hour"


def test_a_refused_key_stops_at_once_and_is_written_nowhere(tmp_path: Path):
    with ModelServer(lambda _: "no_access") as server:
        prepared(tmp_path, server, after="")
        done = groundglass(tmp_path, "run", "described.yaml", GROUNDGLASS_API_KEY=KEY)
        assert done.returncode == 3
        assert "refuses access (401)" in done.stderr
        assert len(server.served) <= 4
        assert {one.asked.key for one in server.served} == {KEY}
        server.misbehave = every("error", 6)
        assert groundglass(tmp_path, "run", "described.yaml", GROUNDGLASS_API_KEY=KEY).returncode == 0
    assert KEY not in done.stderr + done.stdout
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert holding == []


def stop_after(folder: Path, server: ModelServer, calls: int, how: signal.Signals) -> int:
    """Start a run, signal it once the server was asked so often, and give its exit code."""
    process = subprocess.Popen(
        command("run", "described.yaml"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=heeds_control_c,
    )
    wait_until(lambda: len(server.served) >= calls or process.poll() is not None)
    process.send_signal(how)
    return process.wait(STOPS_A_HANG)


def test_killed_and_started_again_the_ledger_is_still_the_servers_count(tmp_path: Path):
    with ModelServer(lambda _: "slow", seconds=0.15) as server:
        runs = prepared(tmp_path, server, after="", count=16)
        for calls in (9, 27):
            stop_after(tmp_path, server, calls, signal.SIGKILL)
        result = run_json(tmp_path, "described.yaml")
        assert result["number"] == 1
        in_flight = 2 * 4
        assert_ledger_is_the_servers_count(runs / "0001", server, cut_off=in_flight)
        sent, ended = ledger_of(runs / "0001")
        lost = len(sent) - len(ended)
    assert 0 < lost <= in_flight
    assert len(server.served) <= 16 * QUESTIONS + in_flight, "only what was in flight may be asked again"
    assert steps(result)["asked"]["facts"]["unanswered"] == lost
    for question in ("caption", "category", "score"):
        rows = answers(runs, question)
        assert len({row["sha256"] for row in rows}) == 16
        assert [row["error"] for row in rows if row["error"]] == []


def test_ctrl_c_saves_what_was_answered(tmp_path: Path):
    with ModelServer(lambda _: "slow", seconds=0.1) as server:
        runs = prepared(tmp_path, server, after="", count=16)
        assert stop_after(tmp_path, server, 10, signal.SIGINT) == 130
        asked = len(server.served)
        kept = sum(len(answers(runs, name)) for name in ("caption", "category", "score"))
        assert kept == asked, "calls under way are waited for and saved"
        run_json(tmp_path, "described.yaml")
        assert len(server.served) == 16 * QUESTIONS


def test_googles_protocol_does_the_same(tmp_path: Path):
    with ModelServer(every("busy", 7)) as server:
        runs = prepared(tmp_path, server, after="")
        recipe = tmp_path / "described.yaml"
        text = recipe.read_text().replace("openai: some-model", "google: some-model")
        recipe.write_text(text.replace(server.url, server.root))
        done = steps(run_json(tmp_path, "described.yaml"))
        assert_ledger_is_the_servers_count(runs / "0001", server)
    assert done["asked"]["reasons"] == {}
    assert {row["score_from"] for row in answers(runs, "score")} == {"probabilities"}


def test_a_picture_that_cannot_be_decoded_is_never_sent(tmp_path: Path):
    with ModelServer() as server:
        prepared(tmp_path, server, after="")
        whole = tmp_path / "photos" / "000.png"
        (tmp_path / "photos" / "broken.png").write_bytes(whole.read_bytes()[:5000])
        done = steps(run_json(tmp_path, "described.yaml"))
        assert len(server.served) == PICTURES * QUESTIONS
    assert done["asked"]["failed"] == 1
    assert done["asked"]["reasons"]["truncated"] == 1


TILES = """
name: described
steps:
  - source: {{folder: photos}}
  - transform: {{tile: 60, edges: shift}}
  - annotate: {{model: {{openai: some-model, base_url: "{url}"}}, ask: style, as: tile_}}
    name: asked
    if: "width = 60"
  - select: {{where: "tile_style is not null"}}
"""


def test_tiles_are_asked_about_as_they_are(tmp_path: Path):
    with ModelServer() as server:
        runs = prepared(tmp_path, server, count=3)
        (tmp_path / "described.yaml").write_text(TILES.format(url=server.url))
        done = steps(run_json(tmp_path, "described.yaml"))
        assert {(one.asked.width, one.asked.height) for one in server.served} == {(60, 60)}
        assert len(server.served) == done["asked"]["in"] == 3 * 4
    assert done["select-1"]["out"] == 12
    assert len({row["region"] for row in answers(runs, "style")}) == 4


@pytest.mark.parametrize(
    ("change", "says", "hint"),
    [
        ("ask=[caption, categorie]", "there is no question 'categorie'", "category"),
        ("ask=[caption, caption]", "asked twice", "once"),
        ("vocabulary=[people]", "cannot read people", "two words"),
        ("vocabulary=[people, people]", "contains a word twice", "different"),
        ("vocabulary=", "`category` needs the words to choose from", "vocabulary: ["),
        ("ask=[caption]", "no question here uses a vocabulary", "category"),
        ("model.base_url=", "needs a key in the environment: OPENAI_API_KEY", "export OPENAI_API_KEY="),
        ("model.base_url=localhost", "'localhost' is not an address", "http://localhost:8000/v1"),
        ("model.google=gemini", "cannot go together", "removes the other key"),
        ("model.opnai=x", "`opnai` is not a key of `model`; did you mean `openai`?", "keys of `model`"),
        ("budget.euros=3", "`euros` is not a key of `budget`", "money"),
        ("concurrency=0", "`concurrency` must be a whole number from 1 to 256", "whole number"),
    ],
)
def test_a_wrong_step_stops_in_plan(tmp_path: Path, change: str, says: str, hint: str):
    with ModelServer() as server:
        prepared(tmp_path, server, "budget: {calls: 5}", after="")
        environment = {"OPENAI_API_KEY": "", "GROUNDGLASS_API_KEY": KEY}
        done = groundglass(
            tmp_path, "plan", "described.yaml", "--set", f"steps.asked.annotate.{change}", **environment
        )
        assert server.served == []
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert hint in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_vocabulary_is_read_in_the_encoding_that_an_editor_gave_it(tmp_path: Path, encoding: str):
    (tmp_path / "words.txt").write_bytes("café terraces\r\nanimals\r\n".encode(encoding))
    with ModelServer() as server:
        runs = prepared(tmp_path, server, after="", count=2)
        run_json(tmp_path, "described.yaml", "--set", "steps.asked.annotate.vocabulary=[words.txt]")
    assert {row["category"] for row in answers(runs, "category")} <= {"café terraces", "animals"}
