"""A small folder of images, a recipe for it, and helpers that look at a run."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from groundglass import testing
from in_process import run_here
from patience import STOPS_A_HANG, wait_until

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [header, blockiness, sharpness, fingerprint]
    name: scores
  - select: {where: "blockiness < 30"}
    name: clean
  - select: {deduplicate: near, by: tenengrad}
    name: unique
  - select: {top_k: 8, by: tenengrad}
    name: best
  - hold_out: {validation: {next: 3, by: tenengrad, pick: 1}}
    name: held
  - transform: {tile: 64}
    name: tiles
  - measure: [sharpness]
    name: tile-scores
  - select: {quantile: 20%, by: tenengrad}
    name: detailed
  - release: {format: paired, lr_scales: [2], validation_lr: {scales: [2], kernel: box}}
    name: release
"""

UNSAID = ("COLUMNS", "LINES", "GROUNDGLASS_ENGINE")
"""What pytest-xdist says of a terminal that no command has here, and what whoever runs the tests says of engines."""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in UNSAID},
    "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
}


@lru_cache(maxsize=256)
def picture(width: int, height: int, seed: int) -> bytes:
    """A PNG of something like a photograph, made once a process."""
    return testing.png(testing.photo(width, height, seed))


def make_photos(folder: Path, count: int = 14, size: tuple[int, int] = (160, 130)) -> Path:
    """Different images: one blocky, one twice, one mirrored, one truncated, and a page named like an image."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        (folder / f"{seed:02d}.png").write_bytes(picture(*size, seed))
    (folder / "blocky.jpg").write_bytes(testing.jpeg(testing.photo(*size, 100), quality=20))
    (folder / "twice.png").write_bytes((folder / "00.png").read_bytes())
    (folder / "mirrored.png").write_bytes(testing.png(testing.photo(*size, 1)[:, ::-1]))
    (folder / "broken.png").write_bytes((folder / "02.png").read_bytes()[:9000])
    (folder / "page.jpg").write_text("no picture")
    return folder


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from groundglass.cli.main import main; main()", *arguments]


def groundglass(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command says and does in a folder, as a user would see it; in this process (`in_process.py`)."""
    return run_here(folder, arguments, ENVIRONMENT | environment)


def groundglass_process(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The same as a real process with the local engine's workers: for what is about processes."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
        preexec_fn=heeds_control_c,
    )


def heeds_control_c() -> None:
    """For a child: Ctrl-C works in it although the tests may run in the background, where it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_json(folder: Path, *arguments: str) -> dict[str, Any]:
    """`groundglass run … --json`, which must end well."""
    return _answer(groundglass(folder, "run", *arguments, "--json"))


def run_json_process(folder: Path, *arguments: str) -> dict[str, Any]:
    """The same as a real process with workers."""
    return _answer(groundglass_process(folder, "run", *arguments, "--json"))


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def steps(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in result["steps"]}


def tables(run: Path) -> dict[str, Any]:
    """Every table of a run, as plain rows, and the checksums of its release: what two equal runs share."""
    found: dict[str, Any] = {}
    for path in sorted(run.glob("*/**/*.parquet")):
        if "images" in path.parts or "selections" in path.parts or "derived" in path.parts:
            found[str(path.relative_to(run))] = pq.read_table(path).to_pylist()
    found["sums"] = (run / "release" / "SHA256SUMS").read_text()
    found["lock"] = (run / "recipe.lock").read_text()
    return found


def store_rows(run: Path) -> dict[str, list[tuple[str, str]]]:
    """The identities in every measure's parts."""
    found: dict[str, list[tuple[str, str]]] = {}
    for folder in sorted((run.parent / "store" / "measures").iterdir()):
        rows = [row for part in folder.glob("part-*.parquet") for row in pq.read_table(part).to_pylist()]
        found[folder.name] = sorted((row["sha256"], row["region"]) for row in rows)
    return found


def fingerprint_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Content and time of every file: the user's own must never change."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def files_of(folder: Path) -> int:
    """How many files the runs in a folder have made so far: how far they are, on any machine."""
    return sum(len(names) for _, _, names in os.walk(folder / "runs"))


def kill_at(folder: Path, files: float, *arguments: str, mark: str) -> bool:
    """Start a run and kill -9 its driver once it has made so many files; whether it was still at work then."""
    return kill_when(folder, lambda: files_of(folder) >= files, *arguments, mark=mark)


def kill_when(folder: Path, ready: Callable[[], bool], *arguments: str, mark: str) -> bool:
    """Start a run and kill -9 its driver at a moment; whether it was still at work then. Leaves no process behind."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=ENVIRONMENT | {"GROUNDGLASS_TEST_MARK": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: ready() or process.poll() is not None)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not marked(mark), "the end of every process")
    return alive


def marked(mark: str) -> list[psutil.Process]:
    """Processes that carry a mark in their environment."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("GROUNDGLASS_TEST_MARK") == mark
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found
