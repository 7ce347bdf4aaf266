"""The server as a process: killed, stopped, under load, and by the commands that come with it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.study_load import Load
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, make_photos

from groundglass.studies.records import COUNTED
from patience import STOPS_A_HANG, wait_until
from postgres_tools import cluster, why_not
from study_client import Client
from study_servers import ServerProcess

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [header, sharpness]
    name: scores
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of small images; tests copy it."""
    folder = tmp_path_factory.mktemp("run")
    make_photos(folder / "photos", 24, (64, 48))
    (folder / "small.yaml").write_text(RECIPE)
    (folder / "study.yaml").write_text("protocol: acr\nvotes: 500\ngap: 2\n")
    assert groundglass(folder, "run", "small.yaml").returncode == 0
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done / "runs", tmp_path / "runs")
    shutil.copy(done / "study.yaml", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if why_not():
        pytest.skip(why_not() or "")
    with cluster() as url:
        yield url


def invited(folder: Path, raters: int, *more: str) -> list[str]:
    done = groundglass(
        folder, "study", "invite", "small", "study.yaml", "--raters", str(raters), "--json", *more
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["links"]


def exported(folder: Path, *more: str) -> list[dict[str, object]]:
    done = groundglass(folder, "study", "export", "small", "study.yaml", "-o", "votes.jsonl", *more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()]


def rate_through_kills(folder: Path, raters: int, votes: int, pause: float, kills: int, *more: str) -> Load:
    """So many raters vote while the server is killed again and again; every vote is sent until it is acknowledged."""
    server = ServerProcess(folder, "small", "study.yaml", *more)
    server.start()
    links = invited(folder, raters, *more)
    load = Load(lambda: server.base, 4, pause)

    async def everybody() -> None:
        await asyncio.gather(*(load.rater(link, votes) for link in links))

    work = threading.Thread(target=lambda: asyncio.run(everybody()))
    work.start()
    for kill in range(1, kills + 1):
        goal = len(load.acknowledged) + max(1, raters * votes // (kills + 2))
        wait_until(lambda goal=goal: len(load.acknowledged) >= goal or not work.is_alive(), f"kill {kill}")
        server.kill()
        server.start()
    work.join(STOPS_A_HANG)
    assert not work.is_alive()
    server.stop()
    return load


def check(load: Load, rows: list[dict[str, object]], raters: int, votes: int) -> None:
    """No acknowledged vote is lost, and none is there twice, also not under another id."""
    assert load.refused == []
    acknowledged = Counter(one.vote for one in load.acknowledged)
    assert set(acknowledged.values()) == {1}
    assert len(acknowledged) == raters * votes
    assert Counter(row["vote_id"] for row in rows) == acknowledged
    assert max(Counter(row["trial_id"] for row in rows).values()) == 1
    for one in load.acknowledged:
        assert one.score == 4
    places = Counter((row["rater"], row["order"]) for row in rows)
    assert max(places.values()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_fifty_raters_lose_and_double_no_vote_through_five_kills(
    folder: Path, kind: str, request: pytest.FixtureRequest
):
    more = ["--database", request.getfixturevalue("postgres")] if kind == "postgresql" else []
    load = rate_through_kills(folder, 50, 6, 0.5, 5, *more)
    rows = exported(folder, *more)
    check(load, rows, 50, 6)
    counts = Counter(row["item"] for row in rows if row["kind"] in COUNTED)
    assert max(counts.values()) - min(counts.values()) <= 4


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_fifty_raters_for_a_minute(folder: Path, kind: str, request: pytest.FixtureRequest):
    more = ["--database", request.getfixturevalue("postgres")] if kind == "postgresql" else []
    load = rate_through_kills(folder, 50, 25, 1.0, 5, *more)
    check(load, exported(folder, *more), 50, 25)


def test_control_c_ends_the_server_and_all_is_there_when_it_starts_again(folder: Path):
    server = ServerProcess(folder, "small", "study.yaml")
    server.start()
    (link,) = invited(folder, 1)
    token = link.rpartition("/")[2]
    rater = Client(server.base)
    rater.open(f"/i/{token}")
    first, second = rater.next(1), rater.next(1)["ahead"][0]
    assert rater.vote(first["trial"], 3).status == 200
    assert "votes stay" in server.said[-1]
    code, _, err = server.stop()
    assert code == 130
    assert "Traceback" not in err
    old = server.owner
    server.start()
    rater.close()
    assert rater.next()["trial"] == second["trial"]
    other_device = Client(server.base)
    other_device.open(f"/i/{token}")
    assert other_device.next()["trial"] == second["trial"]
    assert Client(server.base).get("/o/" + old.rpartition("/")[2]).status == 404
    server.stop()
    assert len(exported(folder)) == 1


def test_a_rater_who_is_withdrawn_by_the_command_is_out_while_the_server_runs(folder: Path):
    server = ServerProcess(folder, "small", "study.yaml")
    server.start()
    link = invited(folder, 1)[0]
    rater = Client(server.base)
    rater.open("/i/" + link.rpartition("/")[2])
    trial = rater.next()
    assert groundglass(folder, "study", "revoke", "small", "study.yaml", "r01").returncode == 0
    assert rater.vote(trial["trial"], 3).status == 403
    assert rater.next()["code"] == "revoked"
    assert groundglass(folder, "study", "revoke", "small", "study.yaml", "r99").returncode == 2
    server.stop()
    assert exported(folder) == []


def test_several_studies_are_served_at_once(folder: Path):
    (folder / "keep.yaml").write_text("protocol: accept\nreasons: [blurred]\n")
    server = ServerProcess(folder, "small", "study.yaml", "keep.yaml")
    server.start()
    links = [*invited(folder, 1)]
    more = groundglass(folder, "study", "invite", "small", "keep.yaml", "--raters", "1", "--json")
    links += json.loads(more.stdout)["links"]
    names: list[str] = []
    for link in links:
        assert link.startswith("{base}/i/")
        rater = Client(server.base)
        rater.open(link.removeprefix("{base}"))
        names.append(rater.get("/api/session").json()["study"]["name"])
    assert names == ["study", "keep"]
    server.stop()


def test_the_commands_explain_themselves(folder: Path):
    said = groundglass(
        folder, "study", "invite", "small", "study.yaml", "--raters", "2", "--url", "http://127.0.0.1:8000"
    )
    assert said.stdout.count("http://127.0.0.1:8000/i/") == 2
    assert "{base}" not in said.stdout
    status = groundglass(folder, "study", "status", "small", "study.yaml", "--json")
    board = json.loads(status.stdout)
    assert [row["state"] for row in board["raters"]] == ["not opened"] * 2
    assert board["progress"]["lacking"] == board["progress"]["wanted"]
    text = groundglass(folder, "study", "status", "small", "study.yaml", COLUMNS="80").stdout
    assert max(map(len, text.splitlines())) <= 80
    for words, code in (
        (("invite", "small", "study.yaml", "--raters", "0"), 2),
        (("invite", "small", "nothing.yaml", "--raters", "1"), 2),
        (("serve", "small", "study.yaml", "--url", "rate.example.org"), 2),
        (("serve", "small", "study.yaml", "--database", "mysql://x"), 2),
        (("serve", "small", "study.yaml", "--host", "256.1.1.1", "--port", "0"), 3),
        (("export", "small", "study.yaml", "-o", "votes.xls"), 2),
    ):
        done = groundglass(folder, "study", *words)
        assert (words, done.returncode) == (words, code), done.stderr
        assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_named(folder: Path):
    server = ServerProcess(folder, "small", "study.yaml")
    server.start()
    port = server.base.rpartition(":")[2]
    done = groundglass(folder, "study", "serve", "small", "study.yaml", "--port", port, "--no-browser")
    assert done.returncode == 3
    assert "--port" in done.stderr
    server.stop()


def test_the_demo_is_ready_in_one_command(tmp_path: Path):
    for _ in range(2):  # the second time it goes on where it was
        process = subprocess.Popen(
            command("study", "demo", "--out", "demo", "--no-browser"),
            cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, preexec_fn=heeds_control_c,
        )  # fmt: skip
        lines = [process.stdout.readline() for _ in range(3)]
        rate = lines[2].split()[-1]
        base, _, token = rate.partition("/i/")
        rater = Client(base)
        rater.open(f"/i/{token}")
        trial = rater.next()
        assert rater.get(trial["images"][0]["url"]).status == 200
        assert rater.vote(trial["trial"], 3).status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOPS_A_HANG)
        assert process.returncode == 130
    status = groundglass(tmp_path, "study", "status", "demo/runs/study-demo/0001", "demo", "--json")
    assert len(json.loads(status.stdout)["raters"]) == 2
