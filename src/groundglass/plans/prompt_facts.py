"""Facts about the prompts that came with images, as a table of scores: lengths, equal prompts, categories."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from groundglass.measures.text_job import TextAsk
from groundglass.plans.prompts_asked import MEANINGS, PromptsAsked
from groundglass.plans.state import State
from groundglass.plans.texts import lacks_vectors, texts_of, with_vectors
from groundglass.similarity.near_texts import near_groups, normal_text, text_group
from groundglass.tables.text_fit import VECTOR, cosine, text_key

TYPES = {"BIGINT": pa.int64(), "VARCHAR": pa.string(), "DOUBLE": pa.float64()}


def prompt_table(state: State, rows: pa.Table, asked: PromptsAsked, title: str) -> pa.Table:
    """The facts of each row: id and the columns. Vectors that the store lacks are made first, unless it is ``dry``."""
    prompts = texts_of(state, rows, asked.column)
    groups = [text_group(text) for text in prompts]
    first = {key: text or "" for key, text in zip(groups, prompts, strict=True) if key is not None}
    near = dict(zip(first, near_groups(list(first.values()), asked.request.near), strict=True))
    copies, keys = Counter(groups), list(first)
    known = [(key, text or "") for key, text in zip(groups, prompts, strict=True)]
    columns: dict[str, Sequence[object]] = {
        "prompt_chars": [len(unicodedata.normalize("NFC", text)) if key else None for key, text in known],
        "prompt_words": [len(normal_text(text).split()) if key else None for key, text in known],
        "prompt_same": groups,
        "prompt_near": [keys[near[key]] if key else None for key in groups],
        "prompt_copies": [copies[key] if key else None for key in groups],
    }
    if asked.ask is not None:
        columns |= _categories(state, prompts, asked, asked.ask, title)
    types = {name: TYPES[MEANINGS[name][0]] for name in asked.columns}
    return pa.table(
        {"id": rows["id"]} | {name: pa.array(columns[name], kind) for name, kind in types.items()}
    )


def _categories(
    state: State, prompts: Sequence[str | None], asked: PromptsAsked, ask: TextAsk, title: str
) -> dict[str, Sequence[object]]:
    sentences = asked.sentences
    known = with_vectors(state, ask, [*prompts, *sentences.values()], title)
    packed = dict(zip(known["sha256"].to_pylist(), known[VECTOR].to_pylist(), strict=True))
    words = list(sentences)
    vectors = [packed.get(text_key(sentence)) for sentence in sentences.values()]
    found: dict[str | None, tuple[str | None, float | None]] = {None: (None, None)}
    keys = [text_key(text) for text in prompts]
    for key in dict.fromkeys(keys):
        fits = [cosine(packed.get(key), vector) for vector in vectors]
        numbers = [fit for fit in fits if fit is not None]
        if len(numbers) < len(words):  # the network could not read the prompt, or has not yet
            found[key] = (None, None)
            continue
        order = np.argsort(numbers)[::-1]
        found[key] = (words[int(order[0])], float(numbers[order[0]] - numbers[order[1]]))
    return {
        "prompt_category": [found[key][0] for key in keys],
        "prompt_category_lead": [found[key][1] for key in keys],
    }


def lacks_sentences(state: State, asked: PromptsAsked) -> bool:
    """Whether the store lacks the vector of a category: then no prompt's category is known."""
    return asked.ask is not None and lacks_vectors(state, asked.ask, list(asked.sentences.values()))
