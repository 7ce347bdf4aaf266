"""Arms that are folders: whether they hold the same photos or others, and what they are scored on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from groundglass.plans.state import State
from groundglass.proofs.arms import (
    Arm,
    Comparison,
    Trial,
    held_out_to_score,
    matched,
    sampled,
    without_photos,
)
from groundglass.proofs.units import looks_of_rows
from groundglass.tables.parquet import compute
from groundglass.text.format import some

ALIKE = 0.9
"""Correlation of two small lumas from which they show the same photo; other photos seldom reach .6."""
MOST_OF = 0.95
"""Share of each folder that must be in the other one for both to count as the same photos."""


def folder_trial(state: State, folders: Mapping[str, pa.Table], images: int, score_on: bool) -> Trial:
    """Every folder against the first one; ``folders`` are the rows of each, by the arm's name.

    Two folders hold the same photos if nearly all their files have the same names but for the ending, and show the
    same. Such photos are compared one by one; others as two selections. ``images`` is the most of each arm, and
    without ``score_on`` a part of the first folder's photos is held out of all arms to score on.
    """
    (reference, trusted), *others = folders.items()
    scored = None if score_on else held_out_to_score(trusted)
    notes: list[str] = []
    if scored is not None:
        notes.append(
            f"scored on {scored.num_rows} photos of {reference}, held out from every arm; --score-on FOLDER names "
            "neutral ones"
        )
        trusted = without_photos(trusted, scored)
    arms: dict[str, Arm] = {}
    compared: list[Comparison] = []
    base = sampled(trusted, images)
    for name, rows in others:
        left = rows if scored is None else without_photos(rows, matched(scored, rows)[1])
        one, other = matched(trusted, left)
        if _same_photos(state, trusted, left, one, other):
            kept = sampled(one, images)
            key = _named(arms, reference, kept, name)
            arms[key] = Arm(kept)
            arms[name] = Arm(other.take(compute.index_in(kept["id"], one["id"])))
            compared.append(Comparison(name, key, "same photos"))
            dropped = left.num_rows - other.num_rows
            if dropped:
                notes.append(
                    f"{some(dropped, 'images')} of {name} have no partner in {reference} and are left out"
                )
        else:
            key = _named(arms, reference, base, name)
            arms[key], arms[name] = Arm(base), Arm(sampled(left, images))
            compared.append(Comparison(name, key))
    return Trial(arms, tuple(compared), scored, tuple(notes))


def _named(arms: Mapping[str, Arm], reference: str, rows: pa.Table, other: str) -> str:
    """The name of the reference: a name of its own if its photos differ from those of an earlier comparison."""
    same = reference not in arms or arms[reference].rows["id"].equals(rows["id"])
    return reference if same else f"{reference} as in {other}"


def _same_photos(state: State, first: pa.Table, second: pa.Table, one: pa.Table, other: pa.Table) -> bool:
    if one.num_rows < MOST_OF * max(first.num_rows, second.num_rows) or not one.num_rows:
        return False
    looks, others = looks_of_rows(state, one), looks_of_rows(state, other)
    alike = [
        _correlation(looks[key], others[match]) > ALIKE
        for key, match in zip(_keys(one), _keys(other), strict=True)
        if key in looks and match in others
    ]
    return bool(alike) and float(np.mean(alike)) >= MOST_OF


def _keys(rows: pa.Table) -> list[tuple[str, str]]:
    return list(zip(rows["sha256"].to_pylist(), rows["region"].to_pylist(), strict=True))


def _correlation(one: bytes, other: bytes) -> float:
    """Of two small lumas; 1 for two that are flat, 0 for those of different length."""
    x, y = (np.frombuffer(look, np.uint8).astype(np.float64) for look in (one, other))
    if len(x) != len(y):
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size else float(not (x @ x) + (y @ y))
