"""A changed threshold on 1,000,000 images: the time and the memory until it is planned and judged again.

    python -m benchmarks.replan_million [--rows 1000000] [--save]

The run's tables and its store are invented: their ids and hashes are like those of real rows (unordered and
incompressible), and the store has the images in the order in which four workers finish their shards. Then a recipe
with another threshold is planned and run by the code that `groundglass run` calls, in a fresh process. Listing the
files of a folder is measured separately on 100,000 real, empty files: it is the disk's time, not ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.timing import processor, report
from groundglass.files.hashes import sha256_of

RECIPE = """name: big
steps:
  - source: {{folder: photos}}
    name: photos
  - measure: [blockiness, sharpness]
  - select: {{where: "blockiness < {limit}"}}
  - select: {{top_k: {best}, by: tenengrad}}
"""


SHARD = 32
"""Number of images that a worker measures before it saves them."""


def prepare(folder: Path, rows: int) -> None:
    """A finished first run of ``rows`` photographs, and an opened second one whose listing is done."""
    from groundglass.measures.catalog import MEASURES
    from groundglass.tables.measure_store import MeasureStore
    from groundglass.tables.parquet import image_id, write_parquet

    (folder / "photos").mkdir()
    chance = np.random.default_rng(0)
    sha256 = pa.array([sha256_of(b"%d" % n) for n in range(rows)])
    uris = [f"{n // 1000:04d}/{n:07d}.jpg" for n in range(rows)]
    text = pa.nulls(rows, pa.string())
    whole = pa.array(np.full(rows, 1024))
    images = pa.table(
        {
            "id": [image_id("photos", uri) for uri in uris],
            "source": ["photos"] * rows,
            "uri": uris,
            "path": [f"/photos/{uri}".encode() for uri in uris],
            "bytes": whole,
            "mtime_ns": whole,
            "sha256": sha256,
            "width": whole,
            "height": whole,
            "format": ["JPEG"] * rows,
            "mode": ["RGB"] * rows,
            "bit_depth": whole,
            "orientation": whole,
            "icc": text,
            "frames": whole,
            "alpha": [False] * rows,
            "warning": text,
            "licence": text,
            "author": text,
            "error": text,
            "detail": text,
        }
    )
    write_parquet(images, folder / "runs/big/0001/images/photos/part-0.parquet")
    store = MeasureStore(folder / "runs/big/store/measures")
    finished = np.argsort(
        np.arange(rows) // SHARD + chance.uniform(0, 4, rows // SHARD + 1).repeat(SHARD)[:rows]
    )
    sha256 = sha256.take(pa.array(finished))
    for name in ("blockiness", "sharpness"):
        columns = MEASURES[name].columns
        values = {
            column: pa.array(chance.gamma(2, 10, rows), pa.float64())
            if about.kind is float
            else pa.nulls(rows, pa.int64())
            for column, about in columns.items()
        }
        table = pa.table({"sha256": sha256, "region": [""] * rows, **values, "error": text})
        store.add(f"{name}-{MEASURES[name].version}", table)
    store.add(
        "thumbnail-1",
        pa.table(
            {"sha256": sha256, "region": [""] * rows, "thumbnail": pa.nulls(rows, pa.binary()), "error": text}
        ),
    )


def rerun(folder: Path, limit: int, rows: int) -> dict[str, float]:
    """Plan and run in a fresh process; seconds of wall time inside it (imports included) and its peak memory."""
    (folder / "big.yaml").write_text(RECIPE.format(limit=limit, best=rows // 10))
    # The listing of the opened run is done: nothing is left but planning and judging.
    code = (
        "import json, os, resource, sys, time\n"
        "start = time.perf_counter()\n"
        "os.chdir(sys.argv[1])\n"
        "from pathlib import Path\n"
        "from groundglass.engines.progress import Silent\n"
        "from groundglass.plans.run_folder import RunFolder, RunRecord\n"
        "from groundglass.recipes.load import load_recipe\n"
        "from groundglass.plans.lock import recipe_key\n"
        "from groundglass.runs.make_plan import make_plan\n"
        "from groundglass.runs.run import RunOptions, Talk, run_plan\n"
        "plan = make_plan(load_recipe(Path('big.yaml')))\n"
        "planned = time.perf_counter()\n"
        "folder = RunFolder(Path('runs/big/0001'))\n"
        "RunRecord('big', 1, 'interrupted', 0.0, recipe_key(plan), '../store').save(folder)\n"
        "_, record = run_plan(plan, RunOptions(workers=1), Talk(lambda title: Silent()))\n"
        "done = time.perf_counter()\n"
        "steps = {step.step: step.seconds for step in record.steps}\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "found = {'plan_s': planned - start, 'total_s': done - start, 'cpu_s': used.ru_utime + used.ru_stime}\n"
        "print(json.dumps({**found, 'peak_gb': used.ru_maxrss / 1e6, **steps}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def list_files(folder: Path, count: int) -> float:
    """Seconds to list ``count`` empty files."""
    from groundglass.sources.folder import list_folders

    for n in range(count):
        path = folder / "many" / f"{n // 1000:03d}" / f"{n:06d}.jpg"
        if n % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.touch()
    start = time.perf_counter()
    list_folders([str(folder / "many")])
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, options.rows)
        runs = [rerun(folder, limit, options.rows) for limit in range(30, 21, -1)]
        middle = {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
        middle["list_100000_files_s"] = list_files(folder, 100_000)
    load = round(os.getloadavg()[0], 1)
    row = {"processor": processor(), "rows": options.rows, "load": load} | {
        key: round(value, 3) for key, value in middle.items()
    }
    report([row], "replan_million", options.save)


if __name__ == "__main__":
    main()
