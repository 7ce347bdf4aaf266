"""Training beside a bare PyTorch loop of the same network, batch and patch, and beside the core's own sgemm.

All in one process of one thread, in turns, by processor time: other work on the machine then counts little. Then two
processes at once beside one, by processor and by wall time. The wall time is of use on a quiet machine only, so the
load is in the table. `python -m benchmarks.training_speed [--save]`
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.timing import processor, report
from groundglass.training.compact import Compact
from groundglass.training.train import TRAININGS, Pool, Recipe, make_pool, train

ITERATIONS = 20
IMAGES = 100
SIDE = 1024
"""Side of the matrices that sgemm multiplies."""


def random_pool(patch: int) -> Pool:
    random = np.random.default_rng(0)
    return make_pool([random.integers(0, 256, (320, 480, 3), np.uint8) for _ in range(IMAGES)], patch)


def flops(recipe: Recipe) -> int:
    """Floating-point operations of one iteration, forward and backward; a multiplication and its addition are two."""
    network, lr = Compact(recipe.size), torch.zeros(recipe.batch, 3, recipe.patch, recipe.patch)
    with FlopCounterMode(display=False) as counter:
        network(lr).sum().backward()
    return counter.get_total_flops()


class Loops:
    """Our loop, a bare one and sgemm; each call gives the processor seconds of one iteration or product."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = Recipe(recipe.size, ITERATIONS, recipe.rate, recipe.batch, recipe.patch, recipe.decay)
        self.pool, self.shares = random_pool(recipe.patch), np.ones(IMAGES)
        self.network = Compact(recipe.size)
        self.bare_network = Compact(recipe.size)
        self.optimizer = torch.optim.Adam(self.bare_network.parameters(), recipe.rate, fused=True)
        self.batch = self.pool.batch(self.shares, recipe, np.random.default_rng(0))
        self.matrices = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)

    def ours(self) -> float:
        began = time.thread_time()
        train(self.network, self.pool, self.shares, self.recipe, 0)
        return (time.thread_time() - began) / ITERATIONS

    def bare(self) -> float:
        lr, hr = self.batch
        began = time.thread_time()
        for _ in range(ITERATIONS):
            self.optimizer.zero_grad(set_to_none=True)
            functional.l1_loss(self.bare_network(lr), hr).backward()
            self.optimizer.step()
        return (time.thread_time() - began) / ITERATIONS

    def sgemm(self) -> float:
        one, other = self.matrices
        began = time.thread_time()
        for _ in range(10):
            torch.mm(one, other)
        return (time.thread_time() - began) / 10


def alone(preset: str, rounds: int) -> dict[str, Any]:
    """One process: speeds by processor time, medians of the rounds' ratios."""
    torch.set_num_threads(1)
    recipe = TRAININGS[preset]
    loops, work = Loops(recipe), flops(recipe)
    for warm in (loops.ours, loops.bare, loops.sgemm):
        warm()
    turns = [(loops.ours(), loops.bare(), loops.sgemm()) for _ in range(rounds)]
    ours, bare, sgemm = (median(column) for column in zip(*turns, strict=True))
    gemm_rate = 2 * SIDE**3 / sgemm / 1e9
    return {
        "preset": preset,
        "parameters": sum(value.numel() for value in loops.network.parameters()),
        "gflop_an_iteration": round(work / 1e9, 2),
        "ours_it_a_cpu_s": round(1 / ours, 2),
        "bare_it_a_cpu_s": round(1 / bare, 2),
        "ours_by_bare": round(median(b / o for o, b, _ in turns), 3),
        "ours_gflops": round(work / ours / 1e9, 1),
        "sgemm_gflops": round(gemm_rate, 1),
        "ours_by_sgemm": round(median(work / o / (2 * SIDE**3 / s) for o, _, s in turns), 3),
    }


def _worker(preset: str, line: Connection) -> None:
    """Train once for every message; give the processor and wall seconds."""
    torch.set_num_threads(1)
    loops = Loops(TRAININGS[preset])
    loops.ours()
    line.send(None)
    while line.recv():
        began = time.monotonic()
        line.send((loops.ours() * ITERATIONS, time.monotonic() - began))


def together(preset: str, rounds: int) -> dict[str, Any]:
    """One process, then two at once, in turns: by how much they slow each other down."""
    context = multiprocessing.get_context("spawn")
    lines: list[Connection] = []
    for _ in range(2):
        ours, theirs = context.Pipe()
        context.Process(target=_worker, args=(preset, theirs), daemon=True).start()
        lines.append(ours)
    for line in lines:
        line.recv()
    cpu: list[float] = []
    wall: list[float] = []
    for number in range(rounds):
        found: list[list[tuple[float, float]]] = []
        for some in ([lines[number % 2]], lines):
            for line in some:
                line.send(True)
            found.append([line.recv() for line in some])
        (one,), two = found
        cpu.append(one[0] / np.mean([seconds for seconds, _ in two]))
        wall.append(one[1] / max(seconds for _, seconds in two))
    for line in lines:
        line.send(False)
    return {"two_by_one_cpu": round(median(cpu), 3), "two_by_one_wall": round(median(wall), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for preset in TRAININGS:
        load = os.getloadavg()[0]
        row = {**alone(preset, asked.rounds), **together(preset, asked.rounds)}
        about = {
            "load": round(load, 1),
            "cores": os.cpu_count(),
            "torch": torch.__version__,
            "cpu": processor(),
        }
        rows.append({**row, **about})
    report(rows, "training_speed", asked.save)


if __name__ == "__main__":
    main()
