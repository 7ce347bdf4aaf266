"""Every test that asks for `engine` or `drive` is run with each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_drivers import ENGINES, Driver


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Every engine's `run_job`."""
    return ENGINES[request.param]


@pytest.fixture(params=sorted(ENGINES))
def drive(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """Starts drivers with an engine; whatever is left of them is killed after the test."""
    drivers: list[Driver] = []

    def start(folder: Path, *arguments: str) -> Driver:
        drivers.append(Driver(request.param, folder, *arguments))
        return drivers[-1]

    yield start
    for driver in drivers:
        for process in driver.family():
            process.kill()
        driver.popen.communicate()
