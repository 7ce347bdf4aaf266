"""The job that measures: one decode of a photo, all its regions, every requested measure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from groundglass.catalog import NETWORK_PARAMETERS, Measure, Value, settings_key
from groundglass.engines.shards import Summary
from groundglass.errors import ImageError
from groundglass.files.locators import place_in_words, read_listed
from groundglass.image.frame import open_frame
from groundglass.made_images.makes import makes_of
from groundglass.measures.catalog import find
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.models.loaded import Use, answer, find_use, in_memory, settle
from groundglass.tables.measure_store import MeasureStore

if TYPE_CHECKING:
    from groundglass.image.frame import Frame, Makes
    from groundglass.image.header import ImageLimits

NO_VALUE = ("flat", "too_small", "no_pair")
"""Reasons for an empty value of a sound image: not a failure."""


@dataclass(frozen=True)
class Ask:
    """One measure with its settings, and the key of the store that its values go to.

    record  the measure where it is not in the catalog
    use     the weights and the device, where the measure uses a network; the key holds the weights' hash
    """

    measure: str
    key: str
    settings: tuple[tuple[str, Value], ...] = ()
    record: Measure | None = field(default=None, compare=False, repr=False)
    use: Use | None = field(default=None, compare=False, repr=False)

    @property
    def definition(self) -> Measure:
        """The measure's record."""
        if self.record is not None:
            return self.record
        return THUMBNAIL if self.measure == THUMBNAIL.name else find(self.measure)


def ask_of(measure: Measure, settings: Mapping[str, Value]) -> Ask:
    """The ask for a measure with the settings that differ from its defaults; writing out a default changes nothing.

    The weights of a measure that uses a network are found now: raises all of `find_weights` and `settle`.

    >>> ask_of(find("blockiness"), {}).key
    'blockiness-1'
    >>> ask_of(find("blockiness"), {"search_phases": False}) == ask_of(find("blockiness"), {})
    True
    """
    # Only settings that differ are in the key, so a new setting with a neutral default keeps stored values valid.
    neutral = {name: parameter.default for name, parameter in measure.parameters.items()}
    own = {
        name: value
        for name, value in sorted(settings.items())
        if neutral.get(name) != value and not (measure.network and name in NETWORK_PARAMETERS)
    }
    if measure.network is None:
        return Ask(
            measure.name, settings_key(measure.name, measure.version, own), tuple(own.items()), measure
        )
    use = find_use(measure.network, *(settings.get(name) for name in NETWORK_PARAMETERS))
    settled = settle(measure.network, use, own)
    key = settings_key(measure.name, measure.version, {**settled.key, "weights": use.weights.sha256})
    record = measure if settled.columns is None else replace(measure, columns=settled.columns)
    return Ask(measure.name, key, tuple(sorted(settled.settings.items())), record, use)


@dataclass(frozen=True)
class Photograph:
    """An item: a file as it was listed, and the asks (by number) that each of its regions lacks.

    ``path`` is a locator of `groundglass.files.locators`.
    """

    path: bytes
    sha256: str
    bytes: int
    mtime_ns: int
    wanted: tuple[tuple[str, tuple[int, ...]], ...]


class Row(NamedTuple):
    """The result of one ask on one region: values, or the reason why there are none."""

    ask: int
    sha256: str
    region: str
    values: Mapping[str, Value]
    error: str | None


@dataclass(frozen=True)
class Look:
    """Measures photos; a finished shard is one part for each ask below ``store``."""

    asks: tuple[Ask, ...]
    store: Path
    limits: ImageLimits

    def one(self, item: Photograph) -> list[Row]:
        """Every requested row of the photo; errors are rows too."""
        try:
            photograph = open_photograph(item, self.limits, makes_of(self.store.parent))
        except (ImageError, MemoryError) as error:
            return self.lost(item, reason_of(error), "")
        unusable = self._decode(photograph, item)
        return [
            Row(ask, item.sha256, region, *found)
            for region, asks in item.wanted
            for ask, found in self._measure(photograph, region, asks, unusable)
        ]

    def lost(self, item: Photograph, reason: str, detail: str) -> list[Row]:
        """The same error in every row of a photo."""
        error = f"{reason}: {detail}" if reason == "measure_failed" and detail else reason
        return [Row(ask, item.sha256, region, {}, error) for region, asks in item.wanted for ask in asks]

    def name(self, item: Photograph) -> str:
        """The photo's place."""
        return place_in_words(item.path)

    def save(self, results: Sequence[list[Row]]) -> Summary:
        """One part for each ask that has rows."""
        store = MeasureStore(self.store)
        for number, ask in enumerate(self.asks):
            rows = [row for photograph in results for row in photograph if row.ask == number]
            if rows:
                store.add(ask.key, _table(rows, store.schema(ask.definition.columns)))
        failures = (_failure(photograph) for photograph in results)
        return Summary(len(results), dict(Counter(reason for reason in failures if reason)))

    def _decode(self, photograph: Frame, item: Photograph) -> str | None:
        """Decode once, if any ask needs pixels; returns the reason if that fails, or None."""
        asked = {ask for _, asks in item.wanted for ask in asks}
        if all(self.asks[ask].definition.needs == "header" for ask in asked):
            return None
        # Any exception: a decoder may raise anything, and one bad file must not end the shard.
        try:
            _ = photograph.rgb
        except Exception as error:
            return reason_of(error)
        return None

    def _measure(
        self, photograph: Frame, region: str, asks: Sequence[int], unusable: str | None
    ) -> Iterator[tuple[int, tuple[Mapping[str, Value], str | None]]]:
        try:
            frame = photograph.at(region)
        except ImageError as error:
            yield from ((ask, ({}, error.reason)) for ask in asks)
            return
        for number in asks:
            ask = self.asks[number]
            blocked = unusable and ask.definition.needs == "pixels"
            yield number, ({}, unusable) if blocked else take(ask, frame)


def take(ask: Ask, frame: Frame) -> tuple[Mapping[str, Value], str | None]:
    """A measure's values on one frame, or the reason why it has none; nothing is raised."""
    try:
        values = values_of(ask, frame)
    except Exception as error:
        return {}, reason_of(error)
    return checked(values)


def checked(values: Mapping[str, Value]) -> tuple[Mapping[str, Value], str | None]:
    """The values unchanged, or a reason instead where one is not a finite number."""
    # NaN in a table would pass or fail filters without a reason on record.
    odd = [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
    return ({}, f"measure_failed: {odd[0]} is {values[odd[0]]}") if odd else (values, None)


def values_of(ask: Ask, frame: Frame) -> Mapping[str, Value]:
    """A measure's values on one frame. Raises what the measure raises, NoValue and ImageError among it."""
    if ask.use is None or ask.definition.network is None:
        return ask.definition.compute(frame, **dict(ask.settings))
    return answer(in_memory(ask.definition.network, ask.use, ask.settings), frame)


def reason_of(error: Exception) -> str:
    """The reason in a row for an exception.

    >>> reason_of(ImageError("truncated", "at row 3")), reason_of(MemoryError()), reason_of(ValueError("no"))
    ('truncated', 'out_of_memory', 'measure_failed: ValueError: no')
    """
    if isinstance(error, ImageError):
        return error.reason
    return (
        "out_of_memory"
        if isinstance(error, MemoryError)
        else f"measure_failed: {type(error).__name__}: {error}"
    )


def open_photograph(item: Photograph, limits: ImageLimits, makes: Makes | None = None) -> Frame:
    """The photo as it was listed. Raises ImageError ``changed`` where the file is a different one now."""
    return open_frame(read_listed(item.path, item.bytes, item.mtime_ns, item.sha256), limits, makes)


def _table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    plain = [{"sha256": row.sha256, "region": row.region, **row.values, "error": row.error} for row in rows]
    return pa.Table.from_pylist(plain, schema)


def _failure(rows: Sequence[Row]) -> str | None:
    """The first reason why a photo, or a measure of it, failed."""
    reasons = (row.error.partition(":")[0] for row in rows if row.error)
    return next((reason for reason in reasons if reason not in NO_VALUE), None)
