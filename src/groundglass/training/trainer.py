"""One job on whatever this machine has: a GPU, several by `torchrun`, or a CPU. Stopped, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, distributed
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import convert_conv2d_weight_memory_format

from groundglass.training.checkpoint import NAME as CHECKPOINT
from groundglass.training.checkpoint import Checkpoint, read_checkpoint, write_whole
from groundglass.training.job import FORM, RESULT, WEIGHTS, Job, JobError, check_job, read_result
from groundglass.training.networks import check_network, make_network
from groundglass.training.pool_file import open_pool
from groundglass.training.train import Diverged, Pool, score, set_rate
from groundglass.training.weights import load_weights

CHECK = 50
"""Iterations between two looks at the loss: each look waits for the GPU."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
T = TypeVar("T")
Say = Callable[[int, float], None]


@dataclass(frozen=True)
class World:
    """The processes of one training, and the device of this one. Process 0 reads and writes for all."""

    rank: int
    size: int
    device: torch.device

    @property
    def writes(self) -> bool:
        return self.rank == 0

    def from_first(self, make: Callable[[], T]) -> T:
        """Something that process 0 makes, in every process."""
        if self.size == 1:
            return make()
        box: list[Any] = [make() if self.writes else None]
        distributed.broadcast_object_list(box, 0, device=self.device)
        return box[0]

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values / self.size


@contextmanager
def joined() -> Generator[World]:
    """The world that `torchrun` described in this process's environment; one process without it."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    on_gpu = torch.cuda.is_available()
    device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if on_gpu else "cpu")
    if on_gpu:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        # float32 is to mean float32, above all where results are scored.
        torch.backends.cudnn.allow_tf32 = False
    if size > 1:
        distributed.init_process_group("nccl" if on_gpu else "gloo", rank=rank, world_size=size)
    try:
        yield World(rank, size, device)
    finally:
        if size > 1:
            distributed.destroy_process_group()


def run_job(job: Job, world: World, say: Say = lambda _iteration, _loss: None) -> dict[str, Any]:
    """Train, score, and write `RESULT` and `WEIGHTS` to the job's folder; gives the result.

    A finished job is not done again; a stopped one goes on from its checkpoint, on a CPU in float32 bit for bit. A
    loss that is not finite is a result with a ``reason``. ``say`` gets the iteration and the mean loss since it was
    last called. Raises JobError or ValueError for a job that cannot be done, OSError for a file that is missing.
    """
    check_job(job)
    check_network(job.network, job.scale)
    # A training that began on a GPU in 16 bits must not go on in 32 bits elsewhere under the same name.
    job = replace(job, precision=_precision(job.precision, world.device))
    name = world.from_first(lambda: name_of(job))
    done = world.from_first(lambda: _finished(job, name))
    if done is not None:
        return done
    training = Training(job, name, world)
    try:
        training.run(say)
        found: dict[str, Any] = {"psnr": training.score() if world.writes else []}
    except Diverged as error:
        found = {"reason": str(error)}
    result = {"form": FORM, "job": name, **found, **training.facts()}
    if world.writes:
        if "reason" not in result:
            training.write_weights()
        write_whole(
            job.out / RESULT, lambda path: path.write_text(json.dumps(result) + "\n", encoding="utf-8")
        )
        (job.out / CHECKPOINT).unlink(missing_ok=True)  # three times the size of the network
    return world.from_first(lambda: result)


def name_of(job: Job) -> str:
    """A name that only the same training has: of the files it reads their content counts, not their place."""
    read = {path: _digest(path) for path in (job.pool, job.start, job.scored) if path is not None}
    content = replace(job, out=Path(), checkpoint_every=1).as_json()
    content |= {key: read[Path(content[key])] for key in ("pool", "start", "scored") if content[key]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finished(job: Job, name: str) -> dict[str, Any] | None:
    result = read_result(job)
    if result is not None and result.get("job") != name:
        raise JobError(f"{job.out / RESULT} is of another job; give this one another folder")
    return result


class Training:
    """A network, its optimizer and the patches to come."""

    def __init__(self, job: Job, name: str, world: World) -> None:
        self.job, self.name, self.world = job, name, world
        self.dtype = DTYPES[_precision(job.precision, world.device)]
        self.pool, self.shares = _pool(job)
        if job.steps.batch % world.size:
            raise JobError(f"{world.size} processes cannot share a batch of {job.steps.batch} equally")
        self.network = make_network(job.network, job.scale, job.seed)
        if job.start is not None:
            load_weights(self.network, job.start)
        self.random = np.random.default_rng(job.seed)
        self.iteration = 0
        self.done_here, self.seconds = 0, 0.0
        checkpoint = world.from_first(lambda: read_checkpoint(job.out, name))
        if checkpoint is not None:
            self.network.load_state_dict(checkpoint.network)
        self.network.to(world.device)
        if world.device.type == "cuda":  # suits its 16-bit convolutions; gains nothing on a CPU
            convert_conv2d_weight_memory_format(self.network, torch.channels_last)
        self.optimizer = torch.optim.Adam(
            [one for one in self.network.parameters() if one.requires_grad], job.steps.rate, fused=True
        )
        self.scaler = GradScaler(world.device.type, enabled=self.dtype == torch.float16)
        if checkpoint is not None:
            self.optimizer.load_state_dict(checkpoint.optimizer)
            self.scaler.load_state_dict(checkpoint.scaler)
            self.random, self.iteration = checkpoint.generator(), checkpoint.iteration
        self.model = DistributedDataParallel(self.network) if world.size > 1 else self.network

    def run(self, say: Say) -> None:
        """Train to the last iteration. Raises Diverged, in every process at once, for a loss that is not finite."""
        began = time.monotonic()
        losses: list[Tensor] = []
        self.model.train()
        while self.iteration < self.job.steps.iterations:
            losses.append(self.step())
            last = self.iteration == self.job.steps.iterations
            saves = last or self.iteration % self.job.checkpoint_every == 0
            if saves or len(losses) == CHECK:
                say(self.iteration, self._checked(losses))
                losses = []
            self.seconds = time.monotonic() - began
            if saves and self.world.writes:
                self._checkpoint().write(self.job.out)
        # The last step comes after the last loss.
        if not all(bool(value.isfinite().all()) for value in self.network.parameters()):
            raise Diverged(f"a weight is not finite after iteration {self.iteration - 1}")

    def step(self) -> Tensor:
        """One iteration; gives this process's loss, still on the device."""
        set_rate(self.optimizer, self.job.steps, self.iteration)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(*self.patches())
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.iteration += 1
        self.done_here += 1
        return loss.detach()

    def patches(self) -> tuple[Tensor, Tensor]:
        """This process's part of the next batch, uint8 on the device. Every process draws the whole batch's places."""
        steps, world = self.job.steps, self.world
        places = self.pool.draw(self.shares, steps.batch, steps.patch, self.random)
        part = steps.batch // world.size
        lr, hr = self.pool.cut(places[world.rank * part : (world.rank + 1) * part], steps.patch)
        if world.device.type == "cuda":
            # Pinned memory is copied while the GPU still works on the batch before.
            lr, hr = lr.pin_memory(), hr.pin_memory()
        return lr.to(world.device, non_blocking=True), hr.to(world.device, non_blocking=True)

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        """Mean absolute error over patches of 0..255."""
        mixed = self.dtype != torch.float32
        with torch.autocast(self.world.device.type, self.dtype, enabled=mixed):
            restored = self.model(lr.float().div_(255))
        return functional.l1_loss(restored.float(), hr.float().div_(255))

    def _checked(self, losses: list[Tensor]) -> float:
        values = self.world.mean(torch.stack(losses)).tolist()
        first = self.iteration - len(values)
        for number, value in enumerate(values, first):
            if not math.isfinite(value):
                raise Diverged(f"the loss is {value} at iteration {number}")
        return sum(values) / len(values)

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self.name,
            self.iteration,
            self.network.state_dict(),
            self.optimizer.state_dict(),
            self.scaler.state_dict(),
            dict(self.random.bit_generator.state),
        )

    def score(self) -> list[float]:
        """PSNR of each scored image, see `train.score`."""
        if self.job.scored is None:
            return []
        with np.load(self.job.scored) as found:
            images = [found[name] for name in found.files]
        return score(self.network, images).tolist()

    def write_weights(self) -> None:
        """The network as a safetensors file under its authors' tensor names."""
        state = {name: value.cpu().contiguous() for name, value in self.network.state_dict().items()}
        # One entry: safetensors writes several in any order, and equal weights are to be equal files.
        about = {"job": json.dumps({"network": self.job.network, "scale": self.job.scale, "name": self.name})}
        write_whole(self.job.out / WEIGHTS, lambda path: save_file(state, path, about))

    def facts(self) -> dict[str, Any]:
        """Device and speed; ``iterations_per_second`` is of the iterations since the training last went on."""
        device = self.world.device
        return {
            "iterations": self.iteration,
            "processes": self.world.size,
            "precision": str(self.dtype).removeprefix("torch."),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
            "torch": str(torch.__version__),
            "iterations_per_second": round(self.done_here / self.seconds, 3) if self.seconds else None,
        }


def _precision(wanted: str, device: torch.device) -> str:
    if wanted == "auto":
        return "bfloat16" if device.type == "cuda" else "float32"
    if wanted == "float16" and device.type == "cpu":
        raise JobError("precision float16 needs a GPU; a CPU trains in float32 or bfloat16")
    return wanted


def _pool(job: Job) -> tuple[Pool, NDArray[np.float64]]:
    pool, shares = open_pool(job.pool).pool(job.shares)
    if pool.scale != job.scale:
        raise JobError(
            f"the pool's LR images are 1/{pool.scale} of their HR, the network upscales by {job.scale}"
        )
    smallest = min(min(image.shape[1:]) for image in pool.lr)
    if smallest < job.steps.patch:
        raise JobError(
            f"an LR image of the pool is {smallest} px, too few for patches of {job.steps.patch} px"
        )
    return pool, shares
