"""The share of a network's own speed that the whole path keeps: photographs on disk, 512 px tiles, values in the store.

HyperIQA with random weights, which take as long as trained ones. Each photograph is a JPEG of six tiles. `path` is
`run_job` from the first decode to the last saved part, without the time that workers take to start and load (the time
of one tile is subtracted); `forward` is the network alone on prepared crops, in as many processes, one thread each.

    python -m benchmarks.networks [--workers N] [--photographs N] [--crops N …] [--save]
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.timing import processor, report
from groundglass import testing
from groundglass.engines.local import run_job
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
from groundglass.files.hashes import sha256_of
from groundglass.image.header import ImageLimits
from groundglass.measures.hyperiqa import MEASURE, load, prepare
from groundglass.measures.measure_job import Photograph, ask_of
from groundglass.measures.network_job import jobs_of
from groundglass.models.architectures.hyperiqa import shapes
from groundglass.models.scorer import Place

TILE = 512
TILES = tuple(f"crop({x},{y},{TILE},{TILE})" for y in (0, TILE) for x in (0, TILE, 2 * TILE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--photographs", type=int, default=8)
    parser.add_argument("--crops", type=int, nargs="+", default=[25, 1])
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for crops in options.crops:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(Path(folder), options.workers, options.photographs, crops))
    report(rows, "networks", options.save)


def measured(folder: Path, workers: int, photographs: int, crops: int) -> dict[str, object]:
    """Tiles per second on the whole path and of the network alone, and the ratio of the two."""
    weights = random_weights(folder / "hyper.safetensors")
    items = [photograph(folder / f"{seed}.jpg", seed) for seed in range(photographs)]
    start = path_seconds(folder / "first", weights, items[:1], 1, crops, TILES[:1])
    alone = forward_seconds(weights, 1, 1, crops)
    path = path_seconds(folder / "all", weights, items, workers, crops, TILES) - (start - alone)
    tiles = photographs * len(TILES)
    forward = forward_seconds(weights, workers, tiles // workers, crops)
    return {
        "network": "HyperIQA, random weights", "crops": crops, "workers": workers, "tiles": tiles,
        "starting_s": round(start - alone, 2), "path_s": round(path, 2), "forward_s": round(forward, 2),
        "path_tiles/s": round(tiles / path, 3), "forward_tiles/s": round(tiles / forward, 3),
        "path/forward": round(forward / path, 3), "processor": processor(),
    }  # fmt: skip


def random_weights(path: Path) -> Path:
    """A file with the network's names and shapes."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    made = {name: torch.randn(shape) * 0.02 for name, shape in shapes().items()}
    made |= {name: torch.ones(shape) for name, shape in shapes().items() if name.endswith("running_var")}
    save_file(made, path)
    return path


def photograph(path: Path, seed: int) -> Photograph:
    data = testing.jpeg(testing.photo(3 * TILE, 2 * TILE, seed), 90)
    path.write_bytes(data)
    return Photograph(bytes(path), sha256_of(data), len(data), path.stat().st_mtime_ns, ())


def path_seconds(
    store: Path, weights: Path, items: Sequence[Photograph], workers: int, crops: int, tiles: Sequence[str]
) -> float:
    """From the first decode to the last saved part, the start of workers included."""
    told = {"weights": str(weights), "device": "cpu", "crops": crops}
    ((job, settings),) = jobs_of([ask_of(MEASURE, told)], store, ImageLimits(), Settings(workers, 3600.0))
    job = type(job)(job.asks, store, job.limits)  # one thread per worker, however few there are
    wanted = tuple((tile, (0,)) for tile in tiles)
    whole = [Photograph(one.path, one.sha256, one.bytes, one.mtime_ns, wanted) for one in items]
    begun = perf_counter()
    totals = run_job(job, whole, settings, Silent())
    assert not totals.failed, totals.failed
    return perf_counter() - begun


def forward_seconds(weights: Path, workers: int, tiles: int, crops: int) -> float:
    """The time of the slowest of several processes that only run the network."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return max(pool.starmap(_ask, [(weights, tiles, crops)] * workers, chunksize=1))


def _ask(weights: Path, tiles: int, crops: int) -> float:
    import torch

    from groundglass.image.frame import open_frame

    torch.set_num_threads(1)
    scorer = load(weights, Place(), crops)
    prepared = prepare(open_frame(testing.png(testing.photo(TILE, TILE))), crops, False)
    pixels = np.stack([prepared.pixels])
    scorer.score(pixels, [prepared.about])
    begun = perf_counter()
    for _ in range(tiles):
        scorer.score(pixels, [prepared.about])
    return perf_counter() - begun


if __name__ == "__main__":
    main()
