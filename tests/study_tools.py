"""Tables of items and votes as the database of a study gives them, made by hand."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

VOTES = pa.schema(
    [
        ("vote_id", pa.string()), ("trial_id", pa.string()), ("rater", pa.string()), ("session", pa.int64()),
        ("order", pa.int64()), ("kind", pa.string()), ("item", pa.string()), ("left", pa.string()),
        ("right", pa.string()), ("score", pa.string()), ("reasons", pa.list_(pa.string())), ("comment", pa.string()),
        ("received", pa.float64()), ("t_shown", pa.float64()), ("t_answer", pa.float64()), ("dwell", pa.float64()),
        ("flips", pa.int64()), ("zoom_max", pa.float64()), ("mode", pa.string()), ("viewport", pa.string()),
        ("dpr", pa.float64()), ("display_scale", pa.float64()), ("app_version", pa.string()),
        ("flags", pa.list_(pa.string())), ("undone_by", pa.string()),
    ]
)  # fmt: skip


def items_table(*items: dict[str, Any]) -> pa.Table:
    """Items with these facts; the id is also the row, and the role is ``rate`` if none is given."""
    facts = {"arm": "", "content": "", "prompt": None, "locator": "", "region": "", "sha256": "", "width": 8}
    facts |= {"height": 8, "role": "rate", "low": None, "high": None}
    rows = [
        facts | {"place": place, "row": item["id"], "name": f"{item['id']}.png"} | item
        for place, item in enumerate(items)
    ]
    return pa.Table.from_pylist(rows)


def votes_table(*votes: dict[str, Any]) -> pa.Table:
    """Votes with these facts; a score may be any value of JSON."""
    rows: list[dict[str, Any]] = []
    for place, vote in enumerate(votes):
        facts = {
            "vote_id": f"v{place}",
            "trial_id": f"t{place}",
            "session": 1,
            "order": place,
            "kind": "rate",
        }
        facts |= {"reasons": [], "comment": "", "received": 0.0, "flags": [], "app_version": "0"}
        rows.append(facts | vote | {"score": json.dumps(vote["score"])})
    return pa.Table.from_pylist(rows, VOTES)
