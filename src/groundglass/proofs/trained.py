"""The presets that train networks: each set of images is a training from the same base, done by the workers."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
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
SECONDS = 3600.0
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

    pool    the images of all units, made by `write_pool`
    scored  the images that results are scored on, an .npz
    """

    preset: str
    pool: Path
    scored: Path
    results: Path

    def one(self, item: Training) -> dict[str, Any]:
        """PSNR of each scored image, or the reason why there is none."""
        from groundglass.training import train as training

        recipe = training.TRAININGS[self.preset]
        network = training.load_base(base_path(self.preset), recipe.size)
        library = _library(self.pool)
        drawn = [(unit, window, share) for unit, share in item.shares for window in library.windows[unit]]
        hr, lr = zip(*(library.pair(window) for _, window, _ in drawn), strict=True)
        pool = training.Pool(hr, lr, [library.turned[unit] for unit, _, _ in drawn])
        # An image counts by its share, in however many windows it is kept.
        shares = np.array([share / len(library.windows[unit]) for unit, _, share in drawn])
        try:
            training.train(network, pool, shares, recipe, item.seed)
        except training.Diverged as error:
            return {"key": item.key, "reason": str(error)}
        return {"key": item.key, "psnr": training.score(network, _scored(self.scored)).tolist()}

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


@dataclass(frozen=True)
class _Library:
    """The tensors of a pool's file, mapped into memory."""

    file: Any
    windows: Mapping[int, list[int]]
    turned: Sequence[bool]

    def pair(self, window: int) -> tuple[Any, Any]:
        return self.file.get_tensor(f"hr.{window}"), self.file.get_tensor(f"lr.{window}")


@cache
def _library(path: Path) -> _Library:
    from safetensors import safe_open

    file = safe_open(path, "pt")
    about = file.metadata()
    windows = {int(unit): found for unit, found in json.loads(about["windows"]).items()}
    return _Library(file, windows, json.loads(about["turned"]))


@cache
def _scored(path: Path) -> list[Pixels]:
    with np.load(path) as found:
        return [found[name] for name in found.files]


def write_pool(path: Path, units: Iterable[list[Pixels]], turned: Sequence[bool]) -> None:
    """Keep the windows of all units with their LR versions, as one safetensors file.

    ``turned`` says of each unit whether its patches are flipped and turned.
    """
    from safetensors.torch import save_file

    from groundglass.training.train import QUICK_TRAINING, make_pool

    tensors: dict[str, Any] = {}
    places: dict[int, list[int]] = {}
    for unit, images in enumerate(units):
        pool = make_pool(images, QUICK_TRAINING.patch)
        for hr, lr in zip(pool.hr, pool.lr, strict=True):
            window = len(tensors) // 2
            tensors[f"hr.{window}"], tensors[f"lr.{window}"] = hr, lr
            places.setdefault(unit, []).append(window)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"windows": json.dumps(places), "turned": json.dumps(list(turned))})


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
