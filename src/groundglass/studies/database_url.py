"""The database of a study: its URL and the study's id, which the file database.txt in the study's folder keeps."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text

if TYPE_CHECKING:
    from groundglass.studies.store import Store

DATABASE_VARIABLE = "GROUNDGLASS_DATABASE"
"""The environment variable with the whole URL of a database that has a password."""
DATABASE, VOTES = "database.txt", "votes.sqlite"
"""The file that names the database, and the database if it names none."""
FILE = "sqlite:///"


def database_of(place: Path, database: str | None) -> tuple[str, str]:
    """The id of the study and the URL of its database; both are written when the study is made."""
    file = place / DATABASE
    if file.is_file():
        key, kept = (*file.read_text(encoding="utf-8").splitlines(), "", "")[:2]
        if is_asked_for(database) and without_password(database or "") != kept:
            raise RecipeError(
                f"the study {place.name} has its votes in {kept or place / VOTES}, not in "
                f"{without_password(database or '')}",
                "leave --database out, or give the study another name",
            )
        secret = database or os.environ.get(DATABASE_VARIABLE, "")
        return key, secret if kept and without_password(secret) == kept else kept
    raise RecipeError(f"{place} is not a whole study", "remove that folder, and make the study again")


def is_asked_for(database: str | None) -> bool:
    """Whether somebody names a database for this study, not only by `DATABASE_VARIABLE`, which is for new studies."""
    return database is not None and database != os.environ.get(DATABASE_VARIABLE)


def write_database(place: Path, key: str, url: str) -> None:
    """Write the id of a study and the URL of its database into its folder, without a password."""
    write_text(f"{key}\n{without_password(url)}\n", place / DATABASE)


def seen_from(place: Path, other: Path, url: str) -> str:
    """The URL of the database of another study's folder, relative to this one if it is a file."""
    return FILE + os.path.relpath(file_of(other, url), place) if not url or url.startswith(FILE) else url


def file_of(place: Path, url: str) -> Path:
    """The file of an SQLite URL, which is relative to the study's folder; "" is the file in that folder."""
    return Path(os.path.normpath(place.absolute() / (url.removeprefix(FILE) or VOTES)))


def without_password(url: str) -> str:
    """A URL that may be kept and shown.

    >>> without_password("postgresql+pg8000://anna:secret@db/votes")
    'postgresql+pg8000://anna@db/votes'
    """
    return re.sub(r"^([a-z0-9+]+://[^:/@]*):[^@]*@", r"\1@", url)


def open_store(place: Path, key: str, url: str) -> Store:
    """The store of a study by its id; ``url`` is relative to the study's folder if it is a file."""
    from groundglass.studies.store import Store

    return Store(f"{FILE}{file_of(place, url)}" if not url or url.startswith(FILE) else url, key)
