"""How long a rater waits until a vote is confirmed: one rater alone, and fifty at once.

    python -m benchmarks.study_server [--raters 50] [--seconds 40] [--rounds 3] [--save]

Each rater votes once a second and fetches the images of the next four trials, as the page does. The clients run in
this process, in one thread; the server is a process of its own. Rounds of one rater and of fifty follow each other, so
that a busy machine slows both alike; the table has the median of the rounds. The aim is a p99 of fifty raters at most
three times that of one, for SQLite and for PostgreSQL (a cluster in a temporary folder; left out without PostgreSQL).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.study_load import Load
from benchmarks.timing import processor, report

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from postgres_tools import cluster, why_not  # noqa: E402

PROGRAM = [sys.executable, "-c", "from groundglass.cli.main import main; main()", "study"]
RECIPE = """
name: load
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [header]
"""


def make_run(folder: Path, count: int) -> Path:
    """A run of `count` images of 256 px and a study of them that no load exhausts."""
    from groundglass import testing
    from groundglass.cli.main import groundglass

    (folder / "photos").mkdir()
    for seed in range(count):
        (folder / "photos" / f"{seed:04d}.png").write_bytes(testing.png(testing.photo(256, 256, seed)))
    (folder / "load.yaml").write_text(RECIPE)
    (folder / "study.yaml").write_text("protocol: acr\nvotes: 1000\ngap: 5\n")
    with contextlib.chdir(folder), contextlib.redirect_stdout(None):
        groundglass.main(["run", "load.yaml"], standalone_mode=False)
    return folder / "runs" / "load" / "0001"


@contextlib.contextmanager
def served(run: Path, study: Path, database: str | None) -> Iterator[str]:
    """The address of a server for a study, while it runs."""
    more = ["--database", database] if database else []
    command = [*PROGRAM, "serve", str(run), str(study), "--port", "0", "--no-browser", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def links(run: Path, study: Path, raters: int, database: str | None) -> list[str]:
    import json

    more = ["--database", database] if database else []
    command = [*PROGRAM, "invite", str(run), str(study), "--raters", str(raters), "--json", *more]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["links"]


def latencies(base: str, invited: list[str], seconds: int) -> list[float]:
    """Milliseconds from each vote to its confirmation."""

    async def all_raters() -> Load:
        load = Load(lambda: base, 4)
        await asyncio.gather(*(load.rater(link, seconds) for link in invited))
        return load

    load = asyncio.run(all_raters())
    assert not load.refused, load.refused[:3]
    return [1000 * one.seconds for one in load.acknowledged if one.seconds is not None]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--save", action="store_true", help="write results/study_server.csv")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for kind in options.databases.split(","):
        if kind == "postgresql" and why_not():
            print(why_not())
            continue
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            database = stack.enter_context(cluster()) if kind == "postgresql" else None
            run, study = make_run(folder, 200), folder / "study.yaml"
            rows += measured(kind, run, study, database, options)
    report(rows, "study_server", options.save)


def measured(
    kind: str, run: Path, study: Path, database: str | None, options: argparse.Namespace
) -> list[dict[str, object]]:
    found: dict[int, list[list[float]]] = {1: [], options.raters: []}
    loads: dict[int, list[float]] = {1: [], options.raters: []}
    with served(run, study, database) as base:
        latencies(base, links(run, study, 2, database), 5)  # the first images and statements
        for _ in range(options.rounds):
            for raters, rounds in found.items():
                rounds.append(latencies(base, links(run, study, raters, database), options.seconds))
                loads[raters].append(os.getloadavg()[0])
    p99 = {raters: [float(np.percentile(one, 99)) for one in rounds] for raters, rounds in found.items()}
    alone = statistics.median(p99[1])
    return [
        {
            "database": kind,
            "raters": raters,
            "votes": sum(map(len, rounds)),
            "median_ms": f"{statistics.median(value for one in rounds for value in one):.1f}",
            "p99_ms": f"{statistics.median(p99[raters]):.1f}",
            "p99_of_rounds": "/".join(f"{value:.0f}" for value in p99[raters]),
            "times_alone": f"{statistics.median(p99[raters]) / alone:.2f}",
            "load": f"{statistics.median(loads[raters]):.1f}",
            "cpu": processor(),
        }
        for raters, rounds in found.items()
    ]


if __name__ == "__main__":
    main()
