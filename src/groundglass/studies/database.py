"""Connections to the database of studies: SQLite in one file, or PostgreSQL."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from groundglass.errors import RecipeError, UnreachableError
from groundglass.studies.schema import SCHEMA, STUDIES, VERSION

BUSY_MS = 30_000
"""How long SQLite waits for another process to finish its transaction."""
WAL_PAGES = 8000
"""Pages (of 4 KB) of votes after which SQLite moves them into the database file: somebody's vote waits for that."""


class DatabaseGone(Exception):
    """The file of a database is no longer the one that was opened."""


LOST = (DBAPIError, PoolTimeout, DatabaseGone)
"""The errors of a database that does not answer."""


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql://user@host/name``; nothing is connected yet.

    Raises RecipeError for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    kind = parsed.get_backend_name() if parsed is not None else ""
    if parsed is None or kind not in ("sqlite", "postgresql"):
        raise RecipeError(
            "the database must be SQLite or PostgreSQL", "write postgresql://user@host/name, or leave it out"
        )
    if kind == "postgresql":
        # pg8000 is written in Python, so nothing has to be compiled.
        return create_engine(
            parsed.set(drivername="postgresql+pg8000"), pool_size=8, max_overflow=32, pool_recycle=600
        )
    engine = create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000}, pool_size=8, max_overflow=64)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # Python's driver would begin transactions late, after the first read: two writers could then read the same state.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"wal_autocheckpoint={WAL_PAGES}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # IMMEDIATE takes the write lock at once; a reader that became a writer later could fail half-way.
    begin = connection.get_execution_options().get("begin")
    if begin is not None:
        connection.exec_driver_sql(begin)


class Database:
    """The connections of a store to its database, with the tables made.

    url     as SQLAlchemy writes it
    report  gets the error of everything that the database did not do; it may be set later, and called from any thread
    """

    def __init__(self, url: str, report: Callable[[UnreachableError], None] | None = None) -> None:
        self.url = url
        self.report = report
        self._engine = open_engine(url)
        self._reads, self._snapshots = _for_reading(self._engine), _for_snapshots(self._engine)
        self._writes = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._one_writer = threading.Lock()
        try:
            make_tables(self._engine)
        except LOST as error:
            self._engine.dispose()
            raise unreachable(error, url) from error
        except RecipeError:
            self._engine.dispose()
            raise
        self._file = self._engine.url.database if self._engine.dialect.name == "sqlite" else None
        self._same = _identity(self._file) if self._file is not None else None

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self, same_moment: bool = False) -> Generator[Connection]:
        """A connection that reads; with ``same_moment``, all its statements see the same state.

        Raises UnreachableError if the database does not answer.
        """
        try:
            with (self._snapshots if same_moment else self._reads).connect() as connection:
                yield connection
        except LOST as error:
            raise self._reported(error) from error

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction: it is on disk when the block ends, and nothing of it is there after an error.

        Raises IntegrityError, or UnreachableError if the database did not take it.
        """
        try:
            # Two writers of one process would wait for SQLite by sleeping longer and longer; here they take turns.
            with self._one_writer, self._writes.begin() as connection:
                yield connection
                self._check_file()
        except IntegrityError:
            raise
        except LOST as error:
            raise self._reported(error) from error

    def _check_file(self) -> None:
        """Refuse to write into a file that was deleted or replaced: its open connections would not notice."""
        if self._file is not None and _identity(self._file) != self._same:
            raise DatabaseGone("it is gone, or is another one")

    def _reported(self, error: Exception) -> UnreachableError:
        lost = unreachable(error, self.url)
        # The owner's terminal may be gone: that must not become an error of a rater.
        with suppress(Exception):
            if self.report is not None:
                self.report(lost)
        return lost


def _identity(file: str) -> tuple[int, int] | None:
    """The device and the number of a file; None if it is not there."""
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _for_reading(engine: Engine) -> Engine:
    """The same engine for single statements: without a transaction, which would cost two more round trips."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine


def _for_snapshots(engine: Engine) -> Engine:
    """The same engine for several statements that must see the same moment."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine.execution_options(begin="BEGIN")


def make_tables(engine: Engine) -> None:
    """Make the tables where they are missing. Raises RecipeError if another version of groundglass made them."""
    try:
        SCHEMA.create_all(engine)
    except DBAPIError:
        # Two processes may have made them at once: the second one finds them there.
        SCHEMA.create_all(engine)
    with engine.connect() as connection:
        versions = set(connection.execute(select(STUDIES.c.version)).scalars())
    if versions - {VERSION}:
        raise RecipeError(
            f"this database has studies of version {max(versions)}, and this groundglass uses version {VERSION}",
            "use the version of groundglass that made the study",
        )


REMEDIES: tuple[tuple[str, str, str], ...] = (
    (
        "full|No space left",
        "has no space left",
        "free space on its disk: votes are taken again as soon as there is some",
    ),
    (
        "readonly|read-only|permission denied",
        "cannot be written to",
        "let the user of this program write to it; a file also needs a folder that can be written to",
    ),
    (
        "is locked",
        "is in use by another program",
        "end the program that holds it, such as a database browser",
    ),
    ("is gone, or is another", "lost its file", "put the file back, and start the server again"),
    ("no such table|disk image is malformed|not a database", "is damaged", "restore its file from a copy"),
)
"""The causes that a database may give, as a pattern, what they mean, and what helps."""


def unreachable(error: Exception, url: str) -> UnreachableError:
    """The error for a database that does not do what it is asked, with the cause that it gives, and no password."""
    shown = make_url(url).render_as_string(hide_password=True)
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = _first_line(cause)
    for pattern, meaning, remedy in REMEDIES:
        if re.search(pattern, said, re.I):
            return UnreachableError(f"the database {shown} {meaning}: {said}", remedy)
    return UnreachableError(
        f"the database {shown} does not answer: {said}",
        "check that it runs and that its folder can be written to",
    )


def _first_line(cause: BaseException | None) -> str:
    """The sentence of a driver's error; PostgreSQL's gives a mapping, with the sentence under M."""
    given = cause.args[0] if cause is not None and cause.args else None
    said = str(given["M"]) if isinstance(given, dict) and "M" in given else str(cause)
    return said.splitlines()[0][:200] if said else type(cause).__name__
