"""Jobs for the engines' tests, and what they leave on disk. Imported by the workers too."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.engines.process import cpu_seconds
from groundglass.engines.shards import Summary
from groundglass.errors import ImageError, UnreachableError
from groundglass.files.atomic import part_name, written_whole
from groundglass.tables.parquet import write_parquet
from groundglass.tables.parts import read_parts

SCHEMA = pa.schema({"item": pa.int64(), "square": pa.int64(), "error": pa.string(), "detail": pa.string()})
Row = tuple[int, int | None, str | None, str | None]


class UnpicklableError(Exception):
    def __init__(self) -> None:
        super().__init__("holds a lock", threading.Lock())


def _raise(error: BaseException) -> None:
    raise error


def _stand_still_holding_the_interpreter() -> None:
    ctypes.PyDLL(None).sleep(1000)


def _hang() -> None:
    while True:
        pass


POISONS: Mapping[str, Callable[[], object]] = {
    "exit": lambda: os._exit(3),
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": _hang,
    "stand_still": _stand_still_holding_the_interpreter,
    "memory": lambda: bytearray(1 << 60),
    "sys_exit": lambda: sys.exit("enough"),
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "raise": lambda: 1 // 0,
    "unpicklable": lambda: _raise(UnpicklableError()),
    "image_error": lambda: _raise(ImageError("truncated", "3 rows are missing")),
    "unreachable": lambda: _raise(UnreachableError("the network disk is gone", "plug it in")),
}


@dataclass(frozen=True)
class Squares:
    """Squares numbers into part files.

    poisons   what happens at an item instead, by item; a file ``at-ITEM`` says that it begins
    seconds   how long each item takes
    """

    folder: Path
    poisons: Mapping[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def one(self, item: int) -> Row:
        time.sleep(self.seconds)
        if item in self.poisons:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"at-{item}").touch()
            POISONS[self.poisons[item]]()
        return item, item * item, None, None

    def lost(self, item: int, reason: str, detail: str) -> Row:
        return item, None, reason, detail

    def name(self, item: int) -> str:
        return f"item {item}"

    def save(self, results: Sequence[Row]) -> Summary:
        columns = [list(column) for column in zip(*results, strict=True)]
        write_parquet(pa.table(columns, schema=SCHEMA), self.folder / part_name())
        return Summary(len(results), dict(Counter(row[2] for row in results if row[2])))


@dataclass(frozen=True)
class Works(Squares):
    """Uses CPU time until its process has used ``cpu`` seconds."""

    cpu: float = 0.3

    def one(self, item: int) -> Row:
        while cpu_seconds(os.getpid()) < self.cpu:
            pass
        return super().one(item)


@dataclass(frozen=True)
class SquaresAhead(Squares):
    """The same numbers four at a time, each batch begun before the first of it is given.

    loading  what happens while the worker loads, a poison's name
    """

    loading: str = ""

    def load(self) -> None:
        if self.loading:
            POISONS[self.loading]()

    def many(self, items: Sequence[int]) -> Iterator[Row]:
        for start in range(0, len(items), 4):
            yield from [self.one(item) for item in items[start : start + 4]]

    def images(self, item: int) -> int:
        return 1


@dataclass(frozen=True)
class StandsStillOnce(Squares):
    """Stands still at item 13 the first time, as at a disk that answers again later."""

    def one(self, item: int) -> Row:
        mark = self.folder / "stood"
        if item == 13 and not mark.exists():
            mark.touch()
            time.sleep(1000)
        return super().one(item)


@dataclass(frozen=True)
class StandsStillOnceAhead(StandsStillOnce, SquaresAhead):
    pass


@dataclass(frozen=True)
class Compiles(Squares):
    """Compiles a kernel anew at each item, and says how many it compiled instead of a square."""

    def one(self, item: int) -> Row:
        import numba
        import numpy as np

        kernel = numba.njit(lambda x: np.sort(np.linspace(0.0, x, 9)).sum())
        kernel(2.0)
        return item, len(kernel.signatures), None, None


@dataclass(frozen=True)
class LoadsSlowly(SquaresAhead):
    """Takes longer to load than it may stand still at an item, with a limit of .1 s."""

    def load(self) -> None:
        time.sleep(3.0)


@dataclass(frozen=True)
class ManyPictures(SquaresAhead):
    def images(self, item: int) -> int:
        return 4


@dataclass(frozen=True)
class DiesOnceInSaving(Squares):
    """Saves a shard and dies before anyone hears of it, the first time only."""

    def save(self, results: Sequence[Row]) -> Summary:
        summary = super().save(results)
        mark = self.folder / "died"
        if not mark.exists():
            mark.touch()
            os._exit(9)
        return summary


@dataclass(frozen=True)
class AlwaysDiesInSaving(Squares):
    def save(self, results: Sequence[Row]) -> Summary:
        os._exit(9)


@dataclass(frozen=True)
class FillsTheDisk(Squares):
    """Meets a full disk at the shard with item 50; `whole` says whether `written_whole` stands between."""

    whole: bool = True

    def save(self, results: Sequence[Row]) -> Summary:
        if not any(row[0] == 50 for row in results):
            return super().save(results)
        if not self.whole:
            Path("/dev/full").write_text("x")
        with written_whole(self.folder / part_name()):
            Path("/dev/full").write_text("x")
        raise AssertionError("not reached")


@dataclass(frozen=True)
class BreaksInSaving(Squares):
    def save(self, results: Sequence[Row]) -> Summary:
        raise KeyError("a mistake in the program")


@dataclass(frozen=True)
class CannotBeUnpickled(Squares):
    """Cannot be had in the worker; `how` is the poison met while it is unpickled."""

    how: str = "raise"

    def __reduce__(self) -> tuple[Any, ...]:
        return _poisoned, (self.how,)


def _poisoned(how: str) -> None:
    POISONS[how]()


@dataclass(frozen=True)
class Looks(Squares):
    """Writes what the worker's process looks like instead of squares."""

    def one(self, item: int) -> Row:
        return item, None, None, repr(_process())


def _process() -> dict[str, Any]:
    import cv2
    import numba
    import numpy as np

    np.ones((300, 300)) @ np.ones((300, 300))
    return {
        "pid": os.getpid(),
        "cv2": cv2.getNumThreads(),
        "numba": numba.config.NUMBA_NUM_THREADS,
        "arrow": pa.cpu_count(),
        "omp": os.environ["OMP_NUM_THREADS"],
        "blas_threads": sum("jemalloc" not in name for name in _thread_names()),
        "files": sorted(
            str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
        ),
    }


def _thread_names() -> list[str]:
    return [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]


def rows(folder: Path) -> list[Row]:
    """What the folder's parts hold, in order of item."""
    table = read_parts(folder, SCHEMA, SCHEMA.names)
    return sorted(
        zip(*(table[name].to_pylist() for name in SCHEMA.names), strict=True), key=lambda row: row[0]
    )


def squares_of(items: Sequence[int]) -> list[Row]:
    """The rows that items have when nothing happens to them."""
    return [(item, item * item, None, None) for item in items]


def left(folder: Path, items: Sequence[int]) -> list[int]:
    """The anti-join: items that have no row yet."""
    done = {row[0] for row in rows(folder)}
    return [item for item in items if item not in done]
