"""The time from a key to the next image on the rating page, compared with a bare page that swaps two decoded images.

    python -m benchmarks.rating_screen [--presses 60] [--rounds 3] [--save]

A real server on loopback serves a study of 4-megapixel images. A time lasts from the key's own time stamp until the
start of the frame after the one that shows the other image: by then, all work of the browser for that frame is done.
Both pages are measured in turns in one browser, so a busy machine slows both alike. On the rating page the key is an
answer: the vote is stored, the next image shown, and the vote sent. The aims are a median of 40 ms, a 95th percentile
of 80 ms, and at most 1.5 times the bare page, on a quiet machine; the table has the load.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.study_server import links, served
from benchmarks.timing import processor, report

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
WIDE, HIGH = 2464, 1640
VIEWPORT = {"width": 1600, "height": 900}
LOOK = 500
"""ms that a rater looks at an image at least; the key comes when the next image is loaded and decoded."""
RECIPE = """
name: screen
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [header]
"""
WATCH = """(shown) => {
  window.times = [];
  addEventListener("keydown", (event) => {
    const start = event.timeStamp, before = shown();
    const frame = () => {
      if (shown() === before) requestAnimationFrame(frame);
      else requestAnimationFrame(() => requestAnimationFrame(() => window.times.push(performance.now() - start)));
    };
    setTimeout(frame, 0);
  }, true);
}"""
"""Measures a page; ``shown`` says which image is on the screen."""
BARE = """<!doctype html><style>
  body { margin: 0; background: #767676; overflow: hidden }
  img { position: absolute; left: 0; top: 0; width: 100vw; height: 100vh; object-fit: contain }
  body[data-now="1"] #a, body[data-now="0"] #b { visibility: hidden }
</style><body data-now="0"><img id="a" src="photos/0000.png"><img id="b" src="photos/0001.png">
<script>
  addEventListener("keydown", () => { document.body.dataset.now = 1 - document.body.dataset.now; });
  Promise.all([a.decode(), b.decode()]).then(() => { document.body.dataset.ready = ""; });
</script>"""


def make_images(folder: Path, count: int) -> Path:
    """A run of `count` images of 4 megapixels, and a study of them."""
    from groundglass import testing
    from groundglass.cli.main import groundglass

    (folder / "photos").mkdir()
    for seed in range(count):
        (folder / "photos" / f"{seed:04d}.png").write_bytes(testing.png(testing.photo(WIDE, HIGH, seed)))
    (folder / "screen.yaml").write_text(RECIPE)
    (folder / "study.yaml").write_text(
        "protocol: acr\nvotes: 1000\npause: 100000\nchecks: {training: 0, trap: 0, repeat: 0}\n"
    )
    (folder / "bare.html").write_text(BARE)
    with contextlib.chdir(folder), contextlib.redirect_stdout(None):
        groundglass.main(["run", "screen.yaml"], standalone_mode=False)
    return folder / "runs" / "screen" / "0001"


def pressed(page: Any, presses: int, keys: str) -> list[float]:
    """Milliseconds of each key; the first two are not counted."""
    page.evaluate("window.times.length = 0")
    for number in range(presses + 2):
        page.wait_for_timeout(LOOK)
        page.wait_for_selector("body:not([data-ahead='0'])", state="attached")
        page.keyboard.press(keys[number % len(keys)])
    page.wait_for_timeout(LOOK)
    return page.evaluate("window.times")[2:]


def open_pages(browser: Any, folder: Path, link: str) -> dict[str, tuple[Any, str]]:
    """The two pages, ready to be pressed."""
    bare = browser.new_page(viewport=VIEWPORT)
    bare.goto((folder / "bare.html").as_uri())
    bare.wait_for_selector("body[data-ready]", state="attached")
    bare.evaluate(f"({WATCH})(() => document.body.dataset.now)")
    rating = browser.new_page(viewport=VIEWPORT)
    rating.goto(link)
    rating.wait_for_selector("[data-state=begin]", state="attached")
    rating.keyboard.press("Enter")
    rating.wait_for_selector("body[data-trial]", state="attached")
    rating.evaluate(f"({WATCH})(() => document.body.dataset.trial)")
    rating.wait_for_timeout(2000)
    return {"bare page": (bare, " "), "rating page": (rating, "12345")}


def measured(folder: Path, link: str, options: argparse.Namespace) -> list[dict[str, object]]:
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {}
    loads: list[float] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        pages = open_pages(browser, folder, link)
        for _ in range(options.rounds):
            for name, (page, keys) in pages.items():
                page.bring_to_front()
                times.setdefault(name, []).extend(pressed(page, options.presses // options.rounds, keys))
                loads.append(os.getloadavg()[0])
        browser.close()
    medians = {name: statistics.median(found) for name, found in times.items()}
    return [
        {
            "page": name,
            "presses": len(found),
            "median_ms": f"{medians[name]:.1f}",
            "p95_ms": f"{float(np.percentile(found, 95)):.1f}",
            "times_bare": f"{medians[name] / medians['bare page']:.2f}",
            "load": f"{statistics.median(loads):.1f}",
            "cores": os.cpu_count(),
            "cpu": processor(),
        }
        for name, found in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write results/rating_screen.csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, study = make_images(folder, options.presses + 3 * options.rounds), folder / "study.yaml"
        with served(run, study, None) as base:
            [link] = links(run, study, 1, None)
            report(measured(folder, link.replace("{base}", base), options), "rating_screen", options.save)


if __name__ == "__main__":
    main()
