"""Helpers that the benchmarks share: one pinned core, medians, the processor's name, and tables as CSV."""

from __future__ import annotations

import csv
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
RESULTS = Path(__file__).parent / "results"


def pin_to_one_core() -> None:
    """Limit this process and its libraries to one core."""
    import cv2

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def median_ms(work: Callable[[], Any], repeats: int) -> float:
    """The median time of ``work`` in ms; a first call that is not counted compiles and warms up."""
    if repeats > 1:
        work()
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def processor() -> str:
    """The name of the processor, as Linux reports it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def report(rows: Sequence[dict[str, Any]], name: str, save: bool) -> None:
    """Print the rows as a table; with ``save``, also write them to results/NAME.csv."""
    widths = {key: max(len(key), *(len(str(row[key])) for row in rows)) for key in rows[0]}
    for row in [{key: key for key in widths}, *rows]:
        print("  ".join(str(row[key]).rjust(width) for key, width in widths.items()))
    if save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {path}")
