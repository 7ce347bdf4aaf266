"""The shared cases of odd model servers: every image has its answer, or a row with its reason."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import run_json, steps

from groundglass.calls.ledger import read_lines
from shared_data import shared

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

PICTURES = 4
STRIPES = {"caption": "A striped pattern."}


@contextmanager
def serving(case: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A case's answers on a port; and all that was asked."""
    answers: list[dict[str, Any]] = json.loads((case / "answers.json").read_text())
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(body)
            one = next(one for one in answers if all(word.encode() in body for word in one.get("if", [])))
            content = json.dumps(one["body"]).encode()
            self.send_response(one.get("status", 200))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run_case(name: str, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """The rows that a run stores, its step, and how often the server was asked, all of which the ledger knows."""
    case = shared("..", "cases", "tables_and_servers", name)
    shutil.copytree(case / "img", folder / "img")
    with serving(case) as (port, asked):
        text = (case / "recipe.yaml").read_text().replace("PORT", str(port))
        (folder / "recipe.yaml").write_text(text)
        done = steps(run_json(folder, "recipe.yaml"))["d"]
    lines = list(read_lines(folder / "runs" / name / "0001" / "calls" / "d.jsonl"))
    assert len([line for line in lines if line["event"] == "sent"]) == len(asked)
    assert len([line for line in lines if line["event"] == "ended"]) == len(asked)
    answered = [line for line in lines if line.get("outcome") == "answered"]
    assert {(line["tokens_in"], line["tokens_out"]) for line in answered} <= {(100, 10)}
    rows = [
        row
        for part in (folder / "runs" / name / "store" / "measures").glob("*/*.parquet")
        if part.parent.name.startswith(("caption-", "score-"))
        for row in pq.read_table(part).to_pylist()
    ]
    assert len(rows) == PICTURES
    assert done["out"] == PICTURES
    return rows, done, len(asked)


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        ("server-content-in-parts", ""),
        ("server-think-with-braces", ""),
        ("server-answer-only-in-reasoning", ""),
        ("server-refuses-schema-in-other-words", "`response_format` is left out"),
        ("server-wants-max-completion-tokens", "`max_tokens` is sent as `max_completion_tokens`"),
        ("server-without-system-role", "the system message is sent as the beginning of the question"),
    ],
)
def test_the_answer_is_found_and_a_refused_setting_is_given_up_once(tmp_path: Path, name: str, noted: str):
    rows, done, asked = run_case(name, tmp_path)
    assert [(row["caption"], row["error"]) for row in rows] == [(STRIPES["caption"], None)] * PICTURES
    assert [note for note in done["notes"] if noted in note]
    threads = 8
    assert asked == PICTURES or (noted and asked <= PICTURES + threads)


def test_a_token_that_cannot_be_has_the_probability_0(tmp_path: Path):
    rows, _, asked = run_case("server-logprob-null", tmp_path)
    assert asked == PICTURES
    good, fair = 0.8187307530779818, 0.1353352832366127  # exp(-.2), exp(-2)
    expected = (4 * good + 3 * fair) / (good + fair)
    assert [row["score"] for row in rows] == [pytest.approx(expected)] * PICTURES
    assert {row["score_from"] for row in rows} == {"probabilities"}


def test_an_error_within_a_reply_of_status_200_is_told_and_asked_for_once(tmp_path: Path):
    rows, done, asked = run_case("server-200-with-error", tmp_path)
    assert asked == PICTURES
    assert all(row["error"].startswith("bad_request: ") for row in rows)
    assert all("image too large for the model" in row["error"] for row in rows)
    assert done["reasons"] == {"caption: bad_request": PICTURES}
    assert any("image too large for the model" in note for note in done["notes"]), (
        "it is told where one looks"
    )
