"""The driver is killed, interrupted or paused: what was saved stays, and no process is left behind."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from engine_drivers import Driver
from engine_jobs import rows, squares_of

Drive = Callable[..., Driver]


def _wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "moment", [0.15, 0.5, 0.9, *(pytest.param(1.2 + 0.1 * n, marks=pytest.mark.long) for n in range(7))]
)
def test_kill_the_driver_at_any_moment_and_run_it_again(drive: Drive, tmp_path: Path, moment: float) -> None:
    driver = drive(tmp_path, "400", "0.005")
    time.sleep(moment * random.uniform(0.8, 1.2))
    driver.popen.kill()
    assert not driver.orphans()
    before = rows(tmp_path)
    assert before == squares_of([row[0] for row in before])
    code, said = drive(tmp_path, "400", "0").end()
    assert (code, said) == (0, "")
    assert rows(tmp_path) == squares_of(range(400))


def test_kill_the_driver_again_and_again_on_one_folder(drive: Drive, tmp_path: Path) -> None:
    chance = random.Random(3)
    for _ in range(4):
        driver = drive(tmp_path, "600", "0.005")
        _wait_until(driver.workers)
        time.sleep(chance.uniform(0.1, 0.4))
        driver.popen.kill()
        assert not driver.orphans()
    assert 0 < len(rows(tmp_path)) < 600
    assert drive(tmp_path, "600", "0").end() == (0, "")
    assert rows(tmp_path) == squares_of(range(600))


@pytest.mark.parametrize("poison", ["hang", "stand_still"])
def test_a_worker_that_hangs_in_native_code_dies_with_the_driver(
    drive: Drive, tmp_path: Path, poison: str
) -> None:
    driver = drive(tmp_path, "1", "0", poison)
    _wait_until(driver.workers)
    time.sleep(0.3)
    assert driver.popen.poll() is None
    driver.popen.kill()
    assert not driver.orphans()


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [True, False])
def test_a_signal_saves_what_is_done_and_ends_with_130(
    drive: Drive, tmp_path: Path, which: signal.Signals, to_group: bool
) -> None:
    driver = drive(tmp_path, "2000", "0.02")
    _wait_until(lambda: rows(tmp_path))
    (os.killpg if to_group else os.kill)(driver.popen.pid, which)
    code, said = driver.end(10)
    assert code == 130
    found = rows(tmp_path)
    assert said == f"stopped: {len(found):,} of 2,000 images are done and saved\n"
    assert found == squares_of([row[0] for row in found])
    assert not driver.orphans()


@pytest.mark.parametrize("moment", [0.3, 0.45, 0.6, 0.75])
def test_control_c_while_it_starts_is_no_mess(drive: Drive, tmp_path: Path, moment: float) -> None:
    driver = drive(tmp_path, "2000", "0.02")
    _wait_until(lambda: len(driver.family()) > 1)
    time.sleep(moment - 0.3)
    os.killpg(driver.popen.pid, signal.SIGINT)
    code, said = driver.end(10)
    assert code == 130
    assert "Traceback" not in said
    assert not driver.orphans()


def test_a_second_control_c_does_not_wait_for_a_hanging_worker(drive: Drive, tmp_path: Path) -> None:
    driver = drive(tmp_path, "1", "0", "stand_still")
    _wait_until(driver.workers)
    begun = time.monotonic()
    os.kill(driver.popen.pid, signal.SIGINT)
    time.sleep(0.5)
    os.kill(driver.popen.pid, signal.SIGINT)
    assert driver.end(10)[0] == 130
    assert time.monotonic() - begun < 1.8
    assert not driver.orphans()


def test_the_fork_server_may_die_too(drive: Drive, tmp_path: Path) -> None:
    driver = drive(tmp_path, "300", "0.01")
    _wait_until(lambda: rows(tmp_path))
    driver.workers()[0].parent().kill()  # type: ignore[union-attr]
    for worker in driver.workers():
        worker.kill()
    assert driver.end()[0] == 0
    assert rows(tmp_path) == squares_of(range(300))
    assert not driver.orphans()


def test_a_pause_of_everything_is_no_time_out(drive: Drive, tmp_path: Path) -> None:
    driver = drive(tmp_path, "6", "0.6", "", "0", "1.2")
    _wait_until(driver.workers)
    time.sleep(0.3)
    paused = [psutil.Process(driver.popen.pid), *driver.workers()]
    for process in paused:
        process.suspend()
    time.sleep(2.5)
    paused[0].resume()
    time.sleep(0.4)  # the driver sees its workers where they were, seconds ago
    for process in paused[1:]:
        process.resume()
    assert driver.end()[0] == 0
    assert rows(tmp_path) == squares_of(range(6))
