"""A run beside a server that misbehaves in each way: it ends well, with rows and reasons, and the ledger is right."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps

from groundglass import testing
from groundglass.calls import retry
from groundglass.calls.ledger import read_lines
from groundglass.calls.streak import BREAKER
from groundglass.testing.model_server import ModelServer

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

RECIPE = """
name: odd
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - annotate: {{model: {{{service}: m, base_url: "{url}"}}, ask: [{ask}], long_edge: 64, concurrency: 2{more}}}
    name: asked
"""
PICTURES = 3


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "Patience", partial(retry.Patience, first=0.01))


def prepared(
    folder: Path, server: ModelServer, ask: str = "caption", service: str = "openai", more: str = ""
) -> None:
    (folder / "photos").mkdir(exist_ok=True)
    for seed in range(PICTURES):
        (folder / "photos" / f"{seed}.png").write_bytes(testing.png(testing.photo(90, 70, seed)))
    url = server.root if service == "google" else server.url
    text = RECIPE.format(service=service, url=url, ask=ask, more=more)
    (folder / "odd.yaml").write_text(text, encoding="utf-8")


def rows_of(folder: Path, question: str = "caption") -> list[dict[str, Any]]:
    parts = (folder / "runs" / "odd" / "store" / "measures").glob(f"{question}-*/*.parquet")
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def assert_ledger_is_the_servers_count(folder: Path, server: ModelServer) -> None:
    lines = [
        line for path in (folder / "runs" / "odd").glob("*/calls/asked.jsonl") for line in read_lines(path)
    ]
    sent = [line["call"] for line in lines if line["event"] == "sent"]
    ended = {line["call"]: line for line in lines if line["event"] == "ended"}
    counted = {one.asked.call: one for one in server.served}
    assert len(sent) == len(server.served)
    assert set(sent) == ended.keys() == counted.keys()
    for call, line in ended.items():
        if line["tokens_in"] is not None:
            assert (line["tokens_in"], line["tokens_out"]) == (
                counted[call].tokens_in,
                counted[call].tokens_out,
            )


REASONS = {
    "null_message": "server_error",
    "null_content": "malformed",
    "empty": "malformed",
    "huge": "malformed",
    "doubled_key": "malformed",
    "doubled_envelope": "server_error",
    "cut_off": "length",
    "all_thought": "length",
    "error_within": "bad_request",
    "busy_within": "server_error",
    "broken_within": "server_error",
    "no_choices": "server_error",
    "filtered": "refused",
    "refusal": "refused",
}
USED = ("parts+usage_text", "think+no_usage", "fence+usage_words", "only_reasoning+usage_null")


@pytest.mark.parametrize("service", ["openai", "google"])
@pytest.mark.parametrize("fault", REASONS)
def test_each_kind_of_reply_is_a_row_with_its_reason(tmp_path: Path, service: str, fault: str):
    with ModelServer(lambda _: fault) as server:
        prepared(tmp_path, server, service=service)
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert_ledger_is_the_servers_count(tmp_path, server)
    rows = rows_of(tmp_path)
    assert len(rows) == PICTURES == done["out"]
    assert {row["error"].partition(":")[0] for row in rows} == {REASONS[fault]}
    assert all(row["error"].partition(": ")[2] for row in rows), "it says more than the word"
    assert done["reasons"] == {f"caption: {REASONS[fault]}": PICTURES}


@pytest.mark.parametrize("service", ["openai", "google"])
@pytest.mark.parametrize("fault", USED)
def test_each_kind_of_reply_that_holds_an_answer_is_used(tmp_path: Path, service: str, fault: str):
    with ModelServer(lambda _: fault) as server:
        prepared(tmp_path, server, service=service)
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert_ledger_is_the_servers_count(tmp_path, server)
        assert len(server.served) == PICTURES
    assert all(row["caption"].startswith("caption of 64 x") for row in rows_of(tmp_path))
    assert done["reasons"] == {}


def test_an_error_of_the_configuration_is_never_a_pictures_own(tmp_path: Path):
    """With a mended server the next run asks again, and only then."""
    with ModelServer(lambda _: "too_large") as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert done["reasons"] == {"caption: bad_request": PICTURES}
        assert {row["error"].partition(": ")[2] for row in rows_of(tmp_path)} == {
            f"{server.url} says 400: the image is too large"
        }
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "odd.yaml"))["asked"]["reasons"] == {}
        asked = len(server.served)
        run_json(tmp_path, "odd.yaml")
        assert len(server.served) == asked


def test_errors_within_replies_end_no_run_however_many_there_are(tmp_path: Path):
    with ModelServer(lambda _: "error_within") as server:
        prepared(tmp_path, server)
        for seed in range(PICTURES, BREAKER + 2):
            (tmp_path / "photos" / f"{seed}.png").write_bytes(testing.png(testing.photo(40, 30, seed)))
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert_ledger_is_the_servers_count(tmp_path, server)
        assert len(server.served) == BREAKER + 2
    assert done["reasons"] == {"caption: bad_request": BREAKER + 2}


def test_a_picture_that_is_refused_without_words_beside_others_is_refused(tmp_path: Path):
    with ModelServer() as server:
        prepared(tmp_path, server)
        images: list[bytes] = []

        def misbehave(asked: Any) -> str:
            images.append(asked.image)
            return "bad" if asked.image == images[0] else ""

        server.misbehave = misbehave
        run_json(tmp_path, "odd.yaml")
        errors = sorted(row["error"] for row in rows_of(tmp_path) if row["error"])
        assert len(errors) == 1
        assert errors[0].startswith("refused: ")
        asked = len(server.served)
        run_json(tmp_path, "odd.yaml")
        assert len(server.served) == asked, "it is the picture's own: it is not asked about again"


def test_a_refused_setting_is_noted_and_given_up_for_the_whole_run(tmp_path: Path):
    with ModelServer(
        lambda asked: "no_max_tokens" if "max_tokens" in asked.settings else "no_grammar"
    ) as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert_ledger_is_the_servers_count(tmp_path, server)
        assert len(server.served) <= PICTURES + 2 * 2
    assert done["reasons"] == {}
    notes = " ".join(done["notes"])
    assert "`max_tokens` is sent as `max_completion_tokens`: the server refuses it" in notes
    assert "`response_format` is left out: the server refuses it (failed to parse grammar)" in notes


def test_a_score_keeps_to_one_readout_over_runs(tmp_path: Path):
    with ModelServer() as server:
        prepared(tmp_path, server, ask="score")
        run_json(tmp_path, "odd.yaml")
        (tmp_path / "photos" / "more.png").write_bytes(testing.png(testing.photo(90, 70, 99)))
        server.misbehave = lambda _: "no_logprobs"
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
    assert done["reasons"] == {"score: no_probabilities": 1}
    rows = rows_of(tmp_path, "score")
    assert {row["score_from"] for row in rows if not row["error"]} == {"probabilities"}
    assert [row["score"] for row in rows if row["error"]] == [None]


def test_a_server_that_tells_no_probabilities_is_asked_for_numbers_and_that_is_noted(tmp_path: Path):
    with ModelServer(lambda asked: "no_probabilities" if asked.number % 2 == 0 else "") as server:
        prepared(tmp_path, server, ask="score")
        done = steps(run_json(tmp_path, "odd.yaml"))["asked"]
        assert_ledger_is_the_servers_count(tmp_path, server)
    assert {row["score_from"] for row in rows_of(tmp_path, "score")} == {"number"}
    notes = " ".join(done["notes"])
    assert "`logprobs` is left out" in notes
    assert "`score` is a number that the model wrote" in notes


def test_a_time_limit_holds_for_what_drips(tmp_path: Path):
    with ModelServer(lambda asked: "drip" if asked.number == 0 else "", seconds=0.2) as server:
        prepared(tmp_path, server, more=", timeout: 1")
        assert steps(run_json(tmp_path, "odd.yaml"))["asked"]["reasons"] == {}
        assert_ledger_is_the_servers_count(tmp_path, server)
        assert len(server.served) == PICTURES + 1


def test_a_key_in_an_answer_is_stored_nowhere(tmp_path: Path):
    key = "key-that-nobody-may-see"
    with ModelServer(lambda _: "quotes_key") as server:
        prepared(tmp_path, server)
        done = groundglass(tmp_path, "run", "odd.yaml", GROUNDGLASS_API_KEY=key)
    assert done.returncode == 0, done.stderr
    assert {row["caption"] for row in rows_of(tmp_path)} == {"a sign that says …"}
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert holding == []
