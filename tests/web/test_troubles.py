"""A rater reads that something failed; its cause reaches the owner, in the terminal and on the board."""

from __future__ import annotations

import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra studies")

from browser_tools import wait
from groundglass.web.service import Service
from groundglass.web.settings import Settings
from groundglass.web.troubles import Trouble, Troubles
from patience import now
from study_client import Client
from study_servers import make_study, served


def owner_of(base: str, study) -> Client:
    owner = Client(base)
    owner.open(f"/o/{study.store.new_owner_token()}")
    return owner


def rater_of(base: str, study) -> Client:
    rater = Client(base)
    rater.open(f"/i/{study.store.invite(1)[0][1]}")
    return rater


def test_the_owner_sees_which_image_is_missing_and_the_rater_does_not(tmp_path: Path):
    said: list[Trouble] = []
    study = make_study(tmp_path, None, count=1, votes=1, checks={"training": 0})
    (tmp_path / "files" / "0.png").unlink()
    with served(study, settings=Settings(report=said.append)) as base:
        rater = rater_of(base, study)
        shown = rater.get(rater.next()["images"][0]["url"])
        assert (shown.status, shown.code, b"0.png" in shown.body) == (410, "image", False)
        (trouble,) = owner_of(base, study).get("/api/board").json()["troubles"]
    assert "0.png" in trouble["what"]
    assert [one.plain() for one in said] == [trouble]
    study.store.close()


def test_the_cause_of_a_database_that_fails_is_named_without_the_vote(tmp_path: Path):
    said: list[Trouble] = []
    study = make_study(tmp_path, None, count=3, checks={"training": 0})
    with served(study, settings=Settings(report=said.append)) as base:
        rater, owner = rater_of(base, study), owner_of(base, study)
        trial = rater.next()["trial"]
        file = sqlite3.connect(tmp_path / "votes.sqlite")
        file.execute("CREATE TRIGGER full BEFORE INSERT ON votes BEGIN SELECT no_such_function(); END")
        vote = {"id": str(uuid.uuid4()), "trial": trial, "score": 4, "comment": "my secret"}
        replies = [rater.post("/api/votes", vote) for _ in range(3)]
        assert {(one.status, b"no_such_function" in one.body) for one in replies} == {(503, False)}
        troubles = owner.get("/api/board").json()["troubles"]
        assert len(said) == 1, "the same trouble is one line, however often raters try"
        assert [(one["count"], "no_such_function" in one["why"]) for one in troubles] == [(3, True)]
        assert "secret" not in str(troubles) + said[0].line()
        file.execute("DROP TRIGGER full")
        file.close()
        assert rater.post("/api/votes", vote).status == 200
    study.store.close()


def test_a_board_is_there_while_its_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    study = make_study(tmp_path, None, count=3, checks={"training": 0})
    with served(study) as base:
        owner = owner_of(base, study)
        before = owner.get("/api/board").json()
        file = sqlite3.connect(tmp_path / "votes.sqlite", isolation_level=None)
        for name in ("studies", "sessions"):
            file.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
        during = owner.get("/api/board").json()
        assert (before["late"], during["late"], during["items"]) == (False, True, before["items"])
        assert during["troubles"][0]["what"] == "the database does not answer"
        for name in ("studies", "sessions"):
            file.execute(f"ALTER TABLE {name}_away RENAME TO {name}")
        file.close()
        assert owner.get("/api/board").json()["late"] is False
    study.store.close()


def test_an_unexpected_error_is_reported_by_its_kind_and_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[Trouble] = []
    study = make_study(tmp_path, None, count=3)

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("what a rater sent")

    with served(study, settings=Settings(report=said.append)) as base:
        rater = rater_of(base, study)
        monkeypatch.setattr(Service, "rater", broken)
        assert rater.get("/api/session").status == 500
    assert "ZeroDivisionError at test_troubles.py" in said[0].why
    assert "rater sent" not in said[0].line()
    study.store.close()


def test_only_the_newest_troubles_are_kept_and_a_line_is_one_line():
    troubles = Troubles()
    for number in range(200):
        troubles.add("faces", f"image {number}", "gone", "put it back")
    assert [one.what for one in troubles.of("faces")[:2]] == ["image 199", "image 198"]
    assert len(troubles.of("faces")) == 50
    assert troubles.of("other") == []
    troubles.add("", "a\x1b[31m\nb", "x", "y")
    assert troubles.of("other")[0].line().isprintable()


def test_a_link_that_expires_is_shown_as_expired_without_a_vote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    study = make_study(tmp_path, None, count=3)
    with served(study) as base:
        owner = owner_of(base, study)
        owner.post("/api/board/invite", {"raters": 1, "days": 1})
        assert [one["state"] for one in owner.get("/api/board").json()["raters"]] == ["not opened"]
        later = now() + 2 * 86400
        monkeypatch.setattr(time, "time", lambda: later)
        assert [one["state"] for one in owner.get("/api/board").json()["raters"]] == ["expired"]
    study.store.close()


def test_the_board_shows_troubles_as_text(serve, reader):
    trouble = {
        "at": 1.0,
        "what": "the image <b>x</b> cannot be shown",
        "why": "gone",
        "hint": "put it back",
        "count": 2,
    }
    board = {
        "study": {"name": "faces", "protocol": "acr"}, "items": [], "raters": [], "agreement": {}, "late": True,
        "progress": {"items": 0, "votes": 0, "wanted": None, "raters": 0}, "troubles": [trouble],
    }  # fmt: skip
    server = serve(board=board)
    page = reader().page
    page.goto(f"{server.url}/board")
    wait(page, "'ready' in document.documentElement.dataset")
    assert (
        "<b>x</b> cannot be shown (2 times): gone. To do: put it back."
        in page.locator("#troubles").inner_text()
    )
    assert "does not answer" in page.locator("#updated").inner_text()
