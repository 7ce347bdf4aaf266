"""Images that servers make for a recipe: well and ill, killed and continued, and never paid for twice."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, run_json, steps

from groundglass.calls import retry
from groundglass.calls.ledger import read_lines
from groundglass.files.folder_lock import only_one
from groundglass.image.header import read_header
from groundglass.testing.image_server import AskedImage, ImageServer, image_for
from patience import STOPS_A_HANG, wait_until

pytest.importorskip("httpx2", reason="needs the extra 'generate'")

KEY = "key-that-nobody-may-see"
RECIPE = """
name: made
seed: 5
steps:
  - source:
      generate: prompts.txt
      generators:
        painter:
          {service}
          base_url: "{url}"
          price: 0.5
          settings: {{{settings}}}
{more}
    name: images
"""
OPENAI, IMAGEN, GEMINI = "openai: some-model", "google: imagen-9", "google: gemini-9-image"
PROMPTS = 8


def prepared(
    folder: Path,
    server: ImageServer,
    more: str = "",
    service: str = OPENAI,
    settings: str = "size: [64x64, 96x64]",
    prompts: int = PROMPTS,
) -> Path:
    (folder / "prompts.txt").write_text("".join(f"a cat, number {number}\n" for number in range(prompts)))
    url = server.url if service == OPENAI else server.root
    indented = "".join(f"      {line}\n" for line in more.splitlines())
    if service != OPENAI and settings.startswith("size"):
        settings = "aspect_ratio: '1:1'"
    text = RECIPE.format(url=url, service=service, settings=settings, more=indented.rstrip("\n"))
    (folder / "made.yaml").write_text(text, encoding="utf-8")
    return folder / "runs" / "made"


def rows(runs: Path, number: int = 1) -> list[dict[str, Any]]:
    return pq.read_table(runs / f"{number:04d}" / "images" / "images" / "part-0.parquet").to_pylist()


def ledger(runs: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    lines = list(read_lines(runs / "generated" / "images" / "calls.jsonl"))
    return [one for one in lines if one["event"] == "sent"], [one for one in lines if one["event"] == "ended"]


def one_fault(fault: str, number: int = 3) -> Callable[[AskedImage], str]:
    """The fault for one prompt, each time that it is asked for."""
    return lambda asked: fault if asked.prompt.endswith(f" {number}") else ""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry.Patience, "wait", lambda *_: 0.01)


@pytest.mark.parametrize("service", [OPENAI, IMAGEN, GEMINI])
def test_images_arrive_as_they_were_sent_with_everything_that_made_them(tmp_path: Path, service: str):
    with ImageServer() as server:
        runs = prepared(tmp_path, server, service=service)
        done = steps(run_json(tmp_path, "made.yaml"))
        assert done["images"]["out"] == PROMPTS
        assert server.paid() == PROMPTS
        sent = {one.asked.prompt: one.asked for one in server.served}
        for row in rows(runs):
            asked = sent[row["meta.prompt"]]
            assert Path(row["path"].decode()).read_bytes() == image_for(asked)
            assert row["meta.seed"] == asked.seed
            assert row["meta.generator"] == "painter"
            assert row["meta.prompt_id"] in row["uri"]
            if service == OPENAI:
                assert row["meta.size"] == f"{row['width']}x{row['height']}" == asked.settings["size"]
                assert row["meta.revised_prompt"] == f"{asked.prompt}, in detail"
        again = steps(run_json(tmp_path, "made.yaml"))
        assert again["images"]["out"] == PROMPTS
        assert server.asked == PROMPTS, "nothing is asked for twice"
    sent_lines, ended = ledger(runs)
    assert len(sent_lines) == len(ended) == PROMPTS
    assert sum(line["cost"] for line in ended) == PROMPTS * 0.5


REASONS = {
    "refusal": "refused",
    "filtered": "refused",
    "text": "no_image",
    "other_size": "wrong_size",
    "not_an_image": "not_an_image",
    "broken_base64": "no_image",
    "empty": "no_image",
    "cut": "server_error",
    "page": "server_error",
    "error": "server_error",
    "bad": "bad_request",
    "bad_url": "server_error",
    "lost_url": "server_error",
    "inner_url": "server_error",
    "black": "blank",
    "half_file": "truncated",
}


@pytest.mark.parametrize("fault", REASONS)
def test_one_bad_reply_is_one_row_with_its_reason(tmp_path: Path, fault: str):
    with ImageServer(one_fault(fault)) as server:
        runs = prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "made.yaml", "--max-failed", "1"))
        assert (done["images"]["out"], done["images"]["failed"]) == (PROMPTS - 1, 1)
        bad = next(row for row in rows(runs) if row["meta.prompt"].endswith(" 3"))
        assert bad["error"] == REASONS[fault]
        assert bad["detail"]
        assert fault != "inner_url" or "inside this network" in bad["detail"]
        asked = server.asked
        steps(run_json(tmp_path, "made.yaml", "--max-failed", "1"))
        assert server.asked == asked, "a failure is not asked for again"
        server.misbehave = lambda _: ""
        again = steps(run_json(tmp_path, "made.yaml", "--retry", "failed"))
        assert again["images"]["out"] == PROMPTS
        assert server.asked == asked + 1, "only the failure is asked for again"


@pytest.mark.parametrize("service", [IMAGEN, GEMINI])
@pytest.mark.parametrize("fault", ["refusal", "filtered", "text", "not_an_image", "broken_base64", "empty"])
def test_googles_replies_too(tmp_path: Path, fault: str, service: str):
    with ImageServer(one_fault(fault)) as server:
        runs = prepared(tmp_path, server, service=service)
        run_json(tmp_path, "made.yaml", "--max-failed", "1")
    bad = [row for row in rows(runs) if row["error"]]
    assert [row["error"] for row in bad] == [REASONS[fault]]


def test_the_bytes_decide_what_an_image_is(tmp_path: Path):
    with ImageServer(one_fault("wrong_type")) as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "made.yaml")
    found = next(row for row in rows(runs) if row["meta.prompt"].endswith(" 3"))
    assert found["format"] == "JPEG"
    assert found["path"].endswith(b".jpg")


def test_an_image_behind_an_address_is_fetched_without_the_key(tmp_path: Path):
    with ImageServer(lambda _: "url") as server:
        runs = prepared(tmp_path, server)
        done = groundglass(tmp_path, "run", "made.yaml", "--json", GROUNDGLASS_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert all(one.asked.key == KEY for one in server.served)
        assert len(server.fetched) == PROMPTS
        assert KEY not in json.dumps(server.fetched)
    assert all(read_header(Path(row["path"].decode()).read_bytes()).format == "PNG" for row in rows(runs))
    assert not any(KEY.encode() in path.read_bytes() for path in runs.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", ["huge", "huge_url", "drip"])
def test_a_reply_without_end_is_a_row(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retry, "Patience", partial(retry.Patience, attempts=1))
    with ImageServer(one_fault(fault), seconds=0.05) as server:
        runs = prepared(tmp_path, server, more="timeout: 4" if fault == "drip" else "")
        run_json(tmp_path, "made.yaml", "--max-failed", "1")
        assert len(server.fetched) == (fault == "huge_url")
    bad = [row for row in rows(runs) if row["error"]]
    assert [row["error"] for row in bad] == ["timeout" if fault == "drip" else "server_error"]
    assert fault == "drip" or "more than 100 MiB" in bad[0]["detail"]


def test_a_server_that_ignores_the_seed_is_found(tmp_path: Path):
    with ImageServer(lambda _: "same") as server:
        runs = prepared(tmp_path, server, settings="size: 64x64")
        done = steps(run_json(tmp_path, "made.yaml"))
    said = " ".join(done["images"]["notes"])
    assert f"{PROMPTS - 1} images with the bytes of another one" in said
    first, *others = rows(runs)
    assert first["meta.same_bytes_as"] is None
    assert {row["meta.same_bytes_as"] for row in others} == {first["uri"]}


@pytest.mark.parametrize("fault", ["no_seed", "no_response_format"])
def test_a_setting_that_a_server_refuses_is_left_out_and_said(tmp_path: Path, fault: str):
    with ImageServer(lambda _: fault) as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "made.yaml"))
        assert server.paid() == PROMPTS
    said = " ".join(done["images"]["notes"])
    assert f"`{fault.removeprefix('no_')}` is left out" in said


def test_a_busy_server_is_waited_for(tmp_path: Path):
    with ImageServer(lambda asked: "busy" if asked.number < 3 else "") as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "made.yaml")
        assert server.paid() == PROMPTS
    _, ended = ledger(runs)
    assert sum(line["cost"] for line in ended) == PROMPTS * 0.5, "a refused request costs nothing"


@pytest.mark.parametrize("fault", ["no_access", "error"])
def test_a_server_that_refuses_everything_stops_the_run(tmp_path: Path, fault: str):
    with ImageServer(lambda _: fault) as server:
        runs = prepared(tmp_path, server, prompts=30)
        done = groundglass(tmp_path, "run", "made.yaml", GROUNDGLASS_API_KEY=KEY)
        assert done.returncode == 3
        assert KEY not in done.stdout + done.stderr
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == 30, (
            "nothing was held against an image"
        )
    assert rows(runs)


@pytest.mark.parametrize(("budget", "most"), [("{calls: 5}", 5), ("{money: 2.0}", 4)])
def test_a_budget_stops_in_the_middle_and_a_larger_one_goes_on(tmp_path: Path, budget: str, most: int):
    with ImageServer() as server:
        runs = prepared(tmp_path, server, more=f"budget: {budget}")
        first = steps(run_json(tmp_path, "made.yaml", "--max-failed", "1"))
        assert server.asked == first["images"]["out"] == most
        assert first["images"]["reasons"] == {"budget": PROMPTS - most}
        assert Counter(row["error"] for row in rows(runs)) == {None: most, "budget": PROMPTS - most}
        planned = groundglass(tmp_path, "plan", "made.yaml")
        assert f"at most {PROMPTS - most} images to make, {most} are there already" in planned.stdout
        assert server.asked == most, "plan asks nobody"
        steps(run_json(tmp_path, "made.yaml", "--max-failed", "1"))
        assert server.asked == most, "the budget holds for all runs"
        text = (tmp_path / "made.yaml").read_text().replace(f"budget: {budget}", "budget: {money: 100}")
        (tmp_path / "made.yaml").write_text(text)
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == PROMPTS
        assert server.asked == PROMPTS


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", "made.yaml", "--json"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )


@pytest.mark.parametrize("arrived", [1, 5, 11])
def test_a_killed_run_pays_for_nothing_that_arrived(tmp_path: Path, arrived: int):
    prompts = 16
    with ImageServer(lambda _: "slow", seconds=0.15) as server:
        runs = prepared(tmp_path, server, prompts=prompts, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(ledger(runs)[1]) >= arrived)
        program.send_signal(signal.SIGKILL)
        program.communicate(timeout=STOPS_A_HANG)
        there = {path.stem for path in (runs / "generated" / "images" / "painter").glob("*.png")}
        before = Counter(one.asked.prompt for one in server.served)
        # Calls under way may be charged although nothing came back: at most one for each thread.
        assert len(there) <= sum(before.values()) <= len(there) + 2
        server.misbehave = lambda _: ""
        done = steps(run_json(tmp_path, "made.yaml"))
        assert done["images"]["out"] == prompts
        asked = Counter(line["image"] for line in ledger(runs)[0])
        assert all(asked[key] == 1 for key in there)
        assert server.paid() <= prompts + 2
    sent, ended = ledger(runs)
    assert len(sent) - len(ended) <= 2


def addresses(runs: Path) -> list[Path]:
    """The recorded replies whose images have not arrived."""
    return list((runs / "generated" / "images" / "painter").glob(".*.reply"))


def test_an_image_whose_download_a_kill_cut_off_is_not_paid_for_again(tmp_path: Path):
    prompts = 6
    with ImageServer(lambda _: "slow_url", seconds=20) as server:
        runs = prepared(tmp_path, server, prompts=prompts, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(addresses(runs)) == 2)
        program.send_signal(signal.SIGKILL)
        program.communicate(timeout=STOPS_A_HANG)
        server.seconds = 0
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == prompts
        assert server.asked == prompts
    assert all(row["meta.revised_prompt"] == f"{row['meta.prompt']}, in detail" for row in rows(runs))
    assert not addresses(runs), "an address may let anybody read the image"


def test_an_image_whose_address_does_not_answer_is_fetched_later_without_pay(tmp_path: Path):
    with ImageServer(one_fault("away_url")) as server:
        runs = prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "made.yaml", "--max-failed", "1"))
        assert done["images"]["reasons"] == {"server_error": 1}
        server.away = False
        assert steps(run_json(tmp_path, "made.yaml", "--retry", "failed"))["images"]["out"] == PROMPTS
        assert server.asked == PROMPTS
    assert not addresses(runs)


def test_two_runs_do_not_make_the_same_images_at_the_same_time(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server)
        (runs / "generated" / "images").mkdir(parents=True)
        with only_one(runs / "generated" / "images"):
            done = groundglass(tmp_path, "run", "made.yaml")
        assert done.returncode == 2
        assert "in use by process" in done.stderr
        assert not server.asked
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == PROMPTS


def test_control_c_saves_what_arrived_and_the_same_command_goes_on(tmp_path: Path):
    prompts = 12
    with ImageServer(lambda _: "slow", seconds=0.2) as server:
        runs = prepared(tmp_path, server, prompts=prompts, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(ledger(runs)[1]) >= 3)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=STOPS_A_HANG)
        assert program.returncode == 130
        assert len(ledger(runs)[0]) == len(ledger(runs)[1]), "calls under way ended"
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == prompts
        assert server.paid() == prompts


def test_an_image_whose_line_a_kill_cut_off_is_taken_as_it_is(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "made.yaml")
        lines = runs / "generated" / "images" / "made.jsonl"
        lines.write_bytes(lines.read_bytes()[:-40])
        (runs / "generated" / "images" / "painter" / ".x.png.1234.tmp").write_bytes(b"half")
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == PROMPTS
        assert server.asked == PROMPTS


def test_a_larger_design_asks_only_for_what_is_new(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "made.yaml")
        before = {row["uri"]: (row["id"], row["sha256"]) for row in rows(runs)}
        text = (tmp_path / "made.yaml").read_text().replace("price: 0.5", "price: 0.5\n          images: 20")
        (tmp_path / "made.yaml").write_text(text)
        assert steps(run_json(tmp_path, "made.yaml"))["images"]["out"] == 20
        assert server.asked == 20
        after = {row["uri"]: (row["id"], row["sha256"]) for row in rows(runs, 2)}
        assert before.items() <= after.items()
