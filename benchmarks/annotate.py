"""Answers per second of a server, by the number of images in flight, compared with the limit that its delay sets.

    python -m benchmarks.annotate [--images 200] [--save]

The server is `groundglass.testing.model_server` in a separate process on this machine; it answers after a delay.
The images are 1600 x 1200 px JPEGs, each decoded, scaled down (1024 px), encoded and sent; one question each.
`allowed` is concurrency / delay. `known` is the same step once all answers are in the store.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.timing import report
from groundglass import testing
from groundglass.calls.ledger import read_lines
from groundglass.engines.progress import Silent
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.runs.run import RunOptions, Talk, run_plan
from groundglass.testing.model_server import ModelServer

RECIPE = """
name: described
steps:
  - source: {{folder: {photos}}}
  - annotate: {{model: {{openai: some-model, base_url: "{url}"}}, ask: caption, concurrency: {concurrency}}}
    name: asked
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/annotate.csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder) / "photos", options.images)
        rows = [
            measured(Path(folder) / f"{delay}-{concurrency}", photos, options.images, delay, concurrency)
            for delay, concurrency in ((0.0, 1), (0.0, 8), (1.0, 8), (1.0, 32))
        ]
    report(rows, "annotate", options.save)


def make_photos(folder: Path, count: int) -> Path:
    folder.mkdir()
    for seed in range(count):
        image = testing.jpeg(testing.photo(1600, 1200, seed % 20), quality=80 + seed // 20)
        (folder / f"{seed}.jpg").write_bytes(image)
    return folder


def measured(folder: Path, photos: Path, images: int, delay: float, concurrency: int) -> dict[str, Any]:
    """The time from the first call to the end of the last by the ledger, and of the whole step again from the store."""
    folder.mkdir()
    with served(delay) as url:
        recipe = folder / "described.yaml"
        recipe.write_text(RECIPE.format(photos=photos, url=url, concurrency=concurrency))
        plan = make_plan(load_recipe(recipe))
        first, known = (run_plan(plan, RunOptions(folder / "runs"), quiet()) for _ in range(2))
    times = [line["time"] for line in read_lines(first[0].calls("asked"))]
    seconds = max(times) - min(times)
    return {
        "delay_s": delay,
        "concurrency": concurrency,
        "pictures": images,
        "calls": first[1].steps[-1].facts["calls"],
        "seconds": round(seconds, 2),
        "answers_per_s": round(images / seconds, 1),
        "allowed_per_s": round(concurrency / delay, 1) if delay else None,
        "known_seconds": round(known[1].steps[-1].seconds, 3),
    }


def quiet() -> Talk:
    return Talk(lambda _title: Silent())


@contextmanager
def served(delay: float) -> Iterator[str]:
    """A server in a separate process."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there, delay), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def serve(line: Any, delay: float) -> None:
    with ModelServer(lambda _: "slow" if delay else "", seconds=delay) as server:
        line.send(server.url)
        line.recv()


if __name__ == "__main__":
    main()
