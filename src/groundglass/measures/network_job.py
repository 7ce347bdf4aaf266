"""The job that runs a network: threads decode and prepare images meanwhile, and pass them to it in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from groundglass.engines.cores import cores
from groundglass.engines.memory import available_memory
from groundglass.engines.shards import Settings
from groundglass.image.frame import Frame, Makes
from groundglass.image.header import ImageLimits
from groundglass.made_images.makes import makes_of
from groundglass.measures.measure_job import Ask, Look, Photograph, Row, checked, open_photograph, reason_of
from groundglass.models.batching import Answer, Batches, in_order
from groundglass.models.devices import claim, find_devices
from groundglass.models.loaded import Use, in_memory
from groundglass.models.scorer import Prepared

COPIES = 3
"""Memory of a worker, in sizes of its weights: the file as read, the network, and its working memory."""
TORCH = 600_000_000
"""Bytes that a worker takes before it loads weights."""
DECODERS = 8
"""Most threads that prepare images for one accelerator."""
LARGE_SHARD = 256
"""Items per shard on an accelerator: it waits at the end of every shard."""


@dataclass(frozen=True)
class Infer(Look):
    """Runs the network of its one ask; rows and parts are those of `Look`.

    devices   where it may run; each worker takes one
    decoders  threads that prepare images
    threads   threads of the network on the CPU
    """

    devices: tuple[str, ...] = ("cpu",)
    decoders: int = 1
    threads: int = 1

    @cached_property
    def network(self) -> Batches:
        """The network, in this process's memory. Raises what `in_memory` does."""
        ask = self.asks[0]
        assert ask.use is not None
        assert ask.definition.network is not None
        self.store.mkdir(parents=True, exist_ok=True)
        use = replace(ask.use, device=claim(self.devices, self.store))
        return in_memory(ask.definition.network, use, ask.settings)

    def load(self) -> None:
        """Load the network, and limit it to `threads` threads of the CPU."""
        hold_torch_to(self.threads)
        _ = self.network

    def one(self, item: Photograph) -> list[Row]:
        """Every row of one photo, without preparing others ahead."""
        return next(self.many([item]))

    def many(self, items: Sequence[Photograph]) -> Iterator[list[Row]]:
        """The rows of each photo, in order."""
        # Two batches ahead: one to be prepared while the network works on the other.
        ahead = 2 * max(self.network.most, self.decoders)
        pool = ThreadPoolExecutor(self.decoders, "prepare")
        try:
            answers = in_order(self._prepared(items, pool), self.network, ahead)
            for item in items:
                yield [self._row(item, region, next(answers)) for region, _ in item.wanted]
        finally:
            # After an error, the images prepared ahead are not needed.
            pool.shutdown(wait=False, cancel_futures=True)

    def images(self, item: Photograph) -> int:
        """The number of regions."""
        return len(item.wanted)

    def _prepared(self, items: Sequence[Photograph], pool: ThreadPoolExecutor) -> Iterator[Future[Prepared]]:
        for item in items:
            photograph = _Shared(item, self.limits, makes_of(self.store.parent))
            for region, _ in item.wanted:
                yield pool.submit(self._prepare, photograph, region)

    def _prepare(self, photograph: _Shared, region: str) -> Prepared:
        return self.network.scorer.prepare(photograph.frame().at(region))

    def _row(self, item: Photograph, region: str, answer: Answer) -> Row:
        found = ({}, reason_of(answer)) if isinstance(answer, Exception) else checked(answer)
        return Row(0, item.sha256, region, *found)


class _Shared:
    """A photo that several threads share: opened and decoded once, by the first of them."""

    def __init__(self, item: Photograph, limits: ImageLimits, makes: Makes) -> None:
        self._item = item
        self._limits = limits
        self._makes = makes
        self._lock = Lock()
        self._found: Frame | Exception | None = None

    def frame(self) -> Frame:
        """The photo, decoded. Raises each time what the first call raised."""
        with self._lock:
            if self._found is None:
                self._found = self._open()
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def _open(self) -> Frame | Exception:
        try:
            frame = open_photograph(self._item, self._limits, self._makes)
            _ = frame.rgb
        except Exception as error:
            return error
        return frame


def jobs_of(
    asks: Sequence[Ask], store: Path, limits: ImageLimits, settings: Settings
) -> Iterator[tuple[Look, Settings]]:
    """The jobs that take these measures, and how to run each: one for all without a network, one for each network."""
    plain = tuple(ask for ask in asks if ask.use is None)
    if plain:
        yield Look(plain, store, limits), settings
    for ask in asks:
        if ask.use is not None:
            yield _infer(ask, store, limits, settings)


def _infer(ask: Ask, store: Path, limits: ImageLimits, settings: Settings) -> tuple[Infer, Settings]:
    assert ask.use is not None
    devices, threads, settings = place_workers(ask.use, settings)
    if devices == ("cpu",):
        return Infer((ask,), store, limits, devices, threads=threads), settings
    decoders = max(1, min(DECODERS, cores() // len(devices)))
    return Infer((ask,), store, limits, devices, decoders), replace(settings, shard=LARGE_SHARD)


def place_workers(use: Use, settings: Settings) -> tuple[tuple[str, ...], int, Settings]:
    """The devices that a network may run on, a worker's threads on the CPU, and the settings with as many workers."""
    devices = tuple(find_devices(use.device))
    # One worker for each accelerator: two would hold the weights twice and wait for each other.
    if devices != ("cpu",):
        return devices, 1, replace(settings, workers=len(devices))
    processors = settings.workers or cores()
    workers = workers_that_fit(use.weights.bytes, processors, available_memory())
    return devices, max(1, processors // workers), replace(settings, workers=workers)


def workers_that_fit(weights: int, processors: int, memory: int | None) -> int:
    """Workers on a CPU: one for each core, fewer where that many networks do not fit into memory, at least one.

    >>> workers_that_fit(100_000_000, 8, 16_000_000_000), workers_that_fit(2_000_000_000, 8, 16_000_000_000)
    (8, 2)
    """
    if memory is None:
        return processors
    return max(1, min(processors, memory // (COPIES * weights + TORCH)))


def hold_torch_to(threads: int) -> None:
    """Let torch use this number of threads in this process, where it is installed."""
    from importlib.util import find_spec

    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(threads)
