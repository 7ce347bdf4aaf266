"""The saving and the cost of a cascade: calls of the costly measure, recall reached, wall time.

    python -m benchmarks.cascade [--seeds 40] [--workers 2] [--save]

Rows are tiles of 128 px (for the times 256 px) of the real photographs in the shared test data. The costly rule keeps
the best 30 % by its column, so every verdict of a cascade can be compared with the exact one. Cheap and costly measures
are classical ones: their relation is real, but they cost less than a network, so the number of calls counts. Wall time,
from an empty store and with sources, tiles and cheap measure included, is shown for `resolution`, the slowest of the
classical measures, and for `complexity` with a pause of 50 ms per tile, as a network keeps a worker waiting.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from benchmarks.slow_measure import SECONDS, SLOW
from benchmarks.timing import DATA, processor, report
from groundglass.engines.progress import Silent
from groundglass.measures.catalog import MEASURES
from groundglass.plans.run_folder import RunFolder, RunRecord
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.runs.run import RunOptions, Talk, run_plan

FOLDERS = ("train_photos", "large_4k", "low_quality")
TILE, TIMED_TILE = 128, 256
KEPT = 0.3
WISHES = (0.9, 0.95, 0.99)


class Pair(NamedTuple):
    """A cheap column and a costly one, each with its measure."""

    cheap: str
    by: str
    costly: str
    column: str


PAIRS = (
    Pair("sharpness", "tenengrad", "resolution", "upscaled_score"),
    Pair("sharpness", "tenengrad", "complexity", "glcm_entropy"),
    Pair("exposure", "contrast", "complexity", "entropy"),
    Pair("objects_fast", "objects_fast", "complexity", "compression_ratio"),
    Pair("exposure", "mean_luma", "complexity", "compression_ratio"),
)


def recipe_text(pair: Pair, rule: str, cascade: str, exact: bool, tile: int = TILE) -> str:
    folders = ", ".join(str(DATA / name) for name in FOLDERS)
    measures = f"[{pair.cheap}, {pair.costly}]" if exact else f"[{pair.cheap}]"
    return (
        f"name: {'exact' if exact else 'cascade'}\nstore: store\nsteps:\n"
        f"  - source: {{folder: [{folders}]}}\n  - transform: {{tile: {tile}}}\n  - measure: {measures}\n"
        f'  - select: {{where: "{rule}"{cascade}}}\n    name: rule\n'
    )


def run(folder: Path, text: str, workers: int, *sets: str) -> tuple[RunFolder, RunRecord, float]:
    path = folder / "recipe.yaml"
    path.write_text(text)
    sets = (*sets, f"store={folder / 'store'}")
    plan = make_plan(load_recipe(path, sets))
    start = time.perf_counter()
    done, record = run_plan(plan, RunOptions(folder / "runs", workers), Talk(lambda _title: Silent()))
    return done, record, time.perf_counter() - start


def kept_of(done: RunFolder) -> set[str]:
    table = pq.read_table(done.verdicts("rule"))
    return set(table.filter(table["kept"])["id"].to_pylist())


def rule_of(folder: Path, pair: Pair, workers: int) -> str:
    """The rule that keeps the best 30 %; measures every tile."""
    ways = MEASURES[pair.costly].columns[pair.column].better
    sign, share = ("<=", KEPT) if ways == "lower" else (">=", 1 - KEPT)
    run(folder, recipe_text(pair, f"{pair.column} is not null", "", exact=True), workers)
    values = pq.read_table(next((folder / "store" / "measures").glob(f"{pair.costly}-*")))[pair.column]
    return f"{pair.column} {sign} {np.nanquantile(values.to_numpy(), share):.4g}"


def calls(folder: Path, pair: Pair, seeds: int, workers: int) -> Iterator[dict[str, Any]]:
    """Many seeds on a store that holds everything: only the rows that would have been measured count."""
    rule = rule_of(folder, pair, workers)
    wanted = kept_of(run(folder, recipe_text(pair, rule, "", exact=True), workers)[0])
    for wish in WISHES:
        text = recipe_text(pair, rule, f", cascade: {{by: {pair.by}, recall: {wish}}}", exact=False)
        facts: list[dict[str, Any]] = []
        recalls: list[float] = []
        for seed in range(seeds):
            done, record, _ = run(folder, text, workers, f"seed={seed}")
            facts.append(dict(record.steps[-1].facts["cascade"]))
            recalls.append(len(kept_of(done) & wanted) / len(wanted))
        yield {
            "by": pair.by,
            "rule": rule,
            "tiles": facts[0]["rows"],
            "recall wished": wish,
            "seeds": seeds,
            "sampled": round(statistics.median(fact["sampled"] / fact["rows"] for fact in facts), 3),
            "measured": round(statistics.median(fact["measured"] / fact["rows"] for fact in facts), 3),
            "calls saved": round(statistics.median(fact["unseen"] / fact["rows"] for fact in facts), 3),
            "recall": round(statistics.mean(recalls), 4),
            "least recall": round(min(recalls), 4),
            "below wish": sum(recall < wish for recall in recalls),
            "below bound": sum(
                recall < fact["recall_low"] for recall, fact in zip(recalls, facts, strict=True)
            ),
        }


def times(pair: Pair, rule: str, sleep: float, workers: int) -> dict[str, Any]:
    """From empty stores, three times each in turn: the medians."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    saved = 0.0
    for _ in range(3):
        for exact in (True, False):
            with tempfile.TemporaryDirectory(prefix="groundglass-cascade-") as name:
                cascade = "" if exact else f", cascade: {{by: {pair.by}, recall: 0.95}}"
                text = recipe_text(pair, rule, cascade, exact, TIMED_TILE)
                _, record, seconds = run(Path(name), text, workers)
            spent[exact].append(seconds)
            if not exact:
                facts = record.steps[-1].facts["cascade"]
                saved = facts["unseen"] / facts["rows"]
    whole, ours = (statistics.median(spent[exact]) for exact in (True, False))
    return {
        "by": pair.by,
        "rule": rule,
        "sleep, s": sleep,
        "calls saved": round(saved, 3),
        "seconds, all measured": round(whole, 1),
        "seconds, cascade": round(ours, 1),
        "ratio": round(ours / whole, 3),
        "workers": workers,
        "processor": processor(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/cascade*.csv")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="groundglass-cascade-") as name:
        for pair in PAIRS:
            rows += calls(Path(name), pair, options.seeds, options.workers)
    report(rows, "cascade", options.save)
    rules = {row["rule"].split()[0]: row["rule"] for row in rows}
    MEASURES[SLOW.name] = SLOW
    slept = Pair("exposure", "contrast", SLOW.name, "slow_entropy")
    timed = [
        times(PAIRS[0], rules["upscaled_score"], 0.0, options.workers),
        times(slept, f"slow_{rules['entropy']}", SECONDS, options.workers),
    ]
    report(timed, "cascade_time", options.save)


if __name__ == "__main__":
    main()
