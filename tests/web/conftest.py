"""Study servers for the tests of the rating screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def serve() -> Iterator:
    """Starts a server for a made study; it stops after the test."""
    pytest.importorskip("starlette", reason="needs the extra studies")
    from fake_study import FakeServer, FakeStudy

    running: list[FakeServer] = []

    def start(**facts) -> FakeServer:
        running.append(FakeServer(FakeStudy(**facts)))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def rate(serve, reader):
    """Starts a made study and opens its page at the first trial."""
    from study_pages import Rater

    def start(settings=None, **facts):
        server = serve(**facts)
        return Rater(reader(**(settings or {})), server.url).begin(), server

    return start
