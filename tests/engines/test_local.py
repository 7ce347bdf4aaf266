"""What is particular to processes on this machine."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from engine_jobs import Looks, Squares, Works, rows, squares_of
from hypothesis import given
from hypothesis import strategies as st

from groundglass.engines import process
from groundglass.engines.cores import cores
from groundglass.engines.local import run_job
from groundglass.engines.pieces import Pieces
from groundglass.engines.process import Worker, cpu_seconds_of_all
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
from groundglass.errors import GroundglassError, Interrupted
from groundglass.files.folder_lock import only_one
from patience import STOPS_A_HANG

TWO = Settings(workers=2, shard=8)


@given(count=st.integers(0, 40), size=st.integers(1, 9), chance=st.randoms(use_true_random=False))
def test_pieces_cover_every_item_once_whatever_dies(count: int, size: int, chance: object) -> None:
    pieces, done, tried = Pieces(count, size), [], []
    while piece := pieces.take(others_at_work=False):
        at = chance.randrange(-3, len(piece) + 1)  # type: ignore[attr-defined]
        if at == -1:
            pieces.again(piece)
        elif 0 <= at < len(piece) and not piece.died:
            pieces.around(piece, at)
            pieces.suspect(piece, at, died=True)
            tried.append(piece.start + at)
        else:
            done.extend(range(piece.start, piece.stop))
    assert sorted(done) == list(range(count))
    assert not pieces
    assert len(tried) == len(set(tried))


def test_suspects_are_tried_when_nobody_else_is_at_work() -> None:
    pieces = Pieces(1, 1)
    piece = pieces.take(others_at_work=False)
    assert piece is not None
    pieces.suspect(piece, 0, died=True)
    assert pieces.take(others_at_work=True) is None
    suspect = pieces.take(others_at_work=False)
    assert suspect is not None
    assert suspect.died


def test_a_worker_has_one_thread_of_each_library_and_no_lock_of_the_driver(tmp_path: Path) -> None:
    with only_one(tmp_path):
        run_job(Looks(tmp_path), range(8), TWO, Silent())
    seen = [ast.literal_eval(row[3] or "") for row in rows(tmp_path)]
    for worker in seen:
        assert (worker["cv2"], worker["numba"], worker["arrow"], worker["omp"]) == (1, 1, 1, "1")
        assert worker["blas_threads"] == 2  # itself, and the one that waits for the driver's end
        assert worker["pid"] != os.getpid()
        assert not [name for name in worker["files"] if name.endswith(".lock")]
    assert len({worker["pid"] for worker in seen}) == 2


def test_handlers_are_put_back_and_jobs_may_follow_each_other(tmp_path: Path) -> None:
    before = [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)]
    for number in range(3):
        run_job(Squares(tmp_path / str(number)), range(10), TWO, Silent())
        assert [signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def test_a_signal_while_the_workers_are_dismissed_still_means_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dismiss = Worker.dismiss

    def dismissed_in_the_last_moment(worker: Worker) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        dismiss(worker)

    monkeypatch.setattr(Worker, "dismiss", dismissed_in_the_last_moment)
    with pytest.raises(Interrupted, match="10 of 10 images are done and saved"):
        run_job(Squares(tmp_path), range(10), Settings(1), Silent())
    assert len(rows(tmp_path)) == 10


def test_the_cpu_time_of_workers_is_counted_though_they_are_no_children(tmp_path: Path) -> None:
    before = cpu_seconds_of_all()
    run_job(Works(tmp_path), range(2), Settings(workers=2, shard=1), Silent())
    assert cpu_seconds_of_all() - before >= Works(tmp_path).cpu


def test_two_jobs_in_threads(tmp_path: Path) -> None:
    def run(name: str) -> None:
        run_job(Squares(tmp_path / name, seconds=0.01), range(60), TWO, Silent())

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(tmp_path / "a") == rows(tmp_path / "b") == squares_of(range(60))


def test_no_file_and_no_process_is_left_open(tmp_path: Path) -> None:
    run_job(Squares(tmp_path / "first"), range(10), TWO, Silent())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(5):
        run_job(Squares(tmp_path / str(number), {3: "exit"}), range(10), TWO, Silent())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_fewer_processes_than_asked_for_must_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = 0

    def no_second(*arguments: object) -> None:
        nonlocal started
        started += 1
        if started > 1:
            raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(process, "warm_up", no_second)
    run_job(Squares(tmp_path), range(50), TWO, Silent())
    assert rows(tmp_path) == squares_of(range(50))


def test_no_process_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(process, "warm_up", none)
    with pytest.raises(GroundglassError, match="Resource temporarily unavailable"):
        run_job(Squares(tmp_path), range(50), TWO, Silent())


SLOW_LIBRARY = """
import sys, time
from pathlib import Path
here = Path(__file__).parent
(here / "begun").touch()
while not (here / "go").exists():
    time.sleep(0.01)
"""
WARM_UP = """
import sys, time
from pathlib import Path
from groundglass.engines.process import warm_up
warm_up()
here = Path(sys.argv[1])
while not (here / "begun").exists():
    time.sleep(0.01)
(here / "go").touch()
"""


def test_warming_up_loads_the_libraries_and_does_not_wait_for_them(tmp_path: Path) -> None:
    """One of them takes until the program goes on: if that waited for it, neither would ever end."""
    (tmp_path / "cv2.py").write_text(SLOW_LIBRARY)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", WARM_UP, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
        check=True,
    )
    assert ended.stderr == ""


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from engine_jobs import Squares
from groundglass.engines.local import run_job
from groundglass.engines.process import Worker
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
print("once")
run_job(Squares(Path(sys.argv[2])), range(20), Settings(2), Silent())
"""
MAIN_JOB = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from engine_jobs import Squares
from groundglass.engines.local import run_job
from groundglass.engines.process import Worker
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
class Own(Squares):
    pass
if __name__ == "__main__":
    print("once")
    run_job(Own(Path(sys.argv[2])), range(20), Settings(2), Silent())
"""


@pytest.mark.parametrize(("script", "from_stdin"), [(SCRIPT, False), (SCRIPT, True), (MAIN_JOB, False)])
def test_any_script_may_run_a_job(tmp_path: Path, script: str, from_stdin: bool) -> None:
    path = tmp_path / "script.py"
    path.write_text(script)
    command = [sys.executable, "-" if from_stdin else str(path), str(Path(__file__).parent), str(tmp_path)]
    ended = subprocess.run(
        command, input=script, capture_output=True, text=True, timeout=STOPS_A_HANG, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "once\n", "")
    assert rows(tmp_path) == squares_of(range(20))


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "40000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 10_000),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 10_000),
        ({}, 10_000),
    ],
)
def test_cores_know_the_container(tmp_path: Path, files: dict[str, str], most: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert cores(tmp_path) == min(most, len(os.sched_getaffinity(0)))


def test_a_slow_start_is_no_fault_of_the_first_item(tmp_path: Path) -> None:
    run_job(Squares(tmp_path, seconds=0.3), range(2), Settings(2, seconds_per_image=0.6), Silent())
    assert rows(tmp_path) == squares_of(range(2))
