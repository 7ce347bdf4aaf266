"""What is particular to the engine in the program's own process, and how an engine is chosen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_jobs import Row, Squares, rows, squares_of

from groundglass.engines import process
from groundglass.engines.inline import run_job
from groundglass.engines.progress import Silent
from groundglass.engines.run import ENGINES, warm_up
from groundglass.engines.run import run_job as run_job_by_settings
from groundglass.engines.shards import Settings
from groundglass.errors import GroundglassError, Interrupted, RecipeError


@dataclass(frozen=True)
class SaysWhere(Squares):
    """Writes the process instead of a square."""

    def one(self, item: int) -> Row:
        return item, os.getpid(), None, None


def no_process(*arguments: object) -> None:
    raise AssertionError("a process was started")


def test_all_is_done_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "Worker", no_process)
    monkeypatch.setattr(process, "warm_up", no_process)
    run_job(SaysWhere(tmp_path), range(20), Settings(8), Silent())
    assert {row[1] for row in rows(tmp_path)} == {os.getpid()}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_settings_choose_the_engine(tmp_path: Path, engine: str) -> None:
    run_job_by_settings(SaysWhere(tmp_path), range(20), Settings(1, engine=engine), Silent())
    assert ({row[1] for row in rows(tmp_path)} == {os.getpid()}) == (engine == "inline")


def test_the_environment_says_what_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUNDGLASS_ENGINE", raising=False)
    assert Settings().engine == "local"
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inline")
    assert Settings().engine == "inline"


def test_an_unknown_engine_is_refused_with_the_nearest_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inlin")
    with pytest.raises(RecipeError, match=r"there is no engine 'inlin'\. Did you mean 'inline'"):
        warm_up()
    with pytest.raises(RecipeError, match="there is no engine 'inlin'"):
        run_job_by_settings(Squares(tmp_path), range(3), Settings(), Silent())


@dataclass(frozen=True)
class GetsSignals(Squares):
    """Is sent Ctrl-C at item 5, ``times`` times."""

    times: int = 1

    def one(self, item: int) -> Row:
        for _ in range(self.times if item == 5 else 0):
            os.kill(os.getpid(), signal.SIGINT)
        return super().one(item)


@pytest.mark.parametrize(("times", "saved"), [(1, 6), (2, 4)])
def test_control_c_ends_it_after_the_item_and_a_second_one_in_it(
    tmp_path: Path, times: int, saved: int
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted, match=f"{saved} of 20 images"):
            run_job(GetsSignals(tmp_path, times=times), range(20), Settings(shard=4), Silent())
    finally:
        signal.signal(signal.SIGINT, before)
    assert rows(tmp_path) == squares_of(range(saved))


@dataclass(frozen=True)
class FailsToSave(Squares):
    def save(self, results: object) -> None:  # type: ignore[override]
        raise KeyError("a mistake in the program")


def test_a_fault_keeps_the_place_that_it_came_from(tmp_path: Path) -> None:
    with pytest.raises(GroundglassError, match=r"test_inline.py:\d+") as raised:
        run_job(FailsToSave(tmp_path), range(3), Settings(), Silent())
    assert isinstance(raised.value.__cause__, KeyError)


def test_opencv_is_held_to_one_thread_even_when_a_job_is_the_first_to_need_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from engine_jobs import Squares\n"
        "from groundglass.engines.inline import run_job\n"
        "from groundglass.engines.progress import Silent\n"
        "from groundglass.engines.shards import Settings\n"
        "run_job(Squares(Path(sys.argv[2])), [1], Settings(), Silent())\n"
        "import cv2; print(cv2.getNumThreads())\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
