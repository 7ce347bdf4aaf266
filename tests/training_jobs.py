"""Small jobs for tests of the trainer."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import groundglass
from groundglass.training.job import Job, Steps
from groundglass.training.pool_file import write_pool

SOURCES = Path(groundglass.__file__).parents[1]


def photos(n: int, side: int = 40, seed: int = 0) -> list[np.ndarray]:
    """Smooth random images of different sizes."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(n):
        coarse = random.random((6, 7, 3))
        y = np.linspace(0, 4.999, side + 2 * number)
        x = np.linspace(0, 5.999, side + 6)
        rows = (
            coarse[y.astype(int)] * (1 - y % 1)[:, None, None]
            + coarse[y.astype(int) + 1] * (y % 1)[:, None, None]
        )
        whole = (
            rows[:, x.astype(int)] * (1 - x % 1)[None, :, None]
            + rows[:, x.astype(int) + 1] * (x % 1)[None, :, None]
        )
        found.append((whole * 255).astype(np.uint8))
    return found


def small_job(folder: Path, **changes: Any) -> Job:
    """A job of 12 iterations on four images, two of one unit."""
    folder.mkdir(parents=True, exist_ok=True)
    images = photos(4)
    write_pool(
        folder / "pool.safetensors", [images[:1], images[1:3], images[3:]], [True, True, False], patch=8
    )
    np.savez(folder / "scored.npz", *photos(2, 32, seed=9))
    job = Job(
        pool=folder / "pool.safetensors",
        shares=((0, 1.0), (1, 2.0), (2, 1.0)),
        network="quick",
        scale=2,
        steps=Steps(iterations=12, rate=1e-3, batch=4, patch=8, decay=0.5),
        seed=3,
        out=folder / "out",
        scored=folder / "scored.npz",
        checkpoint_every=4,
    )
    return replace(job, **changes)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"}


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """Begin ``python -m`` with some arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
