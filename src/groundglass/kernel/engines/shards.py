"""The one protocol between what is to be done and who does it.

A job is a frozen, picklable record; its items are cut into shards; a worker calls `one` for every item of a
shard and then `save` once. `save` writes files under unique temporary names and renames them, so a shard is
either there or not. Killing anything at any moment loses at most the shards in flight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Job(Protocol):
    """What an engine runs. Implementations are frozen dataclasses of plain, picklable values."""

    def one(self, item: Any) -> Any:
        """The result for one item. A bad image is a result with its reason; raising is a fault of the program."""
        ...

    def lost(self, item: Any, reason: str, detail: str) -> Any:
        """The result for an item that no worker survived (`timeout`, `worker_died`) or whose `one` raised."""
        ...

    def save(self, results: Sequence[Any]) -> Summary:
        """Write a finished shard, atomically, and say what was in it."""
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
class Settings:
    """How an engine runs.

    workers             processes; 0 means one per core
    seconds_per_image   time limit for one item; it then becomes an error row `timeout`
    shard               items per shard: what a kill may lose per worker
    """

    workers: int = 0
    seconds_per_image: float = 60.0
    shard: int = 32


def cut(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Consecutive pieces of at most ``size`` items.

    >>> list(cut("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))
