"""The one protocol between what is to be done and who does it.

A job is a frozen, picklable record; its items are cut into shards; a worker calls `one` for every item of a
shard and then `save` once. `save` writes files under unique temporary names and renames them, so a shard is
either there or not. Killing anything at any moment loses at most the shards in flight.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from groundglass.errors import GroundglassError, Interrupted
from groundglass.text.format import thousands

ENGINE = "GROUNDGLASS_ENGINE"
"""The variable of the environment that names the engine."""


class Job(Protocol):
    """What an engine runs. Implementations are frozen dataclasses of plain, picklable values."""

    def one(self, item: Any) -> Any:
        """The result for one item. A bad image is a result with its reason; raising is a program fault."""
        ...

    def lost(self, item: Any, reason: str, detail: str) -> Any:
        """The result for an item that no worker survived (`timeout`, `worker_died`) or whose `one` raised."""
        ...

    def name(self, item: Any) -> str:
        """What people call an item: the path of its file."""
        ...

    def save(self, results: Sequence[Any]) -> Summary:
        """Write a finished shard, atomically, and say what was in it.

        Files named by `groundglass.files.atomic.part_name` are there once even when a worker is killed
        between writing them and saying so: the shard that is done again then gets the same names.
        """
        ...


@runtime_checkable
class Ahead(Protocol):
    """What a job has besides if it looks ahead over a shard's items, as one that asks a network in batches does.

    A shard that a worker dies or overruns on is done again with `one`, so that who is to blame is known exactly.
    """

    def load(self) -> None:
        """What is done once a worker, before the first item and outside its time limit, such as loading a network."""
        ...

    def many(self, items: Sequence[Any]) -> Iterator[Any]:
        """The results of `one` for each item, in order; an item's own fault is a result and raises nothing."""
        ...

    def pictures(self, item: Any) -> int:
        """How many pictures an item holds: it has the time limit for each of them."""
        ...


@dataclass(frozen=True)
class Summary:
    """What a finished shard tells the driver: counts only; the rows are in the files it wrote.

    images   how many items it held
    failed   how many of them failed, by reason
    """

    images: int
    failed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """What a whole job came to.

    images    how many items were done, failed ones among them
    failed    how many of them failed, by reason
    seconds   how long it took, wall clock
    """

    images: int
    failed: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Settings:
    """How an engine runs.

    workers             processes; 0 means one per core
    seconds_per_image   CPU seconds that one item may take; it then becomes an error row `timeout`. How busy the machine
                        is does not change them, so a clock never decides what is in a dataset
    shard               items per shard: what a kill may lose per worker
    engine              which engine, by its name in `engines/run.py`; what GROUNDGLASS_ENGINE says, else "local"
    """

    workers: int = 0
    seconds_per_image: float = 60.0
    shard: int = 32
    engine: str = field(default_factory=lambda: os.environ.get(ENGINE) or "local")


class Stop:
    """A wish to end a job early, made by a signal, another thread or the flow; the engine looks at it often.

    The first wish lets workers save what they have; the second one ends them at once. `error` is what the
    engine then raises; `Interrupted` where none was given.

    >>> stop = Stop()
    >>> stop.ask()
    >>> stop.asked, stop.hurry
    (True, False)
    """

    def __init__(self) -> None:
        self.times = 0
        self.error: GroundglassError | None = None

    def ask(self, error: GroundglassError | None = None) -> None:
        """Wish for an end; once more for an end at once."""
        self.times += 1
        self.error = self.error or error

    @property
    def asked(self) -> bool:
        """Whether anyone wished for an end."""
        return self.times > 0

    @property
    def hurry(self) -> bool:
        """Whether it was wished for more than once."""
        return self.times > 1


def interrupted(done: int, of: int) -> Interrupted:
    """What an engine raises when an end was asked for without an error of its own.

    >>> interrupted(12, 2000).message
    'stopped: 12 of 2,000 images are done and saved'
    """
    said = f"stopped: {thousands(done)} of {thousands(of)} images are done and saved"
    return Interrupted(said, "the same command goes on from there")


def cut(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Consecutive pieces of at most ``size`` items.

    >>> list(cut("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))
