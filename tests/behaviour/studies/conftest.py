"""Both databases: the same tests run on SQLite and on a PostgreSQL cluster that is made for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_tools import cluster, why_not


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a cluster that all tests of this process share; each study in it has an id of its own."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """A database's URL; None is a SQLite file of the study's own."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None
