"""The job that compares pairs of images by networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from groundglass.engines.memory import available_memory
from groundglass.engines.shards import Settings, Summary
from groundglass.errors import GroundglassError, ImageError, RecipeError
from groundglass.image.header import ImageLimits
from groundglass.measures.network_job import hold_torch_to, place_workers, workers_that_fit
from groundglass.measures.pairs.dists import DISTS
from groundglass.measures.pairs.frechet import FID
from groundglass.measures.pairs.lpips import LPIPS
from groundglass.measures.pairs.open_pair import Pair, Pixels, open_pair
from groundglass.measures.pairs.pair_network import Compare, Found, PairNetwork, tensors_of
from groundglass.measures.pairs.score_job import as_rgb, reason_and_detail, save_rows, schema_of
from groundglass.models.devices import claim, place_on
from groundglass.models.loaded import Use
from groundglass.text.format import size

PAIR_NETWORKS: dict[str, PairNetwork] = {network.name: network for network in (LPIPS, DISTS, FID)}
"""Every network that compares two images, by its name."""


@dataclass(frozen=True)
class ComparePairs:
    """Compares pairs by one network; a finished shard is a part below ``folder``.

    devices  where it may run; each worker takes one
    threads  threads of the network on the CPU
    """

    name_of_network: str
    use: Use
    columns: tuple[tuple[str, type], ...]
    bytes_a_pixel: int
    scale: int
    protocol: str
    folder: Path
    limits: ImageLimits
    devices: tuple[str, ...] = ("cpu",)
    threads: int = 1

    @cached_property
    def compare(self) -> Compare:
        """The network, in this process's memory. Raises RecipeError if it cannot be loaded."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = place_on(claim(self.devices, self.folder), half=False)
        try:
            return PAIR_NETWORKS[self.name_of_network].load(tensors_of(self.use.weights), place)
        except GroundglassError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise RecipeError(f"cannot load {self.name_of_network} on {place.device}: {said}") from error

    def load(self) -> None:
        """Load the network, and limit it to `threads` threads of the CPU."""
        hold_torch_to(self.threads)
        _ = self.compare

    def many(self, items: Sequence[Pair]) -> Iterator[dict[str, Any]]:
        """The row of each pair, in order."""
        return (self.one(item) for item in items)

    def pictures(self, item: Pair) -> int:  # noqa: ARG002
        """Two images, and twice the time limit."""
        return 2

    def one(self, item: Pair) -> dict[str, Any]:
        """The row of a pair: values, or a reason."""
        try:
            pair = open_pair(item, self.scale, self.protocol, self.limits)
            self._check_size(pair.hr)
            return {"number": item.number, **self.compare(as_rgb(pair.hr), as_rgb(pair.sr))}
        except RecipeError:
            raise
        except Exception as error:  # a network may raise anything of one image, and the others go on
            return self.lost(item, *reason_and_detail(error))

    def lost(self, item: Pair, reason: str, detail: str) -> dict[str, Any]:
        """A row without values."""
        return {"number": item.number, "error": f"{reason}: {detail}" if detail else reason}

    def name(self, item: Pair) -> str:
        """The pair's name."""
        return item.name

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        """One part of all rows."""
        return save_rows(results, schema_of(dict(self.columns)), self.folder)

    def _check_size(self, image: Pixels) -> None:
        """Raises ImageError if the network or this machine cannot compare images of this size."""
        height, width = image.shape[:2]
        least = PAIR_NETWORKS[self.name_of_network].least
        if min(height, width) < least:
            raise ImageError("too_small", f"{width} × {height} px, {self.name_of_network} needs {least} px")
        needed, there = self.bytes_a_pixel * height * width, available_memory()
        if self.devices == ("cpu",) and there is not None and needed > there:
            raise ImageError("out_of_memory", f"{width} × {height} px need about {size(needed)}")


def job_of(
    found: Found, scale: int, protocol: str, folder: Path, largest: int, settings: Settings
) -> tuple[ComparePairs, Settings]:
    """The job for a network, and how to run it: on the CPU as many workers as memory holds at the ``largest`` image."""
    devices, threads, settings = place_workers(found.use, settings)
    if devices == ("cpu",):
        processors = threads * settings.workers
        working = found.use.weights.bytes + found.bytes_a_pixel * largest // 3
        workers = min(settings.workers, workers_that_fit(working, processors, available_memory()))
        threads, settings = max(1, processors // workers), replace(settings, workers=workers)
    job = ComparePairs(
        found.network.name,
        found.use,
        tuple(found.columns.items()),
        found.bytes_a_pixel,
        scale,
        protocol,
        folder,
        ImageLimits(),
        devices,
        threads,
    )
    return job, settings
