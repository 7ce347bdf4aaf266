"""What finding near-duplicates needs where no recipe asks for it: the measure, and its columns."""

from __future__ import annotations

from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.tables.columns import KnownColumn, measured_columns


def fingerprint_ask() -> Ask:
    """What near-duplicates are found by."""
    return ask_of(MEASURES["fingerprint"], {})


def fingerprint_columns(generation: int) -> list[KnownColumn]:
    """The hashes as columns, for steps that need them unasked."""
    ask = fingerprint_ask()
    return measured_columns(MEASURES["fingerprint"], ask.key, "", "fingerprint", generation)
