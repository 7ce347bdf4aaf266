"""Two servers as two processes on one PostgreSQL: every rater votes at both at once, and one server is killed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.study_load import Load
from flow_tools import groundglass, make_photos

from groundglass.studies.records import COUNTED
from patience import STOPS_A_HANG, wait_until
from postgres_tools import cluster, why_not
from study_servers import ServerProcess

RATERS, VOTES, IMAGES = 10, 12, 24
RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [header]
    name: headers
"""


@pytest.fixture
def postgres() -> Iterator[str]:
    if why_not():
        pytest.skip(why_not() or "")
    with cluster() as url:
        yield url


def test_raters_at_two_servers_lose_and_double_no_vote_while_one_is_killed(tmp_path: Path, postgres: str):
    """Every rater has a tab at each server. Both tabs get the same trials, and only one vote of both may be taken."""
    make_photos(tmp_path / "photos", IMAGES, (64, 48))
    (tmp_path / "small.yaml").write_text(RECIPE)
    (tmp_path / "study.yaml").write_text("protocol: acr\nvotes: 500\ngap: 2\n")
    assert groundglass(tmp_path, "run", "small.yaml").returncode == 0
    more = ("--database", postgres)
    servers = [ServerProcess(tmp_path, "small", "study.yaml", *more) for _ in range(2)]
    for server in servers:
        server.start()
    done = groundglass(
        tmp_path, "study", "invite", "small", "study.yaml", "--raters", str(RATERS), "--json", *more
    )
    links = json.loads(done.stdout)["links"]
    tabs = [Load(lambda server=server: server.base, 4, 0.2) for server in servers]

    async def everybody() -> None:
        await asyncio.gather(*(tab.rater(link, VOTES) for link in links for tab in tabs))

    work = threading.Thread(target=lambda: asyncio.run(everybody()))
    work.start()
    first, second = (tab.acknowledged for tab in tabs)
    wait_until(lambda: len(first) >= RATERS or not work.is_alive(), "the first votes")
    servers[0].kill()
    goal = len(second) + RATERS
    wait_until(lambda: len(second) >= goal or not work.is_alive(), "votes at the other server")
    assert work.is_alive()  # else nobody voted when one server was gone
    servers[0].start()
    work.join(STOPS_A_HANG)
    assert not work.is_alive()
    for server in servers:
        server.stop()

    done = groundglass(tmp_path, "study", "export", "small", "study.yaml", "-o", "votes.jsonl", *more)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "votes.jsonl").read_text().splitlines()]
    acknowledged = Counter(one.vote for one in (*first, *second))
    assert Counter(row["vote_id"] for row in rows) == acknowledged
    assert set(acknowledged.values()) == {1}
    assert set(Counter(row["trial_id"] for row in rows).values()) == {1}
    assert set(Counter((row["rater"], row["order"]) for row in rows).values()) == {1}
    refused = Counter(json.loads(body)["code"] for _, body in (*tabs[0].refused, *tabs[1].refused))
    assert set(refused) <= {"answered"}
    assert len(acknowledged) + sum(refused.values()) == 2 * RATERS * VOTES
    rated = Counter((row["rater"], row["item"]) for row in rows if row["kind"] in COUNTED)
    assert set(rated.values()) == {1}
