"""The job that computes vectors of the texts that came with images, for measures of an image and a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from groundglass.catalog import settings_key
from groundglass.engines.shards import Settings, Summary
from groundglass.errors import GroundglassError
from groundglass.measures.measure_job import Ask, reason_of
from groundglass.measures.network_job import hold_torch_to, place_workers
from groundglass.models.batching import Answer, Batches
from groundglass.models.devices import claim
from groundglass.models.loaded import in_memory
from groundglass.models.scorer import Prepared
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.text_fit import TEXT_COLUMNS, text_key

BATCH = 64
"""Texts in one batch."""
SHARD = 512
"""Texts in a shard: the most that a killed run has to read again."""


@dataclass(frozen=True)
class TextAsk:
    """The texts that a measure needs.

    image    the ask for the images' vectors
    key      the store's key of the texts' vectors, each stored under the text's own hash and no region
    column   the column of texts, its name after "meta."
    """

    image: Ask
    key: str
    column: str


def text_ask(image: Ask, column: str) -> TextAsk:
    """The ask for the texts of an image's ask: its key holds the network's weights, as for images."""
    assert image.use is not None
    name = f"{image.measure}_text"
    key = settings_key(name, image.definition.version, {"weights": image.use.weights.sha256})
    return TextAsk(image, key, column)


@dataclass(frozen=True)
class ReadTexts:
    """Makes a vector of each text (an engine's job; its items are the texts).

    devices  where the network may run; each worker takes one
    threads  threads of the network on the CPU
    """

    ask: TextAsk
    store: Path
    devices: tuple[str, ...]
    threads: int

    @cached_property
    def network(self) -> Batches:
        """The network, in this process's memory. Raises what `in_memory` does."""
        use, network = self.ask.image.use, self.ask.image.definition.network
        assert use is not None
        assert network is not None
        assert network.texts is not None
        self.store.mkdir(parents=True, exist_ok=True)
        use = replace(use, device=claim(self.devices, self.store))
        return in_memory(replace(network, load=network.texts), use, ())

    def load(self) -> None:
        """Load the network, and limit it to `threads` threads of the CPU."""
        hold_torch_to(self.threads)
        _ = self.network

    def one(self, item: str) -> dict[str, Any]:
        """The row of one text."""
        return next(self.many([item]))

    def many(self, items: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of the texts, in order."""
        for start in range(0, len(items), BATCH):
            some = items[start : start + BATCH]
            # No pixels: the network reads the text that comes with each item.
            answers = self.network.answers([Prepared(np.zeros(0), text) for text in some])
            yield from map(_row, some, answers)

    def images(self, item: str) -> int:  # noqa: ARG002
        """An item is one text."""
        return 1

    def lost(self, item: str, reason: str, detail: str) -> dict[str, Any]:  # noqa: ARG002
        """The row of a text on which the workers failed."""
        return {"sha256": text_key(item), "region": "", "error": reason}

    def name(self, item: str) -> str:
        """The text's beginning."""
        return item[:60]

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        """One part."""
        MeasureStore(self.store).add(
            self.ask.key, pa.Table.from_pylist(list(results), MeasureStore.schema(TEXT_COLUMNS))
        )
        return Summary(len(results), dict(Counter(row["error"] for row in results if row["error"])))


def _row(text: str, answer: Answer) -> dict[str, Any]:
    """Raises errors that are not the text's fault, such as a tokenizer that belongs to another network."""
    if isinstance(answer, GroundglassError) and not hasattr(answer, "reason"):
        raise answer
    said = {} if isinstance(answer, Exception) else answer
    error = reason_of(answer) if isinstance(answer, Exception) else None
    return {"sha256": text_key(text), "region": "", **said, "error": error}


def text_job(ask: TextAsk, store: Path, settings: Settings) -> tuple[ReadTexts, Settings]:
    """The job that reads texts, and how to run it."""
    assert ask.image.use is not None
    devices, threads, settings = place_workers(ask.image.use, settings)
    return ReadTexts(ask, store, devices, threads), replace(settings, shard=SHARD)
