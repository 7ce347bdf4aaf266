"""The rating page and the board with the real server: what they need of it is what it does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from study_pages import Rater

from browser_tools import wait
from patience import wait_until

pytest.importorskip("starlette", reason="needs the extra studies")
pytest.importorskip("sqlalchemy", reason="needs the extra studies")

PAIRS = {"folders": {"a": "a", "b": "b"}}
PLAIN = {"training": 0, "trap": 0, "repeat": 0, "identical": 0, "gold": 0}
PROTOCOLS = {
    "acr": ({}, ["4"], 4),
    "slider": ({"dimensions": ["quality", "fit"]}, ["7", "ArrowDown", "3", "Enter"], {"quality": 70.0, "fit": 30.0}),
    "pairwise": (PAIRS, ["Space", "b"], "right"),
    "accept": ({"reasons": ["blurred", "text"]}, ["d", "2"], "drop"),
    "pair_accept": (PAIRS, ["Space", "k"], "keep"),
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Iterator:
    """Makes studies and serves them until the test ends: gives the study and the server's address."""
    from study_servers import make_study, served

    with ExitStack() as stack:

        def start(**keys):
            made = make_study(tmp_path / "study", None, **{"checks": PLAIN, **keys})
            return made, stack.enter_context(served(made))

        yield start


def next_trial(rater: Rater, before: str) -> str:
    """The trial that is on the screen after another one."""
    here = "document.body.dataset.state === 'trial' && document.body.dataset.trial"
    wait(rater.page, f"({here}) && document.body.dataset.trial !== {json.dumps(before)}")
    return rater.page.evaluate("document.body.dataset.trial")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_by_keyboard_alone(study, reader, protocol):
    keys, presses, score = PROTOCOLS[protocol]
    made, base = study(protocol=protocol, count=3, **keys)
    [(name, token)] = made.store.invite(1)
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    trial = next_trial(rater, "")
    for _ in range(2):
        rater.press(*presses)
        trial = next_trial(rater, trial)
    rater.press(*presses).state("end")
    votes = wait_until(
        lambda: made.store.votes().num_rows >= 3 and made.store.votes(), "three votes"
    ).to_pylist()
    assert [json.loads(vote["score"]) for vote in votes] == [score] * 3
    assert {vote["rater"] for vote in votes} == {name}
    assert all((vote["mode"], vote["viewport"], vote["dpr"]) == ("flip", [1440, 900], 1.0) for vote in votes)
    assert rater.reader.said == []


def test_practice_undo_and_reload(study, reader):
    made, base = study(count=6, checks={**PLAIN, "training": 1})
    [(_, token)] = made.store.invite(1)
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    practice = next_trial(rater, "")
    rater.press("2")
    wait(rater.page, "!document.querySelector('#feedback').hidden")
    rater.press("Enter")
    first = next_trial(rater, practice)
    rater.press("1")
    second = next_trial(rater, first)
    rater.press("Backspace").sees(first).press("5").sees(second)
    counting = [{"trial": first, "score": 5}]

    def counted() -> list[dict]:
        rows = made.store.votes().to_pylist()
        return [
            {"trial": row["trial_id"], "score": json.loads(row["score"])}
            for row in rows
            if row["undone_by"] is None and row["kind"] == "rate"
        ]

    wait_until(lambda: counted() == counting, "the second answer counts")
    rater.page.goto(f"{base}/")
    rater.state("begin").press("Enter").sees(second)


def test_a_revoked_rater_sees_why(study, reader):
    made, base = study(count=4)
    [(name, token)] = made.store.invite(1)
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    next_trial(rater, "")
    made.store.revoke(name)
    rater.press("3").state("revoked")
    assert made.store.votes().num_rows == 0


@pytest.mark.parametrize("path", ["/", "/i/0123456789abcdef", "/board", "/nothing"])
def test_pages_without_a_session_say_what_to_do(study, reader, path):
    _, base = study(count=2)
    one = reader()
    one.page.goto(f"{base}{path}")
    assert len(one.page.locator("h1").inner_text()) > 5
    assert one.page.locator("script:not([src]), style").count() == 0


@pytest.mark.parametrize(
    ("training", "says"),
    [(1, "The first image is for practice, and does not count."), (3, "The first 3 images are for practice")],
)
def test_the_first_page_says_how_many_images_are_for_practice(study, reader, training, says):
    made, base = study(count=4, checks={**PLAIN, "training": training})
    rater = Rater(reader(), f"{base}/i/{made.store.invite(1)[0][1]}").open()
    assert says in rater.text("#screen")


def test_the_board_follows_raters_invites_and_revokes(study, reader):
    made, base = study(count=3)
    [(_, token)] = made.store.invite(1)
    board = reader()
    board.page.goto(f"{base}/o/{made.store.new_owner_token()}")
    wait(board.page, "'ready' in document.documentElement.dataset")
    assert board.page.locator("#name").inner_text() == "faces"
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    first = next_trial(rater, "")
    rater.press("4")
    next_trial(rater, first)
    wait(board.page, "document.querySelector('#raters tbody td:nth-child(2)').innerText === '1'")
    board.page.fill("#invite-count", "2")
    board.page.get_by_role("button", name="Make links").click()
    wait(board.page, "document.querySelectorAll('#links-list li').length === 2")
    link = board.page.locator("#links-list code").first.inner_text()
    Rater(reader(), link).begin(None)
    board.page.get_by_role("button", name="Revoke the link of r01").click()
    board.page.locator("#confirm-yes").click()
    rater.press("2").state("revoked")
    wait(board.page, "document.querySelectorAll('#raters tbody tr').length === 3")
    assert board.said == []


def test_a_vote_kept_for_one_study_waits_there_and_not_in_another_of_the_same_name(reader, tmp_path: Path):
    from study_servers import make_study, served

    one = make_study(tmp_path / "one", None, count=3, checks=PLAIN)
    other = make_study(tmp_path / "other", None, count=3, checks=PLAIN)
    tab = reader()
    with served(one, other) as base:
        links = [f"{base}/i/{study.store.invite(1)[0][1]}" for study in (one, other)]
        rater = Rater(tab, links[0]).begin(None)
        first = next_trial(rater, "")
        tab.page.route("**/api/votes", lambda route: route.abort())
        rater.press("4")
        next_trial(rater, first)
        tab.page.goto(links[1])
        rater.state("begin").press("Enter")
        tab.page.unroute("**/api/votes")
        second = next_trial(rater, "")
        rater.press("2")
        next_trial(rater, second)
        wait_until(lambda: other.store.votes().num_rows == 1, "the vote in the other study")
        assert one.store.votes().num_rows == 0
        tab.page.goto(links[0])
        rater.state("begin")
        wait_until(lambda: one.store.votes()["trial_id"].to_pylist() == [first], "the vote that was kept")
        assert other.store.votes()["trial_id"].to_pylist() == [second]
    one.store.close()
    other.store.close()


def test_the_end_of_a_sitting_says_when_to_go_on(study, reader):
    made, base = study(count=6, sitting=2)
    [(_, token)] = made.store.invite(1)
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    trial = next_trial(rater, "")
    rater.press("4")
    next_trial(rater, trial)
    rater.press("4").state("end")
    wait_until(lambda: made.store.votes().num_rows == 2, "two votes")
    said = rater.page.evaluate("document.getElementById('screen').textContent")
    assert "Enough for now" in said
    assert "You gave 2 answers. That is enough for one sitting" in said
    found = re.search(
        r"From (\d\d:\d\d.*?) on you can go on: open the same link again, or reload this page", said
    )
    assert found, said
    shown = "toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'})"
    assert found[1] in rater.page.evaluate(
        f"[60, 61].map((add) => new Date(Date.now() + add * 60000).{shown})"
    )


def test_a_page_that_was_loaded_in_the_rest_and_left_open_goes_on_after_it(
    study, reader, monkeypatch: pytest.MonkeyPatch
):
    made, base = study(count=6, sitting=2)
    [(_, token)] = made.store.invite(1)
    rater = Rater(reader(), f"{base}/i/{token}").begin(None)
    trial = next_trial(rater, "")
    rater.press("4")
    trial = next_trial(rater, trial)
    rater.press("4").state("end")
    wait_until(lambda: made.store.votes().num_rows == 2, "two votes")
    with rater.page.expect_response("**/api/next*") as rests:
        rater.page.reload()
    assert rests.value.json()["why"] == "sitting"
    rater.state("begin")
    monkeypatch.setattr("groundglass.studies.trials.REST", 0.0)  # the hour is over
    rater.press("Enter").state("trial")
    assert next_trial(rater, trial) != trial
