"""The presets that train networks: each set of images is a training from the same base, done by the workers."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Value
from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings, Summary
from groundglass.errors import NoValue, RecipeError
from groundglass.extras import install_command, is_installed
from groundglass.files.atomic import write_text
from groundglass.proofs.instant.measure import windows

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

SMALLEST = 48
"""Side of an HR patch, px: a smaller image cannot be trained on."""
CENTRE = 160
"""Side of the middle of each image that networks are scored on, px."""
SECONDS = 36_000.0
"""CPU seconds that one training may take before it counts as failed."""
BASES = resources.files("groundglass.proofs") / "bases"


def pixels_of(frame: Frame) -> dict[str, Value]:
    """The windows of an image that are trained on, as one .npz. Raises NoValue ``too_small`` below `SMALLEST` px."""
    if min(frame.height, frame.width) < SMALLEST:
        raise NoValue("too_small")
    file = io.BytesIO()
    np.savez(file, *windows(frame.rgb))
    return {"pixels": file.getvalue()}


PIXELS = Measure(
    name="proof_pixels",
    version=1,
    compute=pixels_of,
    columns={"pixels": Column("", None, None, "neither", "RGB windows, an .npz", bytes, hidden=True)},
    reference="",
)
"""Stored with the measures, so that workers decode each image once; no recipe asks for it by name."""


def middle_of(frame: Frame) -> dict[str, Value]:
    """The middle of an image that is scored, at most `CENTRE` px a side, as .npz. Raises NoValue below `SMALLEST`."""
    if min(frame.height, frame.width) < SMALLEST:
        raise NoValue("too_small")
    height, width = (min(side, CENTRE) // 2 * 2 for side in (frame.height, frame.width))
    # An even corner: LR pixels are then made from the same pairs of pixels as those of the whole image.
    top, left = (frame.height - height) // 4 * 2, (frame.width - width) // 4 * 2
    file = io.BytesIO()
    np.savez(file, frame.rgb[top : top + height, left : left + width])
    return {"pixels": file.getvalue()}


MIDDLE = replace(PIXELS, name="proof_middle", compute=middle_of)


def images_of(stored: bytes) -> list[Pixels]:
    """The windows of one stored image."""
    with np.load(io.BytesIO(stored)) as found:
        return [found[name] for name in found.files]


@dataclass(frozen=True)
class Training:
    """One training, an item of the job.

    shares  unit → how often it is in the set
    seed    of patches and their turns
    """

    shares: tuple[tuple[int, float], ...]
    seed: int

    @property
    def key(self) -> str:
        """A name that only the same training has."""
        return hashlib.sha256(json.dumps([self.shares, self.seed]).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Train:
    """Trains, scores, and writes one file a training; what has a file is not trained again.

    pool     the images of all units, as `groundglass.training.pool_file.write_pool` writes them
    scored   the images that results are scored on, an .npz
    network  of the preset `gpu`: a name of `groundglass.training.networks.NETWORKS`
    start    of the preset `gpu`: weights to start from; None starts from random weights
    """

    preset: str
    pool: Path
    scored: Path
    results: Path
    network: str = "edsr"
    start: Path | None = None

    def one(self, item: Training) -> dict[str, Any]:
        """PSNR of each scored image, or the reason why there is none."""
        from groundglass.training import train as training

        if self.preset == "gpu":
            return self._whole(item)
        recipe = training.TRAININGS[self.preset]
        network = training.load_base(base_path(self.preset), recipe.size)
        pool, shares = _library(self.pool).pool(item.shares)
        try:
            training.train(network, pool, shares, recipe, item.seed)
        except training.Diverged as error:
            return {"key": item.key, "reason": str(error)}
        return {"key": item.key, "psnr": training.score(network, _scored(self.scored)).tolist()}

    def _whole(self, item: Training) -> dict[str, Any]:
        """A training of the preset `gpu`: it has checkpoints, so that a stopped one goes on where it was."""
        from groundglass.training.job import GPU_STEPS, WEIGHTS, Job
        from groundglass.training.train import SCALE
        from groundglass.training.trainer import joined
        from groundglass.training.trainer import run_job as train

        out = self.results / item.key
        job = Job(
            self.pool, item.shares, self.network, SCALE, GPU_STEPS, item.seed, out, self.start, self.scored
        )
        with joined() as world:
            found = train(job, world)
        (out / WEIGHTS).unlink(missing_ok=True)  # a hundred trainings would fill a disk
        return {"key": item.key, **{name: found[name] for name in ("psnr", "reason") if name in found}}

    def lost(self, item: Training, reason: str, detail: str) -> dict[str, Any]:
        """The training failed, and why."""
        return {"key": item.key, "reason": f"{reason}: {detail}" if detail else reason}

    def name(self, item: Training) -> str:
        """The name of a training in messages."""
        return f"training {item.key[:8]}"

    def save(self, results: Sequence[Mapping[str, Any]]) -> Summary:
        """A file for each."""
        for result in results:
            write_text(json.dumps(result), self.results / f"{result['key']}.json")
        return Summary(len(results), {"failed": sum("reason" in result for result in results)})


@cache
def _library(path: Path) -> Any:
    from groundglass.training.pool_file import open_pool

    return open_pool(path)


@cache
def _scored(path: Path) -> list[Pixels]:
    with np.load(path) as found:
        return [found[name] for name in found.files]


def base_path(preset: str) -> Path:
    """The file of the base that a preset's trainings start from."""
    return Path(str(BASES / f"{preset}.safetensors"))


def check_training() -> None:
    """Raises RecipeError where what trains is not installed."""
    if not is_installed("models"):
        raise RecipeError(
            "networks are trained with torch, which is not installed", install_command("models")
        )


@dataclass
class TrainedScore:
    """Scores sets of units by training on each; results are kept, so that a stopped proof goes on."""

    job: Train
    n_scored: int
    settings: Settings
    progress: Callable[[str], Progress]

    def __call__(self, shares: NDArray[Any], seeds: Sequence[int]) -> Floats:
        trainings = [
            Training(tuple((int(unit), float(row[unit])) for unit in np.flatnonzero(row)), int(seed))
            for row, seed in zip(shares, seeds, strict=True)
        ]
        wanted = {one.key: one for one in trainings if not (self.job.results / f"{one.key}.json").exists()}
        if wanted:
            run_job(self.job, list(wanted.values()), self.settings, self.progress("train"))
        return np.stack([self._result(one.key) for one in trainings])

    def _result(self, key: str) -> Floats:
        found = json.loads((self.job.results / f"{key}.json").read_text(encoding="utf-8"))
        return np.array(found.get("psnr", [math.nan] * self.n_scored))

    def failure(self) -> str:
        """Why the first training that failed did so; "" where none failed."""
        read = (
            json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.job.results.glob("*.json"))
        )
        return next((found["reason"] for found in read if "reason" in found), "")
