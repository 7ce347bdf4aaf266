"""Every test that asks for `engine` or `drive` is run with each engine.

Those that ask for `engine_of_processes` or `drive_processes` state what only worker processes can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_drivers import ALL, ENGINES, OF_PROCESSES, Driver


@pytest.fixture(params=ALL)
def engine(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Every engine's `run_job`."""
    return ENGINES[request.param].run_job


@pytest.fixture(params=OF_PROCESSES)
def engine_of_processes(request: pytest.FixtureRequest) -> Callable[..., object]:
    """The same of the engines that have worker processes."""
    return ENGINES[request.param].run_job


@pytest.fixture(params=ALL)
def drive(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """Starts drivers with an engine; whatever is left of them is killed after the test."""
    yield from _driving(request)


@pytest.fixture(params=OF_PROCESSES)
def drive_processes(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """The same with the engines that have worker processes."""
    yield from _driving(request)


def _driving(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    drivers: list[Driver] = []

    def start(folder: Path, *arguments: str) -> Driver:
        drivers.append(Driver(request.param, folder, *arguments))
        return drivers[-1]

    yield start
    for driver in drivers:
        for process in driver.family():
            process.kill()
        driver.popen.communicate()
