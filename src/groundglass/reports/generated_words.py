"""How generated images were made, as columns of text in the report: generator, prompt, seed and settings."""

from __future__ import annotations

import pyarrow as pa

from groundglass.plans.run_tables import RunTables
from groundglass.tables.parquet import find_keys

_OWN = ("generator", "model", "prompt", "revised_prompt", "seed")
_META = "meta."


def generated_words(tables: RunTables, chosen: pa.Table, ids: pa.ChunkedArray) -> dict[str, list[str | None]]:
    """The columns of text for each of ``ids``, whose roots ``chosen`` names; {} if no model made an image.

    Settings are in one column, such as ``guidance 7.5, steps 20``: those that the images differ in, or share.
    """
    names = [name for name in tables.images.column_names if name.startswith(_META)]
    if not {f"{_META}generator", f"{_META}seed"} <= set(names):
        return {}
    rows = tables.images.select(["id", *names]).to_pylist()
    known = {row["id"]: row for row in rows if row[f"{_META}seed"] is not None}
    made = [known.get(root) for root in chosen["root"].take(find_keys(ids, chosen["id"])).to_pylist()]
    found: dict[str, list[str | None]] = {
        name: [_text(row.get(f"{_META}{name}")) if row else None for row in made] for name in _OWN
    }
    others = [name for name in names if name.removeprefix(_META) not in (*_OWN, "prompt_id", "same_bytes_as")]
    found["settings"] = [
        ", ".join(f"{name.removeprefix(_META)} {row[name]}" for name in others if row[name] is not None)
        or None
        if row
        else None
        for row in made
    ]
    return {name: texts for name, texts in found.items() if any(texts)}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
