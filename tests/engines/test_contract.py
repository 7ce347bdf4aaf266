"""What every engine must do: each item has its row once, whatever happens to workers and driver."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import engine_jobs as jobs
import psutil
import pytest
from engine_jobs import (
    Compiles,
    LoadsSlowly,
    ManyPictures,
    Squares,
    SquaresAhead,
    StandsStillOnce,
    StandsStillOnceAhead,
    left,
    rows,
    squares_of,
)

from groundglass.engines import local
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings, Stop, Summary, Totals
from groundglass.errors import (
    GroundglassError,
    Interrupted,
    TooManyFailed,
    Unfinished,
    UnreachableError,
)

RunJob = Callable[..., Totals]
QUICK = Settings(workers=2, shard=8)
IMPATIENT = Settings(workers=2, shard=8, seconds_per_image=0.2)


@pytest.fixture(params=[Squares, SquaresAhead])
def job(request: pytest.FixtureRequest) -> type[Squares]:
    """A job that does one item after the other, and one that looks ahead."""
    return request.param


class Watch(Silent):
    """Remembers what the engine told."""

    def __init__(self) -> None:
        self.total = -1
        self.added = 0
        self.ended = 0

    def begin(self, total: int) -> None:
        self.total = total

    def add(self, summary: Summary) -> None:
        self.added += summary.images

    def end(self) -> None:
        self.ended += 1


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 7, 333])
def test_every_item_has_its_row(
    engine: RunJob, job: type[Squares], tmp_path: Path, workers: int, count: int
) -> None:
    watch = Watch()
    totals = engine(job(tmp_path), range(count), Settings(workers=workers, shard=8), watch)
    assert rows(tmp_path) == squares_of(range(count))
    assert (totals.images, dict(totals.failed)) == (count, {})
    assert (watch.total, watch.added, watch.ended) == (count, count, 1)


def test_items_are_only_sliced_never_copied(engine: RunJob, job: type[Squares], tmp_path: Path) -> None:
    longest = 0

    class Items(list[int]):
        def __getitem__(self, key: object) -> object:
            nonlocal longest
            found = super().__getitem__(key)  # type: ignore[index]
            longest = max(longest, len(found) if isinstance(found, list) else 1)
            return found

        def __iter__(self) -> object:  # type: ignore[override]
            raise AssertionError("iterated over")

    engine(job(tmp_path), Items(range(100)), QUICK, Silent())
    assert len(rows(tmp_path)) == 100
    assert longest <= 8


@pytest.mark.parametrize(
    ("poison", "reason", "detail"),
    [
        ("memory", "out_of_memory", ""),
        ("sys_exit", "measure_failed", "SystemExit: enough"),
        ("interrupt", "measure_failed", "KeyboardInterrupt"),
        ("raise", "measure_failed", "ZeroDivisionError"),
        ("unpicklable", "measure_failed", "holds a lock"),
        ("image_error", "truncated", "3 rows are missing"),
    ],
)
@pytest.mark.parametrize("where", [0, 13, 15, 29])
def test_a_poisoned_item_is_an_error_row_and_costs_no_other(
    engine: RunJob, job: type[Squares], tmp_path: Path, poison: str, reason: str, detail: str, where: int
) -> None:
    totals = engine(job(tmp_path, {where: poison}), range(30), IMPATIENT, Silent())
    all_but_one_are_squares(tmp_path, where, reason, detail)
    assert (totals.images, dict(totals.failed)) == (30, {reason: 1})


@pytest.mark.parametrize(
    ("poison", "reason", "detail"),
    [
        ("exit", "worker_died", "exit code 3"),
        ("segfault", "worker_died", "killed by SIGSEGV"),
        ("kill", "worker_died", "killed by SIGKILL"),
        ("hang", "timeout", "more than 0.2 s of CPU time"),
    ],
)
@pytest.mark.parametrize("where", [0, 13, 15, 29])
def test_an_item_that_ends_its_worker_is_an_error_row_and_costs_no_other(
    engine_of_processes: RunJob,
    job: type[Squares],
    tmp_path: Path,
    poison: str,
    reason: str,
    detail: str,
    where: int,
) -> None:
    if reason == "timeout" and where != 13:
        pytest.skip("one position is enough for what takes seconds each")
    totals = engine_of_processes(job(tmp_path, {where: poison}), range(30), IMPATIENT, Silent())
    all_but_one_are_squares(tmp_path, where, reason, detail)
    assert (totals.images, dict(totals.failed)) == (30, {reason: 1})


def all_but_one_are_squares(folder: Path, where: int, reason: str, detail: str) -> None:
    found = rows(folder)
    assert [row for row in found if row[0] != where] == [
        row for row in squares_of(range(30)) if row[0] != where
    ]
    assert len(found) == 30
    assert found[where][2] == reason
    assert detail in (found[where][3] or "")


def test_an_item_at_which_workers_stand_still_twice_ends_the_job_and_has_no_row(
    engine_of_processes: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    settings = Settings(workers=2, shard=8, seconds_per_image=0.1)
    with pytest.raises(Unfinished, match=r"made no progress for over 2 s, twice, on item 13") as raised:
        engine_of_processes(job(tmp_path, {13: "stand_still"}), range(30), settings, Silent())
    assert raised.value.exit_code == 4
    assert rows(tmp_path) == squares_of([*range(13), *range(14, 30)])
    engine_of_processes(job(tmp_path), left(tmp_path, range(30)), settings, Silent())
    assert rows(tmp_path) == squares_of(range(30))


def test_an_item_at_which_a_worker_stood_still_once_is_as_good_as_any(
    engine_of_processes: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    class_ = {Squares: StandsStillOnce, SquaresAhead: StandsStillOnceAhead}[job]
    settings = Settings(workers=2, shard=8, seconds_per_image=0.1)
    totals = engine_of_processes(class_(tmp_path), range(30), settings, Silent())
    assert rows(tmp_path) == squares_of(range(30))
    assert (totals.images, dict(totals.failed)) == (30, {})


def test_waiting_is_not_counted_as_work(
    engine_of_processes: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    totals = engine_of_processes(job(tmp_path, seconds=0.5), range(4), Settings(2, 0.2), Silent())
    assert (totals.images, dict(totals.failed)) == (4, {})


def test_compiling_is_not_counted_as_work(
    engine_of_processes: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On any machine a kernel takes far more CPU time to compile than this limit; the cache is cold at first."""
    monkeypatch.setattr(local, "BACKSTOP", 1e6)  # however long the machine takes
    totals = engine_of_processes(Compiles(tmp_path), range(2), Settings(1, 0.05), Silent())
    assert (totals.images, dict(totals.failed)) == (2, {})
    assert rows(tmp_path) == [(0, 1, None, None), (1, 1, None, None)]


def test_many_poisons_at_once(engine_of_processes: RunJob, job: type[Squares], tmp_path: Path) -> None:
    poisons = {0: "exit", 1: "segfault", 2: "raise", 17: "kill", 18: "hang", 19: "exit", 63: "exit"}
    totals = engine_of_processes(job(tmp_path, poisons), range(64), Settings(2, 0.2, 32), Silent())
    found = rows(tmp_path)
    assert [row[0] for row in found] == list(range(64))
    assert {row[0] for row in found if row[2]} == set(poisons)
    assert dict(totals.failed) == {"worker_died": 5, "measure_failed": 1, "timeout": 1}


def test_an_item_that_killed_by_chance_gets_a_second_try(
    engine_of_processes: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    killer = KillsWorkers()
    totals = engine_of_processes(
        job(tmp_path, seconds=0.01), range(300), Settings(workers=2, shard=16), killer
    )
    assert killer.killed == 4
    assert rows(tmp_path) == squares_of(range(300))
    assert totals.images == 300


class KillsWorkers(Silent):
    """SIGKILL to some worker, wherever it is, each time that two more shards were saved."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.shards = 0
        self.killed = 0

    def add(self, summary: Summary) -> None:
        self.shards += 1
        if self.shards % 2 and self.killed < 4:
            self.chance.choice(_workers()).kill()
            self.killed += 1


def _workers() -> list[psutil.Process]:
    servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
    return [worker for server in servers for worker in server.children()]


def test_a_death_between_saving_and_saying_so_doubles_no_row(
    engine_of_processes: RunJob, tmp_path: Path
) -> None:
    totals = engine_of_processes(jobs.DiesOnceInSaving(tmp_path), range(40), QUICK, Silent())
    assert (tmp_path / "died").exists()
    assert rows(tmp_path) == squares_of(range(40))
    assert totals.images == 40


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (jobs.CannotBeUnpickled, "ZeroDivisionError"),
        (jobs.BreaksInSaving, "a mistake in the program"),
    ],
)
def test_what_can_never_work_ends_with_an_explanation(
    engine: RunJob, tmp_path: Path, job: Callable[[Path], object], words: str
) -> None:
    ends_with_an_explanation(engine, job(tmp_path), words)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (jobs.AlwaysDiesInSaving, "died while they saved"),
        (lambda folder: jobs.CannotBeUnpickled(folder, how="exit"), "died before their first image"),
    ],
)
def test_workers_that_all_die_end_with_an_explanation(
    engine_of_processes: RunJob, tmp_path: Path, job: Callable[[Path], object], words: str
) -> None:
    ends_with_an_explanation(engine_of_processes, job(tmp_path), words)


def ends_with_an_explanation(engine: RunJob, job: object, words: str) -> None:
    with pytest.raises(GroundglassError, match=words) as raised:
        engine(job, range(40), QUICK, Silent())
    assert raised.value.exit_code == 1
    assert not _workers()


@pytest.mark.parametrize("whole", [True, False])
def test_a_full_disk_ends_the_job_and_leaves_what_is_saved(
    engine: RunJob, tmp_path: Path, whole: bool
) -> None:
    with pytest.raises(UnreachableError, match=os.strerror(errno.ENOSPC)) as raised:
        engine(jobs.FillsTheDisk(tmp_path, whole=whole), range(400), Settings(1, shard=8), Silent())
    assert raised.value.exit_code == 3
    assert raised.value.hint
    assert rows(tmp_path) == squares_of(range(48))
    assert not list(tmp_path.glob(".*"))


def test_an_error_that_is_about_no_image_ends_the_job_as_it_was(
    engine: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    with pytest.raises(UnreachableError, match="network disk is gone") as raised:
        engine(job(tmp_path, {20: "unreachable"}), range(40), Settings(1, shard=8), Silent())
    assert raised.value.hint == "plug it in"
    assert rows(tmp_path) == squares_of(range(16))


class StopsAt(Silent):
    """Wishes for an end, once or more often, as soon as so many items are done but not saved."""

    def __init__(self, items: int, stop: Stop, wishes: int = 1) -> None:
        self.items, self.stop, self.wishes = items, stop, wishes

    def tick(self, under_way: int) -> None:
        if under_way >= self.items and not self.stop.asked:
            for _ in range(self.wishes):
                self.stop.ask()


def test_a_wish_to_stop_saves_what_is_done(engine: RunJob, job: type[Squares], tmp_path: Path) -> None:
    stop = Stop()
    with pytest.raises(Interrupted) as raised:
        engine(job(tmp_path, seconds=0.1), range(1000), Settings(2, shard=1000), StopsAt(4, stop), stop)
    found = rows(tmp_path)
    assert found == squares_of([row[0] for row in found])
    assert 4 <= len(found) < 1000
    assert f"{len(found)} of 1,000 images are done" in str(raised.value)


def test_a_second_wish_waits_for_nobody(
    engine_of_processes: RunJob, job: type[Squares], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop()
    monkeypatch.setattr(local, "GRACE", 3600.0)  # seconds that it would wait after the first wish
    with pytest.raises(Interrupted):
        engine_of_processes(
            job(tmp_path, {4: "stand_still"}), range(100), Settings(1), StopsAt(4, stop, wishes=2), stop
        )
    assert not _workers()
    assert rows(tmp_path) == []


def test_after_a_second_wish_nothing_more_is_saved(
    engine: RunJob, job: type[Squares], tmp_path: Path
) -> None:
    stop = Stop()
    with pytest.raises(Interrupted, match="stopped: 0 of 1,000 images"):
        engine(
            job(tmp_path, seconds=0.1),
            range(1000),
            Settings(2, shard=1000),
            StopsAt(4, stop, wishes=2),
            stop,
        )
    assert rows(tmp_path) == []


def test_a_wish_with_an_error_raises_that(engine: RunJob, job: type[Squares], tmp_path: Path) -> None:
    stop = Stop()

    class Fussy(Silent):
        def add(self, summary: Summary) -> None:
            if summary.failed:
                stop.ask(TooManyFailed("1 of 8 failed"))

    with pytest.raises(TooManyFailed):
        engine(job(tmp_path, {5: "raise"}), range(100_000), QUICK, Fussy(), stop)
    assert len(rows(tmp_path)) < 100_000


def test_loading_is_outside_the_time_limit(engine_of_processes: RunJob, tmp_path: Path) -> None:
    job = LoadsSlowly(tmp_path)
    totals = engine_of_processes(
        job, range(20), Settings(workers=1, shard=8, seconds_per_image=0.1), Silent()
    )
    assert (totals.images, dict(totals.failed)) == (20, {})
    assert rows(tmp_path) == squares_of(range(20))


def test_what_cannot_be_loaded_ends_the_job(engine: RunJob, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="the network disk is gone"):
        engine(SquaresAhead(tmp_path, loading="unreachable"), range(20), QUICK, Silent())
    assert rows(tmp_path) == []


def test_an_item_of_many_pictures_has_the_time_of_all(engine_of_processes: RunJob, tmp_path: Path) -> None:
    job = ManyPictures(tmp_path, seconds=1.5)  # one picture may stand still for 1 s, four of them for 4 s
    totals = engine_of_processes(job, range(2), Settings(workers=1, seconds_per_image=0.05), Silent())
    assert (totals.images, dict(totals.failed)) == (2, {})
