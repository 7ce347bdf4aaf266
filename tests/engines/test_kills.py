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

from patience import wait_until

Drive = Callable[..., Driver]


@pytest.mark.parametrize(
    "moment", [0.15, 0.5, 0.9, *(pytest.param(1.2 + 0.1 * n, marks=pytest.mark.long) for n in range(7))]
)
def test_kill_the_driver_at_any_moment_and_run_it_again(drive: Drive, tmp_path: Path, moment: float) -> None:
    driver = drive(tmp_path, "400", "0.005")
    time.sleep(moment * random.uniform(0.8, 1.2))
    driver.popen.kill()
    driver.leaves_nobody()
    before = rows(tmp_path)
    assert before == squares_of([row[0] for row in before])
    code, said = drive(tmp_path, "400", "0").end()
    assert (code, said) == (0, "")
    assert rows(tmp_path) == squares_of(range(400))


def test_kill_the_driver_again_and_again_on_one_folder(drive: Drive, tmp_path: Path) -> None:
    chance = random.Random(3)
    for _ in range(4):
        before = len(rows(tmp_path))
        driver = drive(tmp_path, "1600", "0.02")
        wait_until(lambda before=before: len(rows(tmp_path)) > before, "a shard that was saved")
        time.sleep(chance.uniform(0.0, 0.3))
        driver.popen.kill()
        driver.leaves_nobody()
    assert 4 <= len(rows(tmp_path)) < 1600
    assert drive(tmp_path, "1600", "0").end() == (0, "")
    assert rows(tmp_path) == squares_of(range(1600))


@pytest.mark.parametrize("poison", ["hang", "stand_still"])
def test_a_worker_that_hangs_in_native_code_dies_with_the_driver(
    drive_processes: Drive, tmp_path: Path, poison: str
) -> None:
    driver = drive_processes(tmp_path, "1", "0", poison)
    wait_until(driver.workers)
    time.sleep(0.3)
    assert driver.popen.poll() is None
    driver.popen.kill()
    driver.leaves_nobody()


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [True, False])
def test_a_signal_saves_what_is_done_and_ends_with_130(
    drive: Drive, tmp_path: Path, which: signal.Signals, to_group: bool
) -> None:
    driver = drive(tmp_path, "2000", "0.02")
    wait_until(lambda: rows(tmp_path))
    (os.killpg if to_group else os.kill)(driver.popen.pid, which)
    code, said = driver.end()
    assert code == 130
    found = rows(tmp_path)
    assert said == f"stopped: {len(found):,} of 2,000 images are done and saved\n"
    assert found == squares_of([row[0] for row in found])
    driver.leaves_nobody()


@pytest.mark.parametrize("moment", [0.3, 0.45, 0.6, 0.75])
def test_control_c_while_it_starts_is_no_mess(drive_processes: Drive, tmp_path: Path, moment: float) -> None:
    driver = drive_processes(tmp_path, "2000", "0.02")
    wait_until(lambda: len(driver.family()) > 1)
    time.sleep(moment - 0.3)
    os.killpg(driver.popen.pid, signal.SIGINT)
    code, said = driver.end()
    assert code == 130
    assert "Traceback" not in said
    driver.leaves_nobody()


def test_a_second_control_c_does_not_wait_for_a_hanging_worker(
    drive_processes: Drive, tmp_path: Path
) -> None:
    an_hour = "3600"  # is what it would wait after the first one: far beyond the end of the test's patience
    driver = drive_processes(tmp_path, "1", "0", "stand_still", "0", "60", an_hour)
    wait_until(driver.workers)
    os.kill(driver.popen.pid, signal.SIGINT)
    wait_until((tmp_path / "wish-1").exists)
    os.kill(driver.popen.pid, signal.SIGINT)
    assert driver.end()[0] == 130
    driver.leaves_nobody()


def test_a_second_control_c_ends_at_once_what_hangs(drive: Drive, tmp_path: Path) -> None:
    driver = drive(tmp_path, "1", "0", "hang", "0", "3600", "3600")
    wait_until((tmp_path / "at-0").exists)
    os.kill(driver.popen.pid, signal.SIGINT)
    wait_until((tmp_path / "wish-1").exists)
    os.kill(driver.popen.pid, signal.SIGINT)
    code, said = driver.end()
    assert (code, said) == (130, "stopped: 0 of 1 images are done and saved\n")
    driver.leaves_nobody()


def test_the_fork_server_may_die_too(drive_processes: Drive, tmp_path: Path) -> None:
    driver = drive_processes(tmp_path, "300", "0.03")
    wait_until(lambda: rows(tmp_path))
    driver.workers()[0].parent().kill()  # type: ignore[union-attr]
    for worker in driver.workers():
        worker.kill()
    assert driver.end()[0] == 0
    assert rows(tmp_path) == squares_of(range(300))
    driver.leaves_nobody()


def test_a_pause_of_everything_is_no_time_out(drive_processes: Drive, tmp_path: Path) -> None:
    driver = drive_processes(tmp_path, "6", "0.6", "", "0", "3")
    wait_until(driver.workers)
    time.sleep(0.3)
    paused = [psutil.Process(driver.popen.pid), *driver.workers()]
    for process in paused:
        process.suspend()
    time.sleep(4)  # longer than the limit
    paused[0].resume()
    time.sleep(0.4)  # the driver sees its workers where they were, seconds ago
    for process in paused[1:]:
        process.resume()
    assert driver.end()[0] == 0
    assert rows(tmp_path) == squares_of(range(6))
