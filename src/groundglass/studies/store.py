"""The store of one study: every call of the server and of the commands on its database.

A change first adds 1 to the study's `turn`, which locks it: the database does one change of a study at a time, also
with several servers. A change is on disk before it is confirmed. A vote has the browser's UUID as its key, so sending
it twice changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy.exc import IntegrityError

from groundglass.errors import RecipeError, UnreachableError
from groundglass.recipes.study_model import StudyStep
from groundglass.studies import tables
from groundglass.studies.database import Database
from groundglass.studies.links import digest, invite_raters, replace_owner_token, revoke_rater
from groundglass.studies.progress import Change, Progress
from groundglass.studies.records import ItemRow, Receipt, Refused, Session, Shown, Standing, Trial, Vote
from groundglass.studies.sessions import add_session, keep_display, opened_by, session_at, session_row
from groundglass.studies.study_rows import Facts, add_study, is_there, read_facts, take_turn, turn_of
from groundglass.studies.trials import (
    first_open,
    hand_out,
    image_number,
    next_draft,
    rater_of,
    shown_in,
    standing_of,
    trial_row,
)
from groundglass.studies.votes import record_vote, take_back
from groundglass.studies.writer import Writer

MOST_AHEAD = 10
"""Trials that are handed out beyond the next one, at most."""
MOST_KEPT = 10_000
"""Sessions, and trials for their images, that are kept in memory."""
ASIDE_SECONDS = 120.0
"""How long an image is left out after its file could not be read."""


class Store:
    """A study in a database. ``study`` is its id: a PostgreSQL database may hold many, a SQLite file holds one.

    Calls may come from any thread. Raises UnreachableError if the database does not do what it is asked, because it is
    lost, full or read-only; ``report`` gets the same error before, once for each transaction or read that failed.
    Raises RecipeError for a URL that is neither SQLite nor PostgreSQL, or for a database of another version.
    """

    def __init__(
        self, url: str, study: str = "study", report: Callable[[UnreachableError], None] | None = None
    ) -> None:
        self.study = study
        self._database = Database(url, report)
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._facts: Facts | None = None
        self._sessions: dict[str, Mapping[Any, Any]] = {}
        self._trials: dict[str, Mapping[Any, Any]] = {}
        self._writer = Writer[Change](self._do_changes)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits to be written, and close all connections."""
        self._writer.close()
        self._database.close()

    @property
    def url(self) -> str:
        """The database, as SQLAlchemy writes it."""
        return self._database.url

    @property
    def report(self) -> Callable[[UnreachableError], None] | None:
        """The function that gets every failure of the database, from any thread."""
        return self._database.report

    @report.setter
    def report(self, report: Callable[[UnreachableError], None] | None) -> None:
        self._database.report = report

    # ---- the study, its raters and their sessions

    def there(self) -> bool:
        """Whether the study was created."""
        with self._database.reading() as connection:
            return is_there(connection, self.study)

    def create(
        self, name: str, body: Mapping[str, Any], seed: int, recipe: str, items: Sequence[ItemRow]
    ) -> str:
        """Make the study with its items, all or nothing; the owner's token. Raises RecipeError if it exists."""
        try:
            with self._database.writing() as connection:
                return add_study(connection, self.study, name, body, seed, recipe, items)
        except IntegrityError as error:
            raise RecipeError(f"the study {name} exists already", "open it instead") from error

    @property
    def body(self) -> StudyStep:
        """The keys of the study."""
        return self._read_facts().body

    def new_owner_token(self) -> str:
        """A new token for the owner's link; links made before no longer work, browsers stay signed in."""
        with self._database.writing() as connection:
            return replace_owner_token(connection, self.study)

    def invite(self, count: int, expires: float | None = None) -> list[tuple[str, str]]:
        """Make raters: (name, token) of each. ``expires`` is in seconds since 1970; None is never."""
        with self._database.writing() as connection:
            return invite_raters(connection, self.study, take_turn(connection, self.study), count, expires)

    def revoke(self, name: str) -> None:
        """A rater's link and sessions no longer work; their votes stay. Raises RecipeError for an unknown name."""
        with self._database.writing() as connection:
            revoke_rater(connection, self.study, take_turn(connection, self.study), name)

    def exchange(self, token: str) -> tuple[str, Session]:
        """A new session for the token of a link: the cookie, and the session.

        Raises Refused ``unknown``, ``revoked`` or ``expired``.
        """
        now = time.time()
        with self._database.reading() as connection:
            rater, name = opened_by(connection, self.study, token, now)
        return self._writer.do(lambda change: add_session(change.connection, self.study, rater, name, now))

    def session(self, cookie: str, fresh: bool = True) -> Session | None:
        """The session of a cookie; None if there is none. Its state says whether the link was revoked or expired.

        Without ``fresh`` a session that was read before is not read again, so a rater who was revoked meanwhile may
        appear open. That suffices for `next`, `vote`, `undo` and `standing`, which look themselves.
        """
        hashed = digest(cookie)
        row = None if fresh else self._sessions.get(hashed)
        if row is None:
            with self._database.reading() as connection:
                row = session_row(connection, self.study, hashed)
            if row is None:
                return None
            _keep(self._sessions, hashed, row)
        return session_at(row, time.time())

    def record_display(self, session: Session, display: Mapping[str, Any]) -> None:
        """Keep what the rater's browser says of its display."""
        self._writer.do(lambda change: keep_display(change.connection, session, display))

    # ---- trials and votes

    def standing(self, session: Session) -> Standing:
        """How far a rater is."""
        with self._current() as progress:
            return standing_of(progress, rater_of(progress, session))

    def next(self, session: Session, ahead: int = 0) -> list[Trial]:
        """The rater's open trials, in their order: the next one and ``ahead`` more; fewer if there are not so many.

        The same trials come again until they have votes.
        """
        wanted = 1 + max(0, min(ahead, MOST_AHEAD))
        with self._current() as progress:
            rater = rater_of(progress, session)
            progress.forget_old(time.time())
            if len(progress.open_trials(rater)) >= wanted or next_draft(progress, rater) is None:
                return first_open(progress, rater, wanted)

        def more(change: Change) -> list[Trial]:
            rater = rater_of(change.progress, session)
            hand_out(change, rater, wanted)
            return first_open(change.progress, rater, wanted)

        return self._writer.do(more)

    def vote(self, session: Session, vote: Vote) -> Receipt:
        """Record a vote. It is on disk when this returns.

        Raises Refused: ``revoked``, ``expired``, ``no_such_trial``, ``answered``, ``other_content``.
        """
        try:
            return self._writer.do(lambda change: record_vote(change, session, vote, self.body))
        except IntegrityError as error:
            # The UUID is that of a vote in another study of this database.
            raise Refused("other_content") from error

    def undo(self, session: Session, undoing: str, vote: str) -> Trial:
        """Take back the rater's last vote; ``undoing`` is a UUID of the browser. The trial is open again.

        Raises Refused: ``not_last``, ``revoked``, ``expired``, ``other_content``.
        """
        return self._writer.do(lambda change: take_back(change, session, undoing, vote))

    def image(self, session: Session, image: str) -> Shown | None:
        """The image behind an opaque id; None unless the rater has a trial with it. The owner may also name an item."""
        items = self._read_facts().items
        if session.rater is None and image in items:
            return Shown(items[image], False)
        parts = image_number(image)
        trial = parts and self._trial_of(parts[0])
        if not parts or not trial or session.rater not in (None, trial["rater"]):
            return None
        return shown_in(trial, parts[1], items)

    def _trial_of(self, trial: str) -> Mapping[Any, Any] | None:
        """The row of a trial. It never changes, so it is read once."""
        row = self._trials.get(trial)
        if row is None:
            with self._database.reading() as connection:
                row = trial_row(connection, self.study, trial)
            if row is not None:
                _keep(self._trials, trial, row)
        return row

    def set_aside(self, item: ItemRow) -> None:
        """The file of an item cannot be read now: for a while no rater gets it, then it is tried again."""
        with self._current() as progress:
            progress.set_aside(item.id, time.time() + ASIDE_SECONDS)

    # ---- tables

    def votes(self) -> pa.Table:
        """One row for each vote, undone ones too, with the log of its trial: see `groundglass.studies.tables`."""
        with self._database.reading() as connection:
            return tables.votes(connection, self.study)

    def items(self) -> pa.Table:
        """One row for each item, in their order."""
        with self._database.reading() as connection:
            return tables.items(connection, self.study)

    def raters(self) -> pa.Table:
        """One row for each rater: name, when they were invited, when their link ends or ended, sessions, state."""
        with self._database.reading() as connection:
            return tables.raters(connection, self.study, time.time())

    def turn(self) -> int:
        """A number that grows with every change of the study."""
        with self._database.reading() as connection:
            return turn_of(connection, self.study)

    # ---- the progress in memory

    def _read_facts(self) -> Facts:
        if self._facts is None:
            with self._database.reading() as connection:
                self._facts = read_facts(connection, self.study)
        return self._facts

    def _new_progress(self) -> Progress:
        return Progress(self.study, self._read_facts().design())

    @contextmanager
    def _current(self) -> Generator[Progress]:
        """The progress, up to date, for reading only."""
        with self._lock:
            if self._progress is None:
                self._progress = self._new_progress()
            with self._database.reading() as connection:
                turn = turn_of(connection, self.study)
            if turn != self._progress.turn:
                with self._database.reading(same_moment=True) as connection:
                    self._progress.catch_up(connection, turn_of(connection, self.study))
            yield self._progress

    def _do_changes(self, works: Sequence[Callable[[Change], Any]]) -> list[Any]:
        """Do changes in one transaction; a change that is refused writes nothing, and its error is its result."""
        with self._lock:
            progress, self._progress = self._progress or self._new_progress(), None
            results: list[Any] = []
            with self._database.writing() as connection:
                turn = take_turn(connection, self.study)
                progress.catch_up(connection, turn - 1)
                progress.turn = turn
                for work in works:
                    try:
                        results.append(work(Change(connection, progress)))
                    except Refused as error:
                        results.append(error)
            # Only now is it on disk: after an error the progress is read from the database again.
            self._progress = progress
        return results


def _keep(kept: dict[str, Mapping[Any, Any]], key: str, row: Mapping[Any, Any]) -> None:
    if len(kept) > MOST_KEPT:
        kept.clear()
    kept[key] = row
