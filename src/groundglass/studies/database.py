"""Connections to the database of studies: SQLite in one file, or PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from groundglass.errors import RecipeError, UnreachableError
from groundglass.studies.schema import SCHEMA, STUDIES, VERSION

BUSY_MS = 30_000
"""How long SQLite waits for another process to finish its transaction."""
LOST = (DBAPIError, PoolTimeout)
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
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # IMMEDIATE takes the write lock at once; a reader that became a writer later could fail half-way.
    begin = connection.get_execution_options().get("begin")
    if begin is not None:
        connection.exec_driver_sql(begin)


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    return engine.execution_options(begin="BEGIN IMMEDIATE")


def reading(engine: Engine) -> Engine:
    """The same engine for single statements: without a transaction, which would cost two more round trips."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine


def snapshot(engine: Engine) -> Engine:
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


def unreachable(error: Exception, url: str) -> UnreachableError:
    """The error for a database that does not answer, without its password."""
    shown = make_url(url).render_as_string(hide_password=True)
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = str(cause).splitlines()[0][:200] if str(cause) else type(cause).__name__
    return UnreachableError(
        f"the database {shown} does not answer: {said}",
        "check that it runs and that its folder can be written to",
    )
