"""The database of studies: its tables, the same for SQLite and PostgreSQL.

Times are seconds since 1970 by the server's clock, except ``t_shown`` and ``t_answer``, which are the browser's.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = MetaData()
VERSION = 1
"""The version of these tables; a database of another version is refused."""

STUDIES = Table(
    "studies",
    SCHEMA,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", JSON, nullable=False),  # the keys of the study step, with every default
    Column("seed", Integer, nullable=False),
    Column("recipe", String(64), nullable=False),  # hash of the run's recipe
    Column("created", Float, nullable=False),
    Column("owner_hash", String(64), nullable=False),  # of the owner's token
    # Every transaction that changes a study first adds 1 here, and writes the number into the rows that it adds or
    # changes. So the database does one of them at a time, and a server sees at once what another one did.
    Column("turn", Integer, nullable=False, default=0),
)
ITEMS = Table(
    "items",
    SCHEMA,
    Column("id", String(32), primary_key=True),  # opaque; the rater sees no other name
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("row", Text, nullable=False),  # the id of the run's row, or folder/file
    Column("name", Text, nullable=False),  # its uri and region, for the owner; no rater sees it
    Column("arm", Text, nullable=False, default=""),  # the name of its folder in `folders`
    Column("content", Text, nullable=False, default=""),
    Column("prompt", Text, nullable=True),
    Column("locator", Text, nullable=False),  # as in the images table, in hex: text cannot hold its zero byte
    Column("region", Text, nullable=False, default=""),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column(
        "role", String(16), nullable=False, default="rate"
    ),  # rate, train, gold; a trap is made from a rate item
    Column("low", Float, nullable=True),  # the right answers of gold and train items, inclusive
    Column("high", Float, nullable=True),
    UniqueConstraint("study", "place"),
)
RATERS = Table(
    "raters",
    SCHEMA,
    Column("id", String(32), primary_key=True),
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("name", String(32), nullable=False),  # r01, r02, …: all that exports show
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=True),
    Column("revoked", Float, nullable=True),
    Column("turn", Integer, nullable=False),
    UniqueConstraint("study", "name"),
)
SESSIONS = Table(
    "sessions",
    SCHEMA,
    Column("id", String(64), primary_key=True),  # hash of the cookie
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("rater", ForeignKey("raters.id"), nullable=True),  # null: the owner
    Column("csrf", String(64), nullable=False),
    Column("number", Integer, nullable=False),  # counts the rater's sessions from 1
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("display", JSON, nullable=True),  # viewport, device pixel ratio, display scale, patches read
)
TRIALS = Table(
    "trials",
    SCHEMA,
    Column("id", String(32), primary_key=True),
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("rater", ForeignKey("raters.id"), nullable=False),
    Column("place", Integer, nullable=False),  # the rater's first trial is 1
    Column("kind", String(16), nullable=False),  # rate, pair, trap, gold, bias, repeat, train, review
    Column("item", ForeignKey("items.id"), nullable=True),  # protocols of one image
    Column("left", ForeignKey("items.id"), nullable=True),  # of two images
    Column("right", ForeignKey("items.id"), nullable=True),
    Column("of", ForeignKey("trials.id"), nullable=True),  # repeat: the trial that is shown again
    Column(
        "damaged", String(8), nullable=False, default=""
    ),  # single, left or right: shown as a damaged copy
    Column("assigned", Float, nullable=False),
    Column("turn", Integer, nullable=False),
    UniqueConstraint("rater", "place"),
)
VOTES = Table(
    "votes",
    SCHEMA,
    Column("id", String(36), primary_key=True),  # the browser's UUID: a vote that is sent twice is one vote
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("trial", ForeignKey("trials.id"), nullable=False),
    Column("rater", ForeignKey("raters.id"), nullable=False),
    Column("session", Integer, nullable=False),
    Column("score", JSON, nullable=False),  # a number, {dimension: number}, left, right, tie, keep or drop
    Column("reasons", JSON, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("received", Float, nullable=False),
    Column("t_shown", Float, nullable=True),
    Column("t_answer", Float, nullable=True),
    Column("dwell", Float, nullable=True),  # seconds, by the browser's steady clock
    Column("flips", Integer, nullable=True),
    Column("zoom_max", Float, nullable=True),
    Column("mode", String(16), nullable=True),
    Column("viewport", JSON, nullable=True),
    Column("dpr", Float, nullable=True),
    Column("display_scale", Float, nullable=True),
    Column("app_version", String(32), nullable=False),
    Column("flags", JSON, nullable=False),  # too_fast, trap_failed, gold_failed …
    Column("undone_by", String(36), nullable=True),  # the UUID of the undoing
    Column("turn", Integer, nullable=False),
)
ONE_VOTE = Index(
    "one_vote_a_trial",
    VOTES.c.trial,
    unique=True,
    sqlite_where=VOTES.c.undone_by.is_(None),
    postgresql_where=VOTES.c.undone_by.is_(None),
)
"""A trial has one vote that counts; undone votes stay in the log."""
Index("items_by_study", ITEMS.c.study)
for table in (RATERS, TRIALS, VOTES):
    Index(f"{table.name}_by_turn", table.c.study, table.c.turn)
