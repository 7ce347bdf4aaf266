"""The report of 10,000 images: the time to make and to open it, its memory, and how smoothly it scrolls.

    python -m benchmarks.report_10000 [--rows 10000] [--save]

The run is invented (benchmarks/made_run.py): tables, store and 256-px thumbnails like those of a real run. Making the
report is timed in a fresh process, imports included. Opening is timed by the page itself, from the start of loading
until it can be used; memory is the unique set size of the page's process beyond that of an empty page; frames are
timed while the page scrolls by half a screen's height each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.made_run import make_run
from benchmarks.timing import processor, report

OPENED = 5
"""How often the page is opened; the median counts."""

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
FRAMES = """async () => {
  const times = [];
  let last = performance.now();
  for (let n = 0; n < 240; n++) {
    scrollBy(0, n < 120 ? innerHeight / 2 : -innerHeight / 2);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times.sort((a, b) => a - b);
}"""


def build(run: Path) -> dict[str, float]:
    """Make the report in a fresh process: seconds, its peak memory, and its size on disk."""
    code = (
        "import json, sys, time\n"
        "start = time.perf_counter()\n"
        "from pathlib import Path\n"
        "from groundglass.plans.run_folder import RunFolder\n"
        "from groundglass.reports.read_run import read_facts\n"
        "from groundglass.reports.render import render_report\n"
        "folder = RunFolder(Path(sys.argv[1]))\n"
        "facts = read_facts(folder)\n"
        "read = time.perf_counter()\n"
        "render_report(facts, folder.report)\n"
        "done = time.perf_counter()\n"
        "status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())\n"
        "peak = int(status['VmHWM'].split()[0]) / 1e3\n"
        "print(json.dumps({'shown': len(facts.rows), 'read_s': read - start,\n"
        "                  'build_s': done - start, 'peak_mb': peak}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True)
    files = [path for path in (run / "report").rglob("*") if path.is_file()]
    size = {"files": len(files), "disk_mb": sum(path.stat().st_size for path in files) / 1e6}
    return json.loads(done.stdout) | size


def open_page(page_file: Path) -> dict[str, float]:
    """Open the report in a headless browser and scroll through it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto("about:blank")
        empty = _memory_mb(browser)
        opened = [_opened(page, page_file) for _ in range(OPENED)]
        page.wait_for_timeout(500)
        memory = _memory_mb(browser) - empty
        frames: list[float] = page.evaluate(FRAMES)
        after = _memory_mb(browser) - empty
        browser.close()
    return {
        "open_ms": statistics.median(opened),
        "page_mb": memory,
        "scrolled_mb": after,
        "frame_ms": statistics.median(frames),
        "frame_95_ms": frames[int(0.95 * len(frames))],
        "frame_max_ms": frames[-1],
    }


def _opened(page: Any, page_file: Path) -> float:
    """ms from the start of loading until the page says that it can be used."""
    page.goto("about:blank")
    page.goto(page_file.as_uri())
    while not page.evaluate("document.documentElement.dataset.ready"):
        time.sleep(0.01)
    return float(page.evaluate("document.documentElement.dataset.ready"))


def _memory_mb(browser: Any) -> float:
    """The unique set size of the largest page process of this browser, MB."""
    import psutil

    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    pages = [psutil.Process(entry["id"]) for entry in found if entry["type"] == "renderer"]
    return max(process.memory_full_info().uss for process in pages) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = make_run(Path(name), options.rows, min(options.rows, 12_000))
        figures = build(run) | open_page(run / "report" / "index.html")
    row = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "rows": options.rows,
    } | {key: round(value, 2) for key, value in figures.items()}
    report([row], f"report_{options.rows}", options.save)


if __name__ == "__main__":
    main()
