"""The time of each selection on a pool of a million rows, including verdicts with reasons and margins.

    python -m benchmarks.select_million [--rows 1000000] [--save]

Hashes are random, a tenth of them near-copies of others; a second set has correlated bits, like real hashes.
Memory is the process's high-water mark so far, in MB.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.timing import processor, report
from groundglass.selections.deduplicate import deduplicate
from groundglass.selections.intersect import intersect
from groundglass.selections.keep_drop_lists import drop
from groundglass.selections.quantile import quantile
from groundglass.selections.quota import quota
from groundglass.selections.top_k import top_k
from groundglass.selections.where import where
from groundglass.similarity.near_duplicates import near_duplicate_clusters


def hashes(rows: int, rng: np.random.Generator, correlated: bool) -> np.ndarray:
    """Hashes of which a tenth are copies with up to three other bits."""
    if correlated:
        chances = np.repeat([0.5, 0.4, 0.3, 0.2], 16)
        made = np.zeros(rows, np.uint64)
        for bit, chance in enumerate(chances):
            made |= (rng.random(rows) < chance).astype(np.uint64) << np.uint64(bit)
    else:
        made = rng.integers(0, 2**64, rows, np.uint64)
    copies = rows // 10
    made[:copies] = made[rng.integers(copies, rows, copies)]
    for _ in range(3):
        made[:copies] ^= np.uint64(1) << rng.integers(0, 64, copies).astype(np.uint64)
    return made


def make_pool(rows: int) -> pa.Table:
    """Scores, sizes, groups, a few failures, and hashes."""
    rng = np.random.default_rng(7)
    score = rng.random(rows)
    score[:1000] = np.nan
    phash = hashes(rows, rng, False)
    ids = pa.array([f"{number:020x}" for number in rng.integers(0, 2**63, rows)])
    return pa.table(
        {
            "id": ids,
            "uri": ids,
            "sha256": ids,
            "hyperiqa": score,
            "error:hyperiqa": pa.array(["flat"] * 1000 + [None] * (rows - 1000), pa.string()),
            "blockiness": rng.random(rows) * 60,
            "width": rng.integers(512, 6000, rows),
            "kind": pa.array(rng.choice(["people", "food", "town"], rows)),
            "phash": phash,
            "phash_mirror": np.bitwise_invert(phash),
        }
    )


def timed(name: str, work: Callable[[], Any], repeats: int, load: str) -> dict[str, Any]:
    """The time of the fastest of several calls: the one that other work on the machine disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"selection": name, "seconds": round(min(times), 3), "memory_mb": memory, "calls": repeats} | {
        "load": load
    }


def rows_of(pool: pa.Table) -> list[dict[str, Any]]:
    """One line for each selection."""
    import os

    rng = np.random.default_rng(8)
    skewed = hashes(pool.num_rows, rng, True)
    blank = np.zeros(pool.num_rows, np.uint64)
    bits = np.asarray(pool["phash"].to_numpy(), np.uint64)
    listed = pool["id"].slice(0, 10_000).to_pylist()
    quick: dict[str, Callable[[], Any]] = {
        "where, one condition": lambda: where(pool, "blockiness < 30"),
        "where, three conditions": lambda: where(
            pool, "blockiness < 30 and hyperiqa >= 0.2 and (width > 2000 or kind = 'food')"
        ),
        "top_k": lambda: top_k(pool, 2000, "hyperiqa", "higher"),
        "top_k per group": lambda: top_k(pool, 2000, "hyperiqa", "higher", "kind"),
        "quota": lambda: quota(pool, {"people": 1000, "food": 500}, "kind", "hyperiqa", "higher"),
        "quantile": lambda: quantile(pool, 0.2, "hyperiqa", "higher"),
        "intersect of two quantiles": lambda: intersect(
            pool, [quantile(pool, 0.2, "hyperiqa", "higher"), quantile(pool, 0.2, "blockiness", "lower")]
        ),
        "drop, list of 10,000": lambda: drop(pool, listed),
        "deduplicate exact": lambda: deduplicate(pool, "exact", by="hyperiqa"),
    }
    slow: dict[str, Callable[[], Any]] = {
        "deduplicate near": lambda: deduplicate(pool, "near", by="hyperiqa"),
        "clusters, random hashes": lambda: near_duplicate_clusters(bits, ~bits),
        "clusters, correlated hashes": lambda: near_duplicate_clusters(skewed, ~skewed),
        "clusters, all blank": lambda: near_duplicate_clusters(blank, blank),
    }
    near_duplicate_clusters(bits[:10], bits[:10])  # compiles, or loads what was compiled
    deduplicate(pool.slice(0, 10), "near")
    load = f"{os.getloadavg()[0]:.1f}"
    return [timed(name, work, 5, load) for name, work in quick.items()] + [
        timed(name, work, 1, load) for name, work in slow.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/select_million.csv")
    options = parser.parse_args()
    import duckdb

    about = {
        "rows": options.rows,
        "processor": processor(),
        "duckdb": duckdb.__version__,
        "numpy": np.__version__,
    }
    report([row | about for row in rows_of(make_pool(options.rows))], "select_million", options.save)


if __name__ == "__main__":
    main()
