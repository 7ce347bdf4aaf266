"""The one protocol between jobs and engines.

A job is a frozen, picklable record; its items are cut into shards; a worker calls `one` for every item of a
shard and then `save` once. `save` writes files under unique temporary names and renames them, so a shard is
saved completely or not at all. Killing any process at any moment loses at most the shards in progress.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from groundglass.errors import GroundglassError, Interrupted
from groundglass.text.format import thousands

ENGINE = "GROUNDGLASS_ENGINE"
"""The environment variable that names the engine."""


class Job(Protocol):
    """The work that an engine runs. Implementations are frozen dataclasses of plain, picklable values."""

    def one(self, item: Any) -> Any:
        """The result for one item. A bad image is a result with its reason; an exception is a fault of the program."""
        ...

    def lost(self, item: Any, reason: str, detail: str) -> Any:
        """The result for an item that no worker survived (`timeout`, `worker_died`) or on which `one` raised."""
        ...

    def name(self, item: Any) -> str:
        """The name of an item for people: the path of its file."""
        ...

    def save(self, results: Sequence[Any]) -> Summary:
        """Write a finished shard, atomically, and return its counts.

        Files named by `groundglass.files.atomic.part_name` exist only once even if a worker is killed
        between writing and reporting them: the repeated shard gets the same names.
        """
        ...


@runtime_checkable
class Ahead(Protocol):
    """Further methods of a job that looks ahead over a shard's items, such as one that asks a network in batches.

    If a worker dies or takes too long on a shard, the shard is repeated with `one`, to find the item at fault.
    """

    def load(self) -> None:
        """Prepare a worker, such as by loading a network: once, before its first item and outside its time limit."""
        ...

    def many(self, items: Sequence[Any]) -> Iterator[Any]:
        """The results of `one` for each item, in order; an item's own fault is a result and raises nothing."""
        ...

    def images(self, item: Any) -> int:
        """The number of images in an item: its time limit is multiplied by it."""
        ...


@dataclass(frozen=True)
class Summary:
    """The counts of a finished shard, for the driver; the rows are in the files that the shard wrote.

    images   number of items in it
    failed   number of failed items among them, by reason
    """

    images: int
    failed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """The counts of a whole job.

    images    number of finished items, failed ones included
    failed    number of failed items among them, by reason
    seconds   its duration, wall clock
    """

    images: int
    failed: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Settings:
    """Settings of an engine.

    workers             processes; 0 means one per core
    seconds_per_image   CPU seconds that one item may take; it then becomes an error row `timeout`. A busy machine does
                        not change CPU time, so no clock ever decides which images are in a dataset
    shard               items per shard: the most that a kill can lose per worker
    items               the word for items in messages
    engine              the name of an engine in `engines/run.py`; by default GROUNDGLASS_ENGINE, else "local"
    """

    workers: int = 0
    seconds_per_image: float = 60.0
    shard: int = 32
    items: str = "images"
    engine: str = field(default_factory=lambda: os.environ.get(ENGINE) or "local")


class Stop:
    """A request to end a job early, from a signal, another thread or the flow; the engine checks it often.

    The first request lets workers save their finished items; the second one ends them at once. The engine then raises
    `error`, or `Interrupted` if none was given.

    >>> stop = Stop()
    >>> stop.ask()
    >>> stop.asked, stop.hurry
    (True, False)
    """

    def __init__(self) -> None:
        self.times = 0
        self.error: GroundglassError | None = None

    def ask(self, error: GroundglassError | None = None) -> None:
        """Request an end; a second request asks for an end at once."""
        self.times += 1
        self.error = self.error or error

    @property
    def asked(self) -> bool:
        """Whether an end was requested."""
        return self.times > 0

    @property
    def hurry(self) -> bool:
        """Whether it was requested more than once."""
        return self.times > 1


def interrupted(done: int, of: int, items: str) -> Interrupted:
    """The error that an engine raises if an end was requested without an error of its own.

    >>> interrupted(12, 2000, "images").message
    'stopped: 12 of 2,000 images are done and saved'
    """
    said = f"stopped: {thousands(done)} of {thousands(of)} {items} are done and saved"
    return Interrupted(said, "the same command continues from there")


def cut(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Consecutive pieces of at most ``size`` items.

    >>> list(cut("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))
