"""What `import groundglass` costs above a bare interpreter.

    python -m benchmarks.import_time [--save]

Two programs start in turns, so that a busy machine slows both alike. Medians in ms. The aim is at most 30 ms above
the bare interpreter.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from timing import processor, report

PROGRAMS = {
    "python -c pass": "pass",
    "import groundglass": "import groundglass",
}
ROUNDS = 51


def milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="write results/import_time.csv")
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for round in range(ROUNDS + 1):
        for name, code in PROGRAMS.items():
            spent = milliseconds(code)
            if round:  # the first one fills the disk's cache
                times[name].append(spent)
    bare = statistics.median(times["python -c pass"])
    rows = [
        {
            "program": name,
            "ms": round_to_tenth(statistics.median(spent)),
            "ms_above_bare": round_to_tenth(statistics.median(spent) - bare),
            "times_bare": f"{statistics.median(spent) / bare:.2f}",
            "cpu": processor(),
        }
        for name, spent in times.items()
    ]
    report(rows, "import_time", arguments.save)


def round_to_tenth(number: float) -> str:
    return f"{number:.1f}"


if __name__ == "__main__":
    main()
