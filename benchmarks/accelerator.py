"""The trainer on this machine's GPU: speed, precision, continued trainings, several GPUs.

Needs `src/groundglass/__init__.py`, `src/groundglass/training`, torch, numpy and safetensors, and about eight minutes:
`PYTHONPATH=src python benchmarks/accelerator.py OUT [--pool POOL.safetensors --scored SCORED.npz]`. Without a pool it
makes smooth random images. Every part is written to OUT/accelerator.json when it is done, so a stop loses one part.
`--small` tries the script itself, on a CPU too; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from groundglass.training.job import WEIGHTS, Job, Steps
from groundglass.training.networks import make_network
from groundglass.training.pool_file import open_pool, write_pool
from groundglass.training.train import score
from groundglass.training.trainer import Training, World, joined, run_job


@dataclass(frozen=True)
class Extent:
    """How much is done: networks, their batch and LR patch, iterations of a speed's turn and of a whole training."""

    networks: tuple[str, ...]
    batch: int
    patch: int
    turn: int
    whole: int
    matrix: int
    images: int


FULL = Extent(("quick", "msrresnet", "edsr", "edsr_large"), 16, 48, 60, 2000, 8192, 64)
SMALL = Extent(("quick",), 4, 12, 2, 12, 256, 4)
PRECISIONS = ("float32", "bfloat16", "float16")


def smooth_images(n: int, side: int, seed: int) -> list[np.ndarray]:
    """Random images of many scales of detail, H x W x 3 uint8."""
    random = torch.Generator().manual_seed(seed)
    found: list[np.ndarray] = []
    for _ in range(n):
        whole = torch.zeros(1, 3, side, side)
        for cells in (4, 12, 36, 108):
            layer = torch.rand(1, 3, cells, cells, generator=random) - 0.5
            whole += functional.interpolate(layer, (side, side), mode="bicubic") * 6 / cells**0.7
        found.append((whole[0].permute(1, 2, 0).sigmoid() * 255).to(torch.uint8).numpy())
    return found


def synchronized(device: torch.device) -> float:
    """The time when all work of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()


def seconds(work: Callable[[], Any], times: int, device: torch.device) -> float:
    began = synchronized(device)
    for _ in range(times):
        work()
    return (synchronized(device) - began) / times


def matrix_rate(side: int, dtype: torch.dtype, device: torch.device) -> float:
    """TFLOP a second of a product of square matrices."""
    one = torch.randn(side, side, device=device, dtype=dtype)
    torch.mm(one, one)
    return 2 * side**3 / seconds(lambda: torch.mm(one, one), 10, device) / 1e12


def speeds(job: Job, extent: Extent, world: World) -> list[dict[str, Any]]:
    """Iterations a second of our loop and of a bare one with a batch that is always on the device, in turns."""
    rows: list[dict[str, Any]] = []
    for network in extent.networks:
        for precision in PRECISIONS:
            if precision == "float16" and world.device.type == "cpu":
                continue
            training = Training(replace(job, network=network, precision=precision), "speed", world)
            lr, hr = training.patches()
            with FlopCounterMode(display=False) as counter:
                training.loss(lr, hr).backward()
            bare = _bare(training, lr.float().div_(255), hr.float().div_(255))
            for warm in (training.step, bare):
                seconds(warm, max(2, extent.turn // 6), world.device)
            turns = [
                (seconds(training.step, extent.turn, world.device), seconds(bare, extent.turn, world.device))
                for _ in range(3)
            ]
            ours = median(one for one, _ in turns)
            rate = counter.get_total_flops() / ours / 1e12
            peak = matrix_rate(extent.matrix, training.dtype, world.device)
            rows.append(
                {
                    "network": network,
                    "precision": precision,
                    "batch": extent.batch,
                    "patch": extent.patch,
                    "ours_it_s": round(1 / ours, 2),
                    "bare_it_s": round(1 / median(other for _, other in turns), 2),
                    "ours_by_bare": round(median(other / one for one, other in turns), 3),
                    "tflops": round(rate, 3),
                    "by_matrix_product": round(rate / peak, 3),
                }
            )
    return rows


def _bare(training: Training, lr: torch.Tensor, hr: torch.Tensor) -> Callable[[], None]:
    """An iteration as anybody would write it."""
    network, optimizer, scaler = training.network, training.optimizer, training.scaler

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        mixed = training.dtype != torch.float32
        with torch.autocast(lr.device.type, training.dtype, enabled=mixed):
            restored = network(lr)
        scaler.scale(functional.l1_loss(restored.float(), hr)).backward()
        scaler.step(optimizer)
        scaler.update()

    return step


def against_the_cpu(job: Job, world: World) -> dict[str, Any]:
    """The same first iterations in float32 on the device and on a CPU: how far the losses are from each other."""
    losses: list[list[float]] = []
    for place in (world, World(0, 1, torch.device("cpu"))):
        training = Training(replace(job, network="quick", precision="float32"), "cpu", place)
        losses.append([float(training.step()) for _ in range(10)])
    return {"largest_difference": float(np.abs(np.subtract(*losses)).max()), "loss": losses[0][-1]}


class Stopped(Exception):
    """The training is stopped, as by a kill."""


def precisions(job: Job, world: World) -> list[dict[str, Any]]:
    """Whole trainings in each precision: scores, speed with checkpoints, and one that was stopped in the middle."""
    rows: list[dict[str, Any]] = []
    half = job.steps.iterations // 2

    def stop(iteration: int, _loss: float) -> None:
        if iteration >= half:
            raise Stopped

    for name, precision in (*zip(PRECISIONS, PRECISIONS, strict=True), ("bfloat16, stopped", "bfloat16")):
        if precision == "float16" and world.device.type == "cpu":
            continue
        one = replace(job, precision=precision, out=job.out / name.replace(", ", "-"))
        if name.endswith("stopped"):
            with suppress(Stopped):
                run_job(replace(one, checkpoint_every=max(1, half // 3)), world, stop)
        result = run_job(one, world)
        psnr = float(np.mean(result["psnr"])) if "psnr" in result else None
        row = {"training": name, "psnr": psnr, "reason": result.get("reason")}
        rows.append({**row, "it_s": result["iterations_per_second"]})
    before, after = (load_file(job.out / name / WEIGHTS) for name in ("bfloat16", "bfloat16-stopped"))
    rows[-1]["weights_differ_by"] = max(float((before[key] - after[key]).abs().max()) for key in before)
    return rows


def several(job: Job, folder: Path) -> dict[str, Any]:
    """The same job by `torchrun` on every GPU, or on two processes of a CPU."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 2
    if count < 2:
        return {"skipped": "one GPU"}
    while job.steps.batch % count:
        count -= 1
    one = replace(job, out=folder / "several")
    one.write(folder / "several.json")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    done = subprocess.run(
        [*command, "-m", "groundglass.training", str(folder / "several.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        return {"failed": done.stderr[-2000:]}
    result = json.loads(done.stdout.splitlines()[-1])
    psnr = float(np.mean(result["psnr"]))
    return {"processes": count, "it_s": result["iterations_per_second"], "psnr": psnr}


def prepared(folder: Path, extent: Extent, pool: Path | None, scored: Path | None) -> Job:
    """The job that all parts vary, with images of its own where none are given."""
    folder.mkdir(parents=True, exist_ok=True)
    if pool is None:
        pool = folder / "pool.safetensors"
        images = smooth_images(extent.images, extent.patch * 8, 1)
        write_pool(pool, [[image] for image in images], [True] * len(images), extent.patch)
    if scored is None:
        scored = folder / "scored.npz"
        np.savez(scored, *smooth_images(8, 160, 2))
    shares = tuple((unit, 1.0) for unit in open_pool(pool).windows)
    steps = Steps(extent.whole, 2e-4, extent.batch, extent.patch, 0.5)
    name = "edsr" if "edsr" in extent.networks else "quick"
    return Job(pool, shares, name, 2, steps, 1, folder / "runs", scored=scored, checkpoint_every=500)


def facts(device: torch.device) -> dict[str, Any]:
    on_gpu = device.type == "cuda"
    about = torch.cuda.get_device_properties(device) if on_gpu else None
    return {
        "device": about.name if about else "CPU",
        "memory_gb": round(about.total_memory / 1e9, 1) if about else None,
        "gpus": torch.cuda.device_count() if on_gpu else 0,
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if on_gpu else None,
    }


def bicubic(job: Job) -> float:
    """Mean PSNR of bicubic upscaling, which is the small network without its detail: trainings must be above it."""
    network = make_network("quick", 2)
    with torch.no_grad():
        for value in network.last.parameters():
            value.zero_()
    assert job.scored is not None
    with np.load(job.scored) as found:
        return float(score(network, [found[name] for name in found.files]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--scored", type=Path)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    extent = SMALL if asked.small else FULL
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    job = prepared(asked.out, extent, asked.pool, asked.scored)
    with joined() as world:
        found: dict[str, Any] = facts(world.device)
        parts: dict[str, Callable[[], Any]] = {
            "bicubic_psnr": lambda: bicubic(job),
            "against_the_cpu": lambda: against_the_cpu(job, world),
            "speeds": lambda: speeds(job, extent, world),
            "precisions": lambda: precisions(job, world),
            "several": lambda: several(job, asked.out),
        }
        for name, part in parts.items():
            began = time.monotonic()
            found[name] = part()
            found.setdefault("seconds", {})[name] = round(time.monotonic() - began, 1)
            (asked.out / "accelerator.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print(f"{found['device']}: {name}: {json.dumps(found[name])}", flush=True)


if __name__ == "__main__":
    main()
