"""Raters who do anything in any order, on two servers of one database that also start again: nothing breaks."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundglass.studies.progress import TrialState
from groundglass.studies.records import COUNTED, Refused, Session, Vote
from groundglass.studies.store import Store
from study_servers import make_study

KEYS: list[dict[str, Any]] = [
    {"protocol": "acr"},
    {"protocol": "acr", "cap": 4},
    {"protocol": "slider", "dimensions": ["quality", "fit"]},
    {"protocol": "pairwise"},
    {"protocol": "pairwise", "folders": {"a": "x", "b": "y"}},
    {"protocol": "accept"},
]
ANSWERS: dict[str, list[Any]] = {
    "acr": [1, 5],
    "slider": [{"quality": 10.0, "fit": 20.0}, {"quality": 90.0, "fit": 20.0}],
    "pairwise": ["left", "tie"],
    "accept": ["keep", "drop"],
}


@dataclass
class Person:
    """A rater as the test remembers them; trials are ids, in the order of their numbers."""

    name: str
    cookie: str
    session: Session
    revoked: bool = False
    trials: list[str] = field(default_factory=list[str])
    voted: list[str] = field(default_factory=list[str])
    """Votes that count, in the order in which they were acknowledged."""


@dataclass
class Cast:
    """An acknowledged vote."""

    person: Person
    sent: Vote
    undone_by: str | None = None


class Servers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="groundglass-machine-"))
        self.stores: list[Store] = []
        self.people: list[Person] = []
        self.casts: dict[str, Cast] = {}
        self.trials: dict[str, TrialState] = {}
        self.counts: Counter[int] = Counter()

    @initialize(
        keys=st.sampled_from(KEYS),
        count=st.integers(2, 6),
        votes=st.integers(1, 3),
        training=st.integers(0, 1),
    )
    def open(self, keys: dict[str, Any], count: int, votes: int, training: int) -> None:
        checks = {"training": training, "repeat": 0.1, "trap": 0.2}
        study = make_study(self.folder, None, count, votes=votes, gap=0, checks=checks, **keys)
        self.body, self.answers = study.body, ANSWERS[study.body.protocol]
        self.stores = [study.store, Store(study.store.url, study.store.study)]
        self.invite(0)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    # ---- a rater, a server, and a vote, by any numbers

    def some(self, values: list[Any], at: int) -> Any:
        return values[at % len(values)]

    def refused(self, code: str, work: Any, *arguments: Any) -> None:
        with pytest.raises(Refused) as caught:
            work(*arguments)
        assert caught.value.code == code

    def open_trials(self, person: Person) -> list[str]:
        answered = {cast.sent.trial for cast in self.casts.values() if cast.undone_by is None}
        return [trial for trial in person.trials if trial not in answered]

    def observe(self, store: Store) -> None:
        """Every new trial goes to the least voted unit that its rater has not had."""
        progress = store._progress
        assert progress is not None
        people = {person.session.rater: person for person in self.people}
        for trial in progress.trials.values():
            if trial.id in self.trials:
                continue
            person, draft = people[trial.rater], trial.draft
            assert trial.place == len(person.trials) + 1
            had = [self.trials[one].draft for one in person.trials]
            if draft.kind in COUNTED and draft.unit >= 0:
                seen = {one.unit for one in had if one.kind in COUNTED}
                rest = [self.counts[unit] for unit in range(len(progress.design.units)) if unit not in seen]
                assert draft.unit not in seen
                assert self.counts[draft.unit] == min(rest) < self.body.votes
                self.counts[draft.unit] += 1
            elif draft.kind in COUNTED:
                pairs = [{one.left, one.right} for one in had if one.kind in COUNTED]
                assert {draft.left, draft.right} not in pairs
            self.trials[trial.id] = trial
            person.trials.append(trial.id)

    # ---- what people do

    @precondition(lambda self: len(self.people) < 4)
    @rule(at=st.integers(0, 1))
    def invite(self, at: int) -> None:
        store = self.some(self.stores, at)
        ((name, token),) = store.invite(1)
        cookie, session = store.exchange(token)
        assert name not in {person.name for person in self.people}
        self.people.append(Person(name, cookie, session))

    @rule(at=st.integers(0, 1), who=st.integers(0, 3), ahead=st.integers(0, 3))
    def next(self, at: int, who: int, ahead: int) -> None:
        store, person = self.some(self.stores, at), self.some(self.people, who)
        if person.revoked:
            self.refused("revoked", store.next, person.session, ahead)
            return
        before = self.open_trials(person)
        found = [trial.id for trial in store.next(person.session, ahead)]
        self.observe(store)
        assert found[: len(before)] == before[: ahead + 1]
        assert found == self.open_trials(person)[: ahead + 1]

    @rule(at=st.integers(0, 1), who=st.integers(0, 3), which=st.integers(0, 3), answer=st.integers(0, 1))
    def vote(self, at: int, who: int, which: int, answer: int) -> None:
        store, person = self.some(self.stores, at), self.some(self.people, who)
        able = self.open_trials(person)
        if not able:
            return
        sent = Vote(str(uuid.uuid4()), self.some(able, which), self.answers[answer])
        if person.revoked:
            self.refused("revoked", store.vote, person.session, sent)
            return
        assert not store.vote(person.session, sent).again
        self.casts[sent.id] = Cast(person, sent)
        person.voted.append(sent.id)
        self.observe(store)

    @precondition(lambda self: self.casts)
    @rule(at=st.integers(0, 1), which=st.integers(0, 99), answer=st.integers(0, 1), who=st.integers(0, 3))
    def send_again(self, at: int, which: int, answer: int, who: int) -> None:
        """The same UUID: with the same content it is the same vote, else it is refused; also if it was undone."""
        store, cast = self.some(self.stores, at), self.some(list(self.casts.values()), which)
        person, score = self.some(self.people, who), self.answers[answer]
        sent = Vote(cast.sent.id, cast.sent.trial, score)
        if person.revoked:
            self.refused("revoked", store.vote, person.session, sent)
        elif person is cast.person and score == cast.sent.score:
            assert store.vote(person.session, sent).again
        else:
            self.refused("other_content", store.vote, person.session, sent)

    @precondition(lambda self: self.casts)
    @rule(at=st.integers(0, 1), which=st.integers(0, 99), who=st.integers(0, 3))
    def vote_once_more(self, at: int, which: int, who: int) -> None:
        """Another UUID for a trial that has a vote, or for a trial of somebody else."""
        store, cast = self.some(self.stores, at), self.some(list(self.casts.values()), which)
        person = self.some(self.people, who)
        if person is cast.person and cast.sent.trial in self.open_trials(person):
            return
        code = "revoked" if person.revoked else "answered" if person is cast.person else "no_such_trial"
        sent = Vote(str(uuid.uuid4()), cast.sent.trial, self.answers[0])
        self.refused(code, store.vote, person.session, sent)

    @precondition(lambda self: self.casts)
    @rule(at=st.integers(0, 1), which=st.integers(0, 99), last=st.booleans())
    def undo(self, at: int, which: int, last: bool) -> None:
        store, cast = self.some(self.stores, at), self.some(list(self.casts.values()), which)
        person = cast.person
        if last and person.voted:
            cast = self.casts[person.voted[-1]]
        undoing, vote = str(uuid.uuid4()), cast.sent
        if person.revoked:
            self.refused("revoked", store.undo, person.session, undoing, vote.id)
        elif person.voted[-1:] != [vote.id] or self.trials[vote.trial].draft.kind == "train":
            self.refused("not_last", store.undo, person.session, undoing, vote.id)
        else:
            assert store.undo(person.session, undoing, vote.id).id == vote.trial
            person.voted.pop()
            cast.undone_by = undoing

    @precondition(lambda self: any(cast.undone_by for cast in self.casts.values()))
    @rule(at=st.integers(0, 1), which=st.integers(0, 99))
    def undo_again(self, at: int, which: int) -> None:
        store = self.some(self.stores, at)
        cast = self.some([cast for cast in self.casts.values() if cast.undone_by], which)
        if cast.person.revoked:
            self.refused("revoked", store.undo, cast.person.session, cast.undone_by, cast.sent.id)
        else:
            assert store.undo(cast.person.session, cast.undone_by, cast.sent.id).id == cast.sent.trial

    @precondition(lambda self: len(self.people) > 1)
    @rule(at=st.integers(0, 1), who=st.integers(0, 3), really=st.integers(0, 3))
    def revoke(self, at: int, who: int, really: int) -> None:
        if not really:
            person = self.some(self.people, who)
            self.some(self.stores, at).revoke(person.name)
            person.revoked = True

    @rule(at=st.integers(0, 1))
    def reopen(self, at: int) -> None:
        old = self.stores[at]
        old.close()
        self.stores[at] = Store(old.url, old.study)
        for person in self.people:
            session = self.stores[at].session(person.cookie)
            assert session is not None
            assert session.state == ("revoked" if person.revoked else "open")

    # ---- what is always true

    @invariant()
    def the_log_has_every_acknowledged_vote_once(self) -> None:
        if not self.stores:
            return
        log = self.stores[0].votes().to_pylist()
        assert Counter(row["vote_id"] for row in log) == Counter(list(self.casts))
        for row in log:
            cast = self.casts[row["vote_id"]]
            assert (row["trial_id"], row["rater"]) == (cast.sent.trial, cast.person.name)
            assert row["undone_by"] == cast.undone_by
        assert all(
            many == 1 for many in Counter(row["trial_id"] for row in log if not row["undone_by"]).values()
        )

    @invariant()
    def both_servers_count_the_same(self) -> None:
        for store in self.stores:
            able = [person for person in self.people if not person.revoked]
            if able:
                store.standing(able[0].session)
        seen = [store._progress for store in self.stores]
        if all(one is not None and one.turn == seen[0].turn for one in seen) and seen:
            assert seen[0].tally.counts.tolist() == seen[1].tally.counts.tolist()
            for person in self.people:
                for one in seen:
                    rater = one.raters[person.session.rater]
                    assert list(rater.voted) == person.voted
                    assert sorted(rater.waiting) == sorted(self.open_trials(person))


TestServers = Servers.TestCase
# Every step waits for the disk, so a failing example is not shrunk: that would take minutes.
TestServers.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
