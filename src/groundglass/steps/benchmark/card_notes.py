"""Benchmarks as the card of a release shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundglass.plans.state import State
from groundglass.ratings.benchmark_sentences import signed
from groundglass.releases.card_notes import BenchmarkNote
from groundglass.text.format import some


def benchmark_notes(state: State) -> list[BenchmarkNote]:
    """The benchmarks of the steps before."""
    return [
        _note(record.step, record.notes[0], record.facts["benchmark"])
        for record in state.records
        if record.kind == "benchmark" and record.facts.get("benchmark")
    ]


def _note(step: str, sentence: str, found: Mapping[str, Any]) -> BenchmarkNote:
    about = f"step {step}, {found['mos']} of {some(found['images'], 'images')}"
    if found["scores"]:
        about += f", {some(found['contents'], 'contents')}"
    ceiling = found.get("ceiling")
    notes = (
        [f"Two halves of the raters agree with each other at SRCC {signed(ceiling)}."]
        if ceiling is not None
        else []
    )
    return BenchmarkNote(step, sentence, about, tuple(map(_row, found["scores"])), tuple(notes))


def _row(score: Mapping[str, Any]) -> tuple[str, ...]:
    """Score, group, SRCC, its interval, KRCC, PLCC and failed images, as text."""
    return (
        score["score"],
        "–" if score["rank_group"] is None else str(score["rank_group"]),
        signed(score["srcc"]),
        _interval(score["srcc_ci95"]),
        signed(score["krcc"]),
        signed(score["plcc_4"]),
        f"{score['failed']:,}",
    )


def _interval(ends: Sequence[float] | None) -> str:
    return "–" if not ends else f"{signed(ends[0])} to {signed(ends[1])}"
