"""Everything that a study keeps, on SQLite and on PostgreSQL: nothing is lost, doubled or shown to the wrong person."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from groundglass.errors import RecipeError, UnreachableError
from groundglass.studies.board import as_of, board_of
from groundglass.studies.open_study import Study
from groundglass.studies.progress import OUTSTANDING
from groundglass.studies.records import COUNTED, Refused, Session, Trial, Vote
from groundglass.studies.store import Store
from groundglass.studies.trial_images import is_whole_png, png_of
from groundglass.studies.trials import REST
from patience import now, set_clock
from postgres_tools import cluster, why_not
from study_client import SCORES
from study_servers import make_study

PROTOCOLS: list[dict[str, Any]] = [
    {"protocol": "acr"},
    {"protocol": "slider", "dimensions": ["quality", "fit"]},
    {"protocol": "pairwise"},
    {"protocol": "pairwise", "folders": {"a": "x", "b": "y"}},
    {"protocol": "accept", "reasons": ["blurred"]},
    {"protocol": "pair_accept", "folders": {"lq": "x", "hq": "y"}},
]


@pytest.fixture
def make(tmp_path: Path, url: str | None) -> Iterator[Any]:
    made: list[Study] = []

    def one(**keys: Any) -> Study:
        made.append(make_study(tmp_path / str(len(made)), url, **keys))
        return made[-1]

    yield one
    for study in made:
        study.store.close()


def enter(store: Store, count: int = 1) -> list[Session]:
    return [store.exchange(token)[1] for _, token in store.invite(count)]


def answer(study: Study) -> Any:
    if len(study.body.dimensions) > 1:
        return dict.fromkeys(study.body.dimensions, 70.0)
    return SCORES[study.body.protocol]


def cast(study: Study, session: Session, trial: Trial, **more: Any) -> str:
    sent = Vote(str(uuid.uuid4()), trial.id, answer(study), **more)
    receipt = study.store.vote(session, sent)
    assert receipt.vote == sent.id
    assert not receipt.again
    return sent.id


def refusal(work: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        work(*arguments)
    return caught.value.code


@pytest.mark.parametrize("keys", PROTOCOLS)
def test_raters_vote_until_there_are_enough_votes_and_the_log_has_them_all(make: Any, keys: dict[str, Any]):
    study = make(count=6, votes=2, checks={"repeat": 0.1, "trap": 0.1}, **keys)
    raters = enter(study.store, 3)
    cast_votes: set[str] = set()
    while any(trials := [study.store.next(one, 2) for one in raters]):
        cast_votes |= {cast(study, one, ahead[0]) for one, ahead in zip(raters, trials, strict=True) if ahead}
    log = study.store.votes()
    assert set(log["vote_id"].to_pylist()) == cast_votes
    assert log.num_rows == len(cast_votes)
    counts = Counter(
        frozenset(row[key] for key in ("item", "left", "right") if row[key])
        for row in log.to_pylist()
        if row["kind"] in COUNTED
    )
    if keys.get("protocol") != "pairwise" or "folders" in keys:
        assert set(counts.values()) == {2}
        assert len(counts) == 6
    assert json.loads(log["score"][0].as_py()) == answer(study)
    standing = study.store.standing(raters[0])
    assert standing.why == "all_rated"
    assert {row["state"] for row in study.store.raters().to_pylist()} == {"active"}


def test_a_study_is_the_same_after_it_is_opened_again(make: Any):
    study = make(votes=2)
    (rater,) = enter(study.store)
    ahead = study.store.next(rater, 3)
    cast(study, rater, ahead[0])
    items, votes, rest = study.store.items(), study.store.votes(), study.store.next(rater, 2)
    other = Store(study.store.url, study.store.study)
    assert other.there()
    assert other.items() == items
    assert other.votes() == votes
    assert [trial.id for trial in other.next(rater, 2)] == [trial.id for trial in rest]
    assert rest[0].id == ahead[1].id
    other.close()
    with pytest.raises(RecipeError, match="exists"):
        study.store.create("faces", {}, 0, "", [])


def test_two_tabs_get_the_same_trials(make: Any):
    study = make()
    (rater,) = enter(study.store)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: [trial.id for trial in study.store.next(rater, 2)], range(24)))
    assert all(one == found[0] for one in found)
    assert len(set(found[0])) == 3


def test_a_vote_that_is_sent_again_is_one_vote_and_another_content_is_refused(make: Any):
    study = make()
    (rater,) = enter(study.store)
    first, second = study.store.next(rater, 1)
    vote = Vote(str(uuid.uuid4()), first.id, 4, seen={"t_answer": 5.0})
    assert not study.store.vote(rater, vote).again
    assert study.store.vote(rater, vote).again
    assert study.store.vote(rater, Vote(vote.id, first.id, 4, seen={"t_answer": 6.0})).again
    assert refusal(study.store.vote, rater, Vote(vote.id, first.id, 3)) == "other_content"
    assert refusal(study.store.vote, rater, Vote(vote.id, second.id, 4)) == "other_content"
    assert refusal(study.store.vote, rater, Vote(str(uuid.uuid4()), first.id, 4)) == "answered"
    assert refusal(study.store.vote, rater, Vote(str(uuid.uuid4()), "0" * 32, 4)) == "no_such_trial"
    assert study.store.votes().num_rows == 1


def test_doubled_votes_at_the_same_moment_are_one_vote(make: Any):
    study = make()
    (rater,) = enter(study.store)
    trial = study.store.next(rater)[0]
    same = str(uuid.uuid4())

    def send(own: bool) -> str:
        try:
            done = study.store.vote(rater, Vote(str(uuid.uuid4()) if own else same, trial.id, 4))
            return "again" if done.again else "ok"
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(12) as pool:
        said = Counter(pool.map(send, [False, True] * 12))
    assert said["ok"] == 1
    assert set(said) <= {"ok", "again", "answered", "other_content"}
    assert study.store.votes().num_rows == 1


def test_no_rater_touches_the_trials_of_another(make: Any):
    study = make()
    ann, bob = enter(study.store, 2)
    trial = study.store.next(ann)[0]
    vote = cast(study, ann, trial)
    other = study.store.next(ann)[0]
    assert refusal(study.store.vote, bob, Vote(str(uuid.uuid4()), other.id, 4)) == "no_such_trial"
    assert refusal(study.store.vote, bob, Vote(vote, trial.id, answer(study))) == "other_content"
    assert refusal(study.store.undo, bob, str(uuid.uuid4()), vote) == "not_last"
    assert study.store.image(bob, other.images[0].id) is None
    shown = study.store.image(ann, other.images[0].id)
    assert shown is not None
    assert study.store.image(ann, other.images[0].id[:-1] + "1") is None
    assert study.store.image(ann, shown.item.id) is None


def test_two_studies_of_one_database_do_not_mix(make: Any, url: str | None, tmp_path: Path):
    one = make(name="one")
    other = Study("two", tmp_path, one.body, 1, "", Store(one.store.url, "second"))
    other.store.create("two", one.body.model_dump(mode="json"), 1, "", [])
    ((_, token),) = one.store.invite(1)
    cookie, rater = one.store.exchange(token)
    assert refusal(other.store.exchange, token) == "unknown"
    assert other.store.session(cookie) is None
    assert refusal(other.store.next, rater) == "not_a_rater"
    trial = one.store.next(rater)[0]
    assert refusal(other.store.vote, rater, Vote(str(uuid.uuid4()), trial.id, 4)) == "not_a_rater"
    assert other.store.image(rater, trial.images[0].id) is None
    cast(one, rater, trial)
    assert (one.store.votes().num_rows, other.store.votes().num_rows) == (1, 0)
    other.store.close()


def test_the_same_uuid_in_two_studies_is_refused_and_harms_nobody(make: Any):
    one = make()
    other = make() if one.store.url.startswith("sqlite") else make(name="two")
    (ann,), (bob,) = enter(one.store), enter(other.store)
    same = str(uuid.uuid4())
    one.store.vote(ann, Vote(same, one.store.next(ann)[0].id, 4))
    trial = other.store.next(bob)[0]
    if one.store.url == other.store.url:
        assert refusal(other.store.vote, bob, Vote(same, trial.id, 4)) == "other_content"
    cast(other, bob, trial)
    assert other.store.votes().num_rows == 1


def test_undo_takes_back_the_last_vote_only_and_keeps_it_in_the_log(make: Any):
    study = make(checks={"training": 1})
    (rater,) = enter(study.store)
    training, first, second, *_ = study.store.next(rater, 3)
    votes = [cast(study, rater, trial) for trial in (training, first, second)]
    assert refusal(study.store.undo, rater, str(uuid.uuid4()), votes[1]) == "not_last"
    undoing = str(uuid.uuid4())
    assert study.store.undo(rater, undoing, votes[2]).id == second.id
    assert study.store.undo(rater, undoing, votes[2]).id == second.id
    assert study.store.next(rater)[0].id == second.id
    assert refusal(study.store.undo, rater, undoing, votes[1]) == "other_content"
    again = cast(study, rater, second)
    assert study.store.undo(rater, str(uuid.uuid4()), again).id == second.id
    assert study.store.undo(rater, str(uuid.uuid4()), votes[1]).id == first.id
    assert refusal(study.store.undo, rater, str(uuid.uuid4()), votes[0]) == "not_last"
    log = {row["vote_id"]: row["undone_by"] for row in study.store.votes().to_pylist()}
    assert log[votes[2]] == undoing
    assert log[votes[0]] is None
    assert len(log) == 4
    assert study.store.standing(rater).done == 1


def test_links_expire_and_are_withdrawn(make: Any):
    study = make()
    ((_, old),) = study.store.invite(1, expires=1.0)
    assert refusal(study.store.exchange, old) == "expired"
    ((name, token),) = study.store.invite(1)
    cookie, rater = study.store.exchange(token)
    trial = study.store.next(rater)[0]
    study.store.revoke(name)
    assert refusal(study.store.exchange, token) == "revoked"
    assert study.store.session(cookie).state == "revoked"
    assert refusal(study.store.next, rater) == "revoked"
    assert refusal(study.store.vote, rater, Vote(str(uuid.uuid4()), trial.id, 4)) == "revoked"
    with pytest.raises(RecipeError, match="no rater 'r77'"):
        study.store.revoke("r77")
    assert [row["state"] for row in study.store.raters().to_pylist()] == ["expired", "revoked"]


def test_the_owner_gets_a_new_link_each_time_and_does_not_rate(make: Any):
    study = make()
    first, second = study.store.new_owner_token(), study.store.new_owner_token()
    assert refusal(study.store.exchange, first) == "unknown"
    _, owner = study.store.exchange(second)
    assert owner.rater is None
    assert refusal(study.store.next, owner) == "not_a_rater"
    item = study.store.items()["id"][0].as_py()
    assert study.store.image(owner, item).item.id == item


def test_tokens_are_long_and_the_database_has_none_of_them(make: Any):
    study = make()
    made = study.store.invite(20)
    tokens = {token for _, token in made}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 22  # 128 bits in base64
    cookie, _ = study.store.exchange(made[0][1])
    with study.store._database.reading() as connection:
        everything = "".join(
            str(connection.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("studies", "raters", "sessions")
        )
    assert not any(secret in everything for secret in (*tokens, cookie))


def test_trials_that_nobody_answers_stop_counting_and_are_still_theirs(make: Any):
    study = make(count=1, votes=1, checks={"training": 0})
    ann, bob = enter(study.store, 2)
    trial = study.store.next(ann)[0]
    assert study.store.next(bob) == []
    progress = study.store._progress
    progress.forget_old(progress.trials[trial.id].assigned + OUTSTANDING + 1)
    assert [one.id for one in study.store.next(bob)] != []
    assert study.store.next(ann)[0].id == trial.id
    cast(study, ann, trial)
    assert study.store._progress.tally.counts.tolist() == [2]


def test_two_servers_on_one_database_see_each_other(make: Any):
    """Each vote goes through one of two stores at random; both count the same in the end, and no vote is lost."""
    study = make(count=10, votes=3)
    stores = [study.store, Store(study.store.url, study.store.study)]
    raters = enter(study.store, 4)
    lock, sent = threading.Lock(), list[str]()

    def rate(at: int) -> None:
        turn = 0
        while trials := stores[(turn + at) % 2].next(raters[at], turn % 3):
            vote = Vote(str(uuid.uuid4()), trials[0].id, 4)
            stores[turn % 2].vote(raters[at], vote)
            with lock:
                sent.append(vote.id)
            turn += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rate, range(4)))
    log = study.store.votes().to_pylist()
    assert sorted(row["vote_id"] for row in log) == sorted(sent)
    assert set(Counter(row["item"] for row in log if row["kind"] in COUNTED).values()) == {3}
    for store in stores:
        store.turn()
        store.standing(raters[0])
    assert stores[0]._progress.tally.counts.tolist() == stores[1]._progress.tally.counts.tolist() == [3] * 10
    stores[1].close()


def test_a_narrow_interval_ends_an_image_early(make: Any):
    study = make(count=4, votes=20, stop=1.5, checks={"training": 0, "repeat": 0, "trap": 0})
    raters = enter(study.store, 20)
    for rater in raters:
        while trials := study.store.next(rater):
            item = study.store.image(rater, trials[0].images[0].id).item
            study.store.vote(rater, Vote(str(uuid.uuid4()), trials[0].id, 2 + item.place % 2))
    counts = study.store._progress.tally.counts
    assert counts.max() < 20
    assert counts.min() >= 3


def test_flags_are_recorded_and_training_gets_feedback(make: Any):
    study = make(
        count=30,
        checks={"training": 2, "trap": 0.3, "repeat": 0, "gold": 0},
        first={"role": "train", "low": 1, "high": 2},
    )
    (rater,) = enter(study.store)
    first, second = study.store.next(rater, 1)
    wrong = study.store.vote(rater, Vote(str(uuid.uuid4()), first.id, 5, seen={"dwell": 0.1})).feedback
    assert (wrong["right"], wrong["low"], wrong["high"]) == (False, 1, 2)
    assert study.store.vote(rater, Vote(str(uuid.uuid4()), second.id, 1)).feedback["right"] is True
    while trials := study.store.next(rater):
        assert study.store.vote(rater, Vote(str(uuid.uuid4()), trials[0].id, 5)).feedback is None
    rows = study.store.votes().to_pylist()
    assert rows[0]["flags"] == ["too_fast", "train_failed"]
    traps = [row for row in rows if row["kind"] == "trap"]
    assert len(traps) > 3
    assert all(row["flags"] == ["trap_failed"] and row["damaged"] == "single" for row in traps)
    assert all(row["flags"] == [] for row in rows if row["kind"] == "rate")


@pytest.mark.parametrize(
    "evil", ["'; DROP TABLE votes; --", "\x00", "\ud800", "=1+1", "<script>", "🙂" * 900]
)
def test_text_of_any_kind_is_kept_and_harms_nothing(make: Any, evil: str):
    study = make(first={"name": evil, "row": evil, "prompt": evil, "content": evil})
    (rater,) = enter(study.store)
    from groundglass.studies.read_vote import read_vote

    trial = study.store.next(rater)[0]
    sent = {"id": str(uuid.uuid4()), "trial": trial.id, "score": 4, "comment": evil}
    study.store.vote(rater, read_vote(study.body, sent))
    assert study.store.votes()["comment"][0].as_py() == evil.replace("\x00", "�").replace("\ud800", "�")
    assert refusal(study.store.exchange, evil) == "unknown"
    assert study.store.session(evil) is None
    assert study.store.image(rater, evil) is None
    with pytest.raises(RecipeError):
        study.store.revoke(evil.replace("\x00", "").replace("\ud800", ""))


@pytest.mark.parametrize("bad", ["mysql://x/y", "nothing", "", "sqlite"])
def test_a_database_of_another_kind_is_refused(bad: str):
    with pytest.raises(RecipeError, match="SQLite or PostgreSQL"):
        Store(bad)


def test_a_database_that_does_not_answer_is_unreachable_and_its_password_is_not_shown(tmp_path: Path):
    with pytest.raises(UnreachableError) as caught:
        Store("postgresql://anna:secret@127.0.0.1:9/votes")
    assert "secret" not in caught.value.message
    with pytest.raises(UnreachableError):
        Store(f"sqlite:///{tmp_path}/no/folder/votes.sqlite")


@pytest.mark.parametrize(
    ("pragma", "meaning"),
    [("max_page_count=1", "has no space left"), ("query_only=1", "cannot be written to")],
)
def test_the_owner_gets_the_cause_of_a_failure_and_the_vote_is_taken_when_it_is_gone(
    tmp_path: Path, pragma: str, meaning: str
):
    study = make_study(tmp_path, None)
    (rater,) = enter(study.store)
    trial = study.store.next(rater)[0]
    reports: list[UnreachableError] = []
    study.store.report = reports.append
    engine = study.store._database._engine

    def set_pragma(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", set_pragma)
    engine.dispose()
    comment = "x" * 100_000  # needs new pages
    vote = Vote(str(uuid.uuid4()), trial.id, 4, comment=comment)
    with pytest.raises(UnreachableError, match=meaning):
        study.store.vote(rater, vote)
    assert [meaning in error.message for error in reports] == [True]
    assert reports[0].hint
    assert [one.id for one in study.store.next(rater)] == [trial.id]
    event.remove(engine, "connect", set_pragma)
    engine.dispose()
    assert not study.store.vote(rater, vote).again
    assert study.store.votes().num_rows == 1
    assert len(reports) == 1
    study.store.close()


def test_a_server_that_ends_is_reported_and_a_report_that_fails_changes_nothing(tmp_path: Path):
    if why_not():
        pytest.skip(why_not() or "")
    with cluster() as url:
        study = make_study(tmp_path, url)
        (rater,) = enter(study.store)
        trial = study.store.next(rater)[0]
    reports: list[UnreachableError] = []

    def report(error: UnreachableError) -> None:
        reports.append(error)
        raise BrokenPipeError

    study.store.report = report
    for work in (study.store.votes, lambda: study.store.vote(rater, Vote(str(uuid.uuid4()), trial.id, 4))):
        with pytest.raises(UnreachableError):
            work()
    assert len(reports) == 2
    study.store.close()


def test_a_link_expires_on_a_board_that_was_made_before(make: Any):
    study = make()
    ((name, token),) = study.store.invite(1, expires=now() + 3600)
    study.store.exchange(token)
    before = board_of(study, now())
    assert [row["state"] for row in before["raters"]] == ["active"]
    later = as_of(before, now() + 3601)
    assert [(row["rater"], row["state"]) for row in later["raters"]] == [(name, "expired")]
    assert later["items"] == before["items"]
    study.store.revoke(name)
    revoked = board_of(study, now())
    assert [row["state"] for row in as_of(revoked, now() + 3601)["raters"]] == ["revoked"]


def test_a_database_file_that_was_deleted_takes_no_vote(tmp_path: Path):
    """An open file that was deleted can still be written to: its votes would be gone with it."""
    study = make_study(tmp_path, None)
    (rater,) = enter(study.store)
    trial = study.store.next(rater)[0]
    vote = Vote(str(uuid.uuid4()), trial.id, 4)
    file = tmp_path / "votes.sqlite"
    moved = file.rename(tmp_path / "moved.sqlite")
    with pytest.raises(UnreachableError, match="is gone, or is another one"):
        study.store.vote(rater, vote)
    moved.rename(file)
    assert not study.store.vote(rater, vote).again
    study.store.close()


def test_a_kept_copy_of_an_image_that_a_power_cut_damaged_is_made_again(make: Any):
    study = make()
    (rater,) = enter(study.store)
    shown = study.store.image(rater, study.store.next(rater)[0].images[0].id)
    folder = study.folder / "images"
    whole = png_of(shown, folder)
    (kept,) = folder.iterdir()
    assert kept.read_bytes() == whole
    assert is_whole_png(whole)
    for broken in (b"", whole[:-20], whole[:60] + bytes(40) + whole[100:], whole + b"more"):
        kept.write_bytes(broken)
        assert png_of(shown, folder) == whole
        assert kept.read_bytes() == whole


def test_a_sitting_ends_and_the_next_one_goes_on(make: Any, monkeypatch: pytest.MonkeyPatch):
    study = make(count=9, votes=2, sitting=4, checks={"training": 1})
    (rater, other) = enter(study.store, 2)
    for place in range(4):
        ahead = study.store.next(rater, 6)
        assert [trial.number for trial in ahead] == list(range(place + 1, 5)), "none of the next sitting"
        cast(study, rater, ahead[0])
    turn = study.store.turn()
    assert study.store.next(rater, 6) == []
    assert study.store.turn() == turn, "a rater who rests changes nothing"
    standing = study.store.standing(rater)
    assert (standing.done, standing.why) == (4, "sitting")
    assert standing.minutes is not None
    assert 50 < standing.minutes <= 60
    assert study.store.next(other, 0), "it is one rater's own sitting"
    monkeypatch.setattr("groundglass.studies.trials.REST", 0.0)  # the hour is over
    while ahead := study.store.next(rater, 0):
        cast(study, rater, ahead[0])
    standing = study.store.standing(rater)
    assert (standing.why, standing.minutes) == ("all_rated", None)
    assert standing.done > 9


def test_trials_that_a_sitting_left_open_are_part_of_the_next_one(make: Any, monkeypatch: pytest.MonkeyPatch):
    study = make(
        count=12,
        votes=1,
        sitting=4,
        checks={"training": 0, "trap": 0, "repeat": 0, "gold": 0, "identical": 0},
    )
    (rater,) = enter(study.store)
    opened = study.store.next(rater, 6)
    for trial in opened[:2]:
        last = cast(study, rater, trial)
    clock = now() + REST
    set_clock(monkeypatch, lambda: clock)
    sitting = []
    while ahead := study.store.next(rater, 6):
        sitting.append(ahead[0].id)
        last = cast(study, rater, ahead[0])
        clock += 30
    assert sitting[:2] == [trial.id for trial in opened[2:]]
    assert len(sitting) == 4
    clock += 1800
    again = study.store.undo(rater, str(uuid.uuid4()), last)
    assert [trial.id for trial in study.store.next(rater, 6)] == [again.id], (
        "no further trial comes with an undone one"
    )
    cast(study, rater, again)
    assert study.store.standing(rater).minutes == 60, "an hour after the last answer"
    clock += REST
    assert len(study.store.next(rater, 6)) == 4
