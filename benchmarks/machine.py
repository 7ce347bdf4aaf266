"""The processor and the versions, on which a figure depends. No names of machines, users or folders."""

from __future__ import annotations

import csv
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("groundglass", "numpy", "numba", "llvmlite", "simplejpeg", "opencv-python-headless", "pillow")


def facts() -> dict[str, str]:
    """Processor, its widest vector unit, Python and package versions."""
    processor, flags = _processor()
    vectors = next((name for name in ("avx512f", "avx2", "asimd", "sse4_2") if name in flags), "unknown")
    return {
        "processor": processor,
        "vectors": vectors,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> tuple[str, set[str]]:
    """Model name and flags, as Linux reports them."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {name.strip(): value.strip() for name, value in fields.items()}
    family = f" (family {found['cpu family']}, model {found['model']})" if "cpu family" in found else ""
    name = found.get("model name") or platform.processor() or platform.machine()
    return name + family, set((found.get("flags") or found.get("Features") or "").split())


def milliseconds(work: Callable[[], Any], repeats: int) -> float:
    """Median CPU time of this thread for one call, after one call that is not counted."""
    work()
    times: list[float] = []
    for _ in range(repeats):
        start = thread_time()
        work()
        times.append(thread_time() - start)
    return 1e3 * median(times)


def save(name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a table to ``results``, with the machine's facts in every row."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    plain = [{**row, **facts()} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(plain[0]))
        writer.writeheader()
        writer.writerows(plain)
    return path
