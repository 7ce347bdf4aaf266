"""The store of one study: every transaction on its database.

A change first adds 1 to the study's `turn`, which locks it: the database does one change of a study at a time, also
with several servers. A change is on disk before it is confirmed. A vote has the browser's UUID as its key, so sending
it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from groundglass import __version__
from groundglass.errors import RecipeError
from groundglass.recipes.study_model import StudyStep
from groundglass.studies import tables
from groundglass.studies.answers import feedback_of, flags_of
from groundglass.studies.assign import at_cap, left_for, next_trial
from groundglass.studies.database import (
    LOST,
    make_tables,
    open_engine,
    reading,
    snapshot,
    unreachable,
    writing,
)
from groundglass.studies.design import design_of
from groundglass.studies.progress import Progress, RaterState, TrialState
from groundglass.studies.records import (
    ItemRow,
    Receipt,
    Refused,
    Session,
    Shown,
    Standing,
    Trial,
    TrialImage,
    Vote,
    storable,
)
from groundglass.studies.schema import ITEMS, RATERS, SESSIONS, STUDIES, TRIALS, VERSION, VOTES
from groundglass.studies.writer import Writer

COOKIE_SECONDS = 90 * 24 * 3600.0
"""How long a browser stays signed in; the link makes a new session at any time."""
MOST_AHEAD = 10
"""Trials that are handed out beyond the next one, at most."""
MOST_SESSIONS = 10_000
"""Sessions, and trials for their images, that are kept in memory."""
ASIDE_SECONDS = 120.0
"""How long an image is left out after its file could not be read."""


class Store:
    """A study in a database. ``study`` is its id: a PostgreSQL database may hold many, a SQLite file holds one.

    Calls may come from any thread. Raises UnreachableError if the database does not answer, RecipeError for a URL that
    is neither SQLite nor PostgreSQL, or for a database of another version.
    """

    def __init__(self, url: str, study: str = "study") -> None:
        self.study = study
        self.url = url
        self._engine = open_engine(url)
        self._reads, self._writes = reading(self._engine), writing(self._engine)
        self._snapshots = snapshot(self._engine)
        self._lock, self._write = threading.Lock(), threading.Lock()
        self._sessions: dict[str, Mapping[Any, Any]] = {}
        self._trials: dict[str, Mapping[Any, Any]] = {}
        self._progress: Progress | None = None
        self._facts: tuple[StudyStep, int, dict[str, ItemRow]] | None = None
        self._writer = Writer[tuple[Connection, Progress]](self._changes)
        try:
            make_tables(self._engine)
        except LOST as error:
            self._engine.dispose()
            raise unreachable(error, url) from error
        except RecipeError:
            self._engine.dispose()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits to be written, and close all connections."""
        self._writer.close()
        self._engine.dispose()

    # ---- the study and its raters

    def there(self) -> bool:
        """Whether the study was created."""
        with self._reading() as connection:
            return (
                connection.execute(select(STUDIES.c.id).where(STUDIES.c.id == self.study)).first() is not None
            )

    def create(
        self, name: str, body: Mapping[str, Any], seed: int, recipe: str, items: Sequence[ItemRow]
    ) -> str:
        """Make the study with its items, all or nothing; the owner's token. Raises RecipeError if it exists."""
        token = new_token()
        row = {
            "id": self.study, "version": VERSION, "name": name, "body": body, "seed": seed, "recipe": recipe,
            "created": time.time(), "owner_hash": digest(token), "turn": 0,
        }  # fmt: skip
        try:
            with self._writing() as connection:
                connection.execute(insert(STUDIES), row)
                rows = [{**_storable(asdict(item)), "study": self.study} for item in items]
                if rows:
                    connection.execute(insert(ITEMS), rows)
        except IntegrityError as error:
            raise RecipeError(f"the study {name} exists already", "open it instead") from error
        return token

    def new_owner_token(self) -> str:
        """A new token for the owner's link; links made before no longer work, browsers stay signed in."""
        token = new_token()
        with self._writing() as connection:
            mine = STUDIES.c.id == self.study
            connection.execute(update(STUDIES).where(mine).values(owner_hash=digest(token)))
        return token

    def invite(self, count: int, expires: float | None = None) -> list[tuple[str, str]]:
        """Make raters: (name, token) of each. ``expires`` is in seconds since 1970; None is never."""
        made: list[tuple[str, str]] = []
        with self._writing() as connection:
            turn = self._take_turn(connection)
            mine = RATERS.c.study == self.study
            there = connection.execute(select(func.count()).select_from(RATERS).where(mine)).scalar_one()
            for number in range(there + 1, there + count + 1):
                token, name = new_token(), f"r{number:02d}"
                made.append((name, token))
                connection.execute(
                    insert(RATERS).values(
                        id=secrets.token_hex(16), study=self.study, name=name, token_hash=digest(token),
                        created=time.time(), expires=expires, turn=turn,
                    )
                )  # fmt: skip
        return made

    def revoke(self, name: str) -> None:
        """A rater's link and sessions no longer work; their votes stay. Raises RecipeError for an unknown name."""
        with self._writing() as connection:
            turn = self._take_turn(connection)
            mine = (RATERS.c.study == self.study) & (RATERS.c.name == name)
            change = {"revoked": func.coalesce(RATERS.c.revoked, time.time()), "turn": turn}
            if not connection.execute(update(RATERS).where(mine).values(change)).rowcount:
                names = (
                    connection.execute(select(RATERS.c.name).where(RATERS.c.study == self.study))
                    .scalars()
                    .all()
                )
                raise RecipeError(
                    f"there is no rater '{name}'", f"the raters are {', '.join(names) or 'not invited yet'}"
                )

    # ---- sessions

    def exchange(self, token: str) -> tuple[str, Session]:
        """A new session for the token of a link: the cookie, and the session.

        Raises Refused ``unknown``, ``revoked`` or ``expired``.
        """
        hashed, now, cookie = digest(token), time.time(), new_token()
        with self._reading() as connection:
            owner = connection.execute(
                select(STUDIES.c.id).where((STUDIES.c.id == self.study) & (STUDIES.c.owner_hash == hashed))
            ).first()
            mine = (RATERS.c.study == self.study) & (RATERS.c.token_hash == hashed)
            rater = None if owner else connection.execute(select(RATERS).where(mine)).mappings().first()
        if owner is None:
            if rater is None:
                raise Refused("unknown")
            _refuse_closed(rater, now)
        row: dict[str, Any] = {
            "id": digest(cookie), "study": self.study, "rater": rater and rater["id"], "csrf": new_token(),
            "created": now, "expires": now + COOKIE_SECONDS, "display": None,
        }  # fmt: skip

        def enter(at: tuple[Connection, Progress]) -> None:
            connection, _ = at
            same = SESSIONS.c.rater == row["rater"] if rater else SESSIONS.c.rater.is_(None)
            mine = (SESSIONS.c.study == self.study) & same
            before = connection.execute(select(func.max(SESSIONS.c.number)).where(mine)).scalar()
            row["number"] = (before or 0) + 1
            connection.execute(insert(SESSIONS), row)

        self._writer.do(enter)
        name = rater["name"] if rater else "owner"
        return cookie, Session(row["id"], row["rater"], name, row["csrf"], row["number"], now)

    def session(self, cookie: str, fresh: bool = True) -> Session | None:
        """The session of a cookie; None if there is none. Its state says whether the link was revoked or expired.

        Without ``fresh`` the state may be as old as the last fresh one. That suffices for `next`, `vote`, `undo` and
        `standing`, which look themselves whether the rater's link still holds.
        """
        now, hashed = time.time(), digest(cookie)
        row = None if fresh else self._sessions.get(hashed)
        if row is None:
            with self._reading() as connection:
                found = connection.execute(_SESSION, {"cookie": hashed, "study_id": self.study})
                row = found.mappings().first()
            if row is None:
                return None
            if len(self._sessions) > MOST_SESSIONS:
                self._sessions.clear()
            self._sessions[hashed] = row
        state = "open"
        if row["revoked"] is not None:
            state = "revoked"
        elif row["session_expires"] <= now or (row["expires"] is not None and row["expires"] <= now):
            state = "expired"
        return Session(
            row["id"], row["rater"], row["name"] or "owner", row["csrf"], row["number"], row["created"], state
        )

    def record_display(self, session: Session, display: Mapping[str, Any]) -> None:
        """Keep what the rater's browser says of its display."""
        with self._writing() as connection:
            connection.execute(
                update(SESSIONS).where(SESSIONS.c.id == session.id).values(display=dict(display))
            )

    # ---- trials and votes

    @property
    def body(self) -> StudyStep:
        """The keys of the study."""
        return self._read_facts()[0]

    def standing(self, session: Session) -> Standing:
        """How far a rater is."""
        with self._current() as progress:
            return _standing(progress, _rater(progress, session))

    def next(self, session: Session, ahead: int = 0) -> list[Trial]:
        """The rater's open trials, in their order: the next one and ``ahead`` more; fewer if there are not so many.

        The same trials come again until they have votes.
        """
        wanted = 1 + max(0, min(ahead, MOST_AHEAD))
        with self._current() as progress:
            rater = _rater(progress, session)
            progress.forget_old(time.time())
            if len(progress.open_trials(rater)) >= wanted or _assigned(progress, rater) is None:
                return self._shown(progress, rater, wanted)

        def hand_out(at: tuple[Connection, Progress]) -> list[Trial]:
            connection, progress = at
            rater = _rater(progress, session)
            self._top_up(connection, progress, rater, wanted)
            return self._shown(progress, rater, wanted)

        return self._writer.do(hand_out)

    def vote(self, session: Session, vote: Vote) -> Receipt:
        """Record a vote. It is on disk when this returns.

        Raises Refused: ``revoked``, ``expired``, ``no_such_trial``, ``answered``, ``other_content``.
        """

        def record(at: tuple[Connection, Progress]) -> Receipt:
            connection, progress = at
            rater = _rater(progress, session)
            known = progress.votes.get(vote.id)
            if known is not None:
                return self._again(connection, progress, session, vote)
            trial = progress.trials.get(vote.trial)
            if trial is None or trial.rater != rater.id:
                raise Refused("no_such_trial")
            if trial.vote is not None:
                raise Refused("answered")
            row = {
                "id": vote.id, "study": self.study, "trial": trial.id, "rater": rater.id,
                "session": session.number, "score": vote.score, "reasons": list(vote.reasons),
                "comment": vote.comment, "received": time.time(), **vote.seen, "app_version": __version__,
                "flags": flags_of(progress.design, trial.draft, vote, self.body), "undone_by": None,
                "turn": progress.turn,
            }  # fmt: skip
            connection.execute(insert(VOTES), row)
            before = len(progress.open_trials(rater))
            progress.apply_vote(row)
            # The trial that takes its place is handed out in the same transaction: one wait for the disk, not two.
            self._top_up(connection, progress, rater, before)
            return Receipt(vote.id, False, feedback_of(progress.design, trial.draft, vote.score))

        try:
            return self._writer.do(record)
        except IntegrityError as error:
            # The UUID is that of a vote in another study of this database.
            raise Refused("other_content") from error

    def _again(self, connection: Connection, progress: Progress, session: Session, vote: Vote) -> Receipt:
        """The receipt of a vote that was sent before; Refused ``other_content`` if it was another one."""
        row = connection.execute(select(VOTES).where(VOTES.c.id == vote.id)).mappings().one()
        before = (row["trial"], row["rater"], row["score"], row["reasons"], row["comment"])
        if before != (vote.trial, session.rater, vote.score, list(vote.reasons), vote.comment):
            raise Refused("other_content")
        return Receipt(
            vote.id, True, feedback_of(progress.design, progress.trials[vote.trial].draft, vote.score)
        )

    def undo(self, session: Session, undoing: str, vote: str) -> Trial:
        """Take back the rater's last vote; ``undoing`` is a UUID of the browser. The trial is open again.

        Raises Refused: ``not_last``, ``revoked``, ``expired``, ``other_content``.
        """

        def take_back(at: tuple[Connection, Progress]) -> Trial:
            connection, progress = at
            rater = _rater(progress, session)
            if undoing in progress.undoings:
                trial = progress.trials[progress.votes[vote][0]] if vote in progress.votes else None
                if progress.undoings[undoing] != vote or trial is None or trial.rater != rater.id:
                    raise Refused("other_content")
                return self._trial(progress, trial, _total(progress, rater))
            if not rater.voted or rater.voted[-1] != vote:
                raise Refused("not_last")
            trial = progress.trials[progress.votes[vote][0]]
            if trial.draft.kind == "train":
                raise Refused("not_last")
            change = {"undone_by": undoing, "turn": progress.turn}
            connection.execute(update(VOTES).where(VOTES.c.id == vote).values(change))
            progress.apply_vote(connection.execute(select(VOTES).where(VOTES.c.id == vote)).mappings().one())
            return self._trial(progress, trial, _total(progress, rater))

        return self._writer.do(take_back)

    def image(self, session: Session, image: str) -> Shown | None:
        """The image behind an opaque id; None unless the rater has a trial with it. The owner may also name an item."""
        items = self._read_facts()[2]
        if session.rater is None and image in items:
            return Shown(items[image], False)
        if len(image) != 33 or image[-1] not in "01":
            return None
        trial = self._trial_of(image[:-1])
        if trial is None or session.rater not in (None, trial["rater"]):
            return None
        side = "single" if trial["item"] else ("left", "right")[int(image[-1])]
        if side == "single" and image[-1] == "1":
            return None
        return Shown(items[trial["item"] or trial[side]], trial["damaged"] == side)

    def _trial_of(self, trial: str) -> Mapping[Any, Any] | None:
        """The row of a trial. It never changes, so it is read once."""
        row = self._trials.get(trial)
        if row is None:
            with self._reading() as connection:
                mine = (TRIALS.c.id == trial) & (TRIALS.c.study == self.study)
                row = connection.execute(select(TRIALS).where(mine)).mappings().first()
            if row is not None:
                self._remember(row)
        return row

    def _remember(self, row: Mapping[Any, Any]) -> None:
        if len(self._trials) > MOST_SESSIONS:
            self._trials.clear()
        self._trials[row["id"]] = row

    def set_aside(self, item: ItemRow) -> None:
        """The file of an item cannot be read now: for a while no rater gets it, then it is tried again."""
        with self._current() as progress:
            progress.set_aside(item.id, time.time() + ASIDE_SECONDS)

    # ---- tables

    def votes(self) -> pa.Table:
        """One row for each vote, undone ones too, with the log of its trial: see `groundglass.studies.tables`."""
        with self._reading() as connection:
            return tables.votes(connection, self.study)

    def items(self) -> pa.Table:
        """One row for each item, in their order."""
        with self._reading() as connection:
            return tables.items(connection, self.study)

    def raters(self) -> pa.Table:
        """One row for each rater: name, when they were invited, when their link ends or ended, sessions, state."""
        with self._reading() as connection:
            return tables.raters(connection, self.study, time.time())

    def turn(self) -> int:
        """A number that grows with every change of the study."""
        with self._reading() as connection:
            return self._turn(connection)

    # ---- within

    def _top_up(self, connection: Connection, progress: Progress, rater: RaterState, wanted: int) -> None:
        """Hand out trials until the rater has so many open ones, or there are no more."""
        rows: list[dict[str, Any]] = []
        progress.forget_old(time.time())
        while len(progress.open_trials(rater)) < wanted:
            draft = _assigned(progress, rater)
            if draft is None:
                break
            items = progress.design.items
            single = draft.right < 0
            of = rater.trials[draft.of - 1].id if draft.of is not None else None
            row = {
                "id": secrets.token_hex(16), "study": self.study, "rater": rater.id,
                "place": len(rater.trials) + 1, "kind": draft.kind,
                "item": items[draft.left].id if single else None,
                "left": None if single else items[draft.left].id,
                "right": None if single else items[draft.right].id,
                "of": of, "damaged": draft.damaged, "assigned": time.time(), "turn": progress.turn,
            }  # fmt: skip
            progress.apply_trial(row)
            rows.append(row)
        if rows:
            connection.execute(insert(TRIALS), rows)

    def _shown(self, progress: Progress, rater: RaterState, wanted: int) -> list[Trial]:
        total = _total(progress, rater)
        return [self._trial(progress, trial, total) for trial in progress.open_trials(rater)[:wanted]]

    def _trial(self, progress: Progress, trial: TrialState, total: int | None) -> Trial:
        """A trial as the rater gets it."""
        draft, design = trial.draft, progress.design
        layout, sides = "single", ("single",)
        if draft.right >= 0:
            layout, sides = (
                ("lq_hq", ("lq", "hq"))
                if design.protocol == "pair_accept"
                else ("left_right", ("left", "right"))
            )
        places = (draft.left,) if draft.right < 0 else (draft.left, draft.right)
        images = tuple(
            TrialImage(side, f"{trial.id}{at}", design.items[place].width, design.items[place].height)
            for at, (side, place) in enumerate(zip(sides, places, strict=True))
        )
        prompt = design.items[draft.left].prompt
        return Trial(trial.id, layout, draft.kind == "train", trial.place, total, images, prompt)

    def _read_facts(self) -> tuple[StudyStep, int, dict[str, ItemRow]]:
        """The keys, the seed and the items: they never change."""
        if self._facts is None:
            with self._reading() as connection:
                row = connection.execute(select(STUDIES).where(STUDIES.c.id == self.study)).mappings().first()
                if row is None:
                    raise RecipeError("this database does not have the study", "create it first")
                mine = ITEMS.c.study == self.study
                items = connection.execute(select(ITEMS).where(mine).order_by(ITEMS.c.place)).mappings().all()
            rows = [
                ItemRow(**{name: value for name, value in item.items() if name != "study"}) for item in items
            ]
            body = StudyStep.model_validate(row["body"])
            self._facts = body, row["seed"], {item.id: item for item in rows}
        return self._facts

    def _new_progress(self) -> Progress:
        body, seed, items = self._read_facts()
        return Progress(self.study, design_of(body, list(items.values()), seed))

    @contextmanager
    def _current(self) -> Generator[Progress]:
        """The progress, up to date, for reading only."""
        with self._lock:
            if self._progress is None:
                self._progress = self._new_progress()
            with self._reading() as connection:
                turn = self._turn(connection)
            if turn != self._progress.turn:
                with self._reading(same_moment=True) as connection:
                    self._progress.catch_up(connection, self._turn(connection))
            yield self._progress

    def _changes(self, works: Sequence[Callable[[tuple[Connection, Progress]], Any]]) -> list[Any]:
        """Do changes in one transaction; a change that is refused writes nothing, and its error is its result."""
        with self._lock:
            progress, self._progress = self._progress or self._new_progress(), None
            results: list[Any] = []
            with self._writing() as connection:
                turn = self._take_turn(connection)
                progress.catch_up(connection, turn - 1)
                progress.turn = turn
                for work in works:
                    try:
                        results.append(work((connection, progress)))
                    except Refused as error:
                        results.append(error)
            # Only now is it on disk: after an error the progress is read from the database again.
            self._progress = progress
        return results

    def _turn(self, connection: Connection) -> int:
        return connection.execute(_TURN, {"study_id": self.study}).scalar_one()

    def _take_turn(self, connection: Connection) -> int:
        return connection.execute(_NEXT_TURN, {"study_id": self.study}).scalar_one()

    @contextmanager
    def _reading(self, same_moment: bool = False) -> Generator[Connection]:
        try:
            with (self._snapshots if same_moment else self._reads).connect() as connection:
                yield connection
        except LOST as error:
            raise unreachable(error, self.url) from error

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        try:
            # Two writers of one process would wait for SQLite by sleeping longer and longer; here they take turns.
            with self._write, self._writes.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except LOST as error:
            raise unreachable(error, self.url) from error


_TURN = select(STUDIES.c.turn).where(STUDIES.c.id == bindparam("study_id"))
_NEXT_TURN = (
    update(STUDIES)
    .where(STUDIES.c.id == bindparam("study_id"))
    .values(turn=STUDIES.c.turn + 1)
    .returning(STUDIES.c.turn)
)
_SESSION = (
    select(
        SESSIONS.c.id, SESSIONS.c.rater, SESSIONS.c.csrf, SESSIONS.c.number, SESSIONS.c.created,
        SESSIONS.c.expires.label("session_expires"), RATERS.c.name, RATERS.c.expires, RATERS.c.revoked,
    )
    .select_from(SESSIONS.outerjoin(RATERS, SESSIONS.c.rater == RATERS.c.id))
    .where((SESSIONS.c.id == bindparam("cookie")) & (SESSIONS.c.study == bindparam("study_id")))
)  # fmt: skip


def new_token() -> str:
    """128 random bits, as they appear in links and cookies."""
    return secrets.token_urlsafe(16)


def digest(token: str) -> str:
    """The form in which the database keeps a token: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Texts that every database can hold: names of files may contain bytes that are not Unicode."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _refuse_closed(rater: Mapping[Any, Any], now: float) -> None:
    if rater["revoked"] is not None:
        raise Refused("revoked")
    if rater["expires"] is not None and rater["expires"] <= now:
        raise Refused("expired")


def _rater(progress: Progress, session: Session) -> RaterState:
    """The rater of a session. Raises Refused if there is none, or if their link was revoked or has expired."""
    rater = progress.raters.get(session.rater or "")
    if rater is None:
        raise Refused("not_a_rater")
    _refuse_closed({"revoked": rater.revoked, "expires": rater.expires}, time.time())
    return rater


def _assigned(progress: Progress, rater: RaterState) -> Any:
    return next_trial(progress.design, progress.tally, rater.history)


def _total(progress: Progress, rater: RaterState) -> int | None:
    """About how many trials the rater will have had in the end."""
    rest = left_for(progress.design, progress.tally, rater.history)
    return None if rest is None else len(rater.trials) + rest


def _standing(progress: Progress, rater: RaterState) -> Standing:
    done, why = len(rater.voted), None
    if not progress.open_trials(rater) and _assigned(progress, rater) is None:
        capped = at_cap(progress.design, rater.history)
        why = "cap" if capped else "all_rated"
    return Standing(done, _total(progress, rater), why)
