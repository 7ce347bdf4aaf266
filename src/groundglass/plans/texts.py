"""Texts that came with images, for measures of an image and a text: their vectors, and the rows that lack one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from groundglass.engines.run import run_job
from groundglass.measures.text_job import TextAsk, text_job
from groundglass.plans.state import State
from groundglass.tables.parquet import find_keys
from groundglass.tables.rows import META
from groundglass.tables.text_fit import TEXT_COLUMNS, plain_text, text_key


def with_texts(state: State, rows: pa.Table, ask: TextAsk, title: str) -> State:
    """The state with the vectors of the rows' texts; those that the store lacks are made first, unless it is `dry`."""
    with_vectors(state, ask, _texts(state, rows, ask), title)
    return with_known_texts(state, (ask,))


def with_known_texts(state: State, asks: Sequence[TextAsk]) -> State:
    """The state with the vectors of all texts that the store has."""
    known = {ask.key: state.run.store.read(ask.key, [*TEXT_COLUMNS]) for ask in asks}
    return replace(state, scores={**state.scores, **known}) if known else state


def rows_without_vector(state: State, rows: pa.Table, ask: TextAsk) -> int:
    """How many rows have a text, but no vector of it in the store."""
    texts = _texts(state, rows, ask)
    lacking = set(_missing(state, ask, texts))
    return sum(plain_text(text) in lacking for text in texts)


def rows_without_text(state: State, rows: pa.Table, ask: TextAsk) -> int:
    """How many rows have no text, or a blank one."""
    return sum(text_key(text) is None for text in _texts(state, rows, ask))


def _texts(state: State, rows: pa.Table, ask: TextAsk) -> list[str | None]:
    return texts_of(state, rows, ask.column)


def texts_of(state: State, rows: pa.Table, column: str) -> list[str | None]:
    """The text that came with each row's photo, in a column of its source."""
    images = state.tables.images
    return images[META + column].take(find_keys(rows["root"], images["id"])).to_pylist()


def with_vectors(state: State, ask: TextAsk, texts: Sequence[str | None], title: str) -> pa.Table:
    """The store's table of vectors, after those of ``texts`` that it lacks were made, unless it is `dry`."""
    store = state.run.store
    if not state.run.dry:
        store.prepare(ask.key, TEXT_COLUMNS)
        lacking = _missing(state, ask, texts)
        if lacking:
            job, settings = text_job(ask, store.root, state.run.settings)
            run_job(job, lacking, settings, state.run.progress(f"{title}: texts"))
            store.compact(ask.key)
    return store.read(ask.key, [*TEXT_COLUMNS])


def lacks_vectors(state: State, ask: TextAsk, texts: Sequence[str | None]) -> bool:
    """Whether the store lacks the vector of any of these texts."""
    return bool(_missing(state, ask, texts))


def _missing(state: State, ask: TextAsk, texts: Sequence[str | None]) -> list[str]:
    """The texts that the store lacks, each once, in their order."""
    # Vectors are stored under the text's hash: equal captions are encoded once, and a changed caption needs no new
    # look at its image.
    keys = {key: plain_text(text) for text in texts if (key := text_key(text)) is not None}
    wanted = pa.table(
        {"sha256": pa.array(keys, pa.string()), "region": pa.array([""] * len(keys), pa.string())}
    )
    missing = set(state.run.store.missing(ask.key, wanted)["sha256"].to_pylist())
    return [text for key, text in keys.items() if key in missing]
