"""The measure that finds near-duplicates, and its columns, for steps whose recipe does not name it."""

from __future__ import annotations

from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.tables.columns import KnownColumn, measured_columns


def fingerprint_ask() -> Ask:
    """The measure whose hashes find near-duplicates."""
    return ask_of(MEASURES["fingerprint"], {})


def fingerprint_columns(generation: int) -> list[KnownColumn]:
    """The hashes as columns."""
    ask = fingerprint_ask()
    return measured_columns(MEASURES["fingerprint"], ask.key, "", "fingerprint", generation)
