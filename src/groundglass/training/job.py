"""One training as a file, for another machine too. Imports the standard library only."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

FORM = 1
"""Version of the file's form; another one is refused."""
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
RESULT = "result.json"
WEIGHTS = "network.safetensors"


class JobError(ValueError):
    """A job that cannot be done as it is written."""


@dataclass(frozen=True)
class Steps:
    """How to train. The rate falls linearly to 0 over the last ``decay`` of the iterations.

    batch  patches of one iteration, of all processes together
    patch  side of an LR patch, px
    """

    iterations: int
    rate: float = 5e-4
    batch: int = 16
    patch: int = 24
    decay: float = 1.0


GPU_STEPS = Steps(20_000, 2e-4)
"""Of the preset `gpu` of `groundglass prove`."""


@dataclass(frozen=True)
class Job:
    """One training.

    pool              images as `pool_file.write_pool` writes them
    shares            (unit of the pool, its share): how often it is drawn, any positive sum
    network, scale    a name of `networks.NETWORKS`, and by how much it upscales
    steps             how to train
    seed              of the first weights, of patches and their turns
    out               folder of result, weights and checkpoint
    start             weights to go on from: finetuning; None trains from the beginning
    scored            images that the result is scored on, an .npz of H x W x 3 uint8
    precision         a word of `PRECISIONS`; `auto` is bfloat16 on a GPU and float32 on a CPU
    checkpoint_every  iterations between two checkpoints
    """

    pool: Path
    shares: tuple[tuple[int, float], ...]
    network: str
    scale: int
    steps: Steps
    seed: int
    out: Path
    start: Path | None = None
    scored: Path | None = None
    precision: str = "auto"
    checkpoint_every: int = 1000

    def as_json(self) -> dict[str, Any]:
        """The file's content."""
        paths = {name: str(value) for name in PATHS if (value := getattr(self, name)) is not None}
        return {"form": FORM, **asdict(self), "shares": [list(one) for one in self.shares], **paths}

    def write(self, path: Path) -> None:
        """Write the job as JSON. Paths below the file's folder are relative, so that the folder can be moved."""
        content = self.as_json()
        for name in PATHS:
            if content[name] is not None:
                content[name] = _seen_from(path.resolve().parent, Path(content[name]).resolve())
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _seen_from(folder: Path, path: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def read_result(job: Job) -> dict[str, Any] | None:
    """The result of a job that is finished, None before that; it holds ``psnr``, or the ``reason`` of a failure."""
    path = job.out / RESULT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


PATHS = ("pool", "out", "start", "scored")
_KINDS = {"network": str, "precision": str, "scale": int, "seed": int, "checkpoint_every": int}


def read_job(path: Path) -> Job:
    """A job from its file; relative paths start at the file's folder.

    Raises OSError where the file cannot be read, JobError that names the key where it is not a job.
    """
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise JobError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("form") != FORM:
        form = found.get("form") if isinstance(found, dict) else None
        raise JobError(f"{path.name} has the form {form!r}; this version reads form {FORM}")
    values: dict[str, Any] = _checked({key: value for key, value in found.items() if key != "form"}, Job, "")
    steps: Any = values["steps"]
    if not isinstance(steps, dict):
        raise JobError("steps is not an object")
    values["steps"] = Steps(**_checked(steps, Steps, "steps."))
    for name in PATHS:
        if values.get(name) is not None:
            values[name] = path.parent / _of(values, name, str)
    for name, kind in _KINDS.items():
        if name in values:
            _of(values, name, kind)
    values["shares"] = _shares(values["shares"])
    job = Job(**values)
    check_job(job)
    return job


def _checked(values: Mapping[str, Any], kind: type[Any], where: str) -> dict[str, Any]:
    """Values with exactly the names of a record; those with a default may be absent."""
    names = {field.name: field for field in fields(kind)}
    unknown = next((name for name in values if name not in names), None)
    if unknown is not None:
        raise JobError(f"unknown key {where}{unknown}; known are {', '.join(names)}")
    missing = next(
        (name for name, field in names.items() if name not in values and field.default is MISSING), None
    )
    if missing is not None:
        raise JobError(f"the key {where}{missing} is missing")
    return dict(values)


def _of(values: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = values[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise JobError(f"{name} is {value!r}, not {'a text' if kind is str else 'a whole number'}")
    return value


def _shares(found: Any) -> tuple[tuple[int, float], ...]:
    try:
        return tuple((int(unit), float(share)) for unit, share in found)
    except (TypeError, ValueError, OverflowError) as error:
        raise JobError("shares is not a list of [unit, share]") from error


def check_job(job: Job) -> None:
    """Raises JobError that names the value that no training can be done with."""
    steps = job.steps
    for name in ("iterations", "batch", "patch"):
        value = getattr(steps, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise JobError(f"steps.{name} is {value!r}, not a whole number from 1 on")
    for name in ("rate", "decay"):
        value = getattr(steps, name)
        if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise JobError(f"steps.{name} is {value!r}, not a number above 0")
    if steps.decay > 1:
        raise JobError(f"steps.decay is {steps.decay}, more than all iterations")
    if job.precision not in PRECISIONS:
        raise JobError(f"precision is {job.precision!r}, not one of {', '.join(PRECISIONS)}")
    if job.checkpoint_every < 1:
        raise JobError(f"checkpoint_every is {job.checkpoint_every}, not a whole number from 1 on")
    if job.seed < 0:
        raise JobError(f"seed is {job.seed}, below 0")
    wrong = next((one for one in job.shares if not math.isfinite(one[1]) or one[1] < 0), None)
    if wrong is not None:
        raise JobError(f"the share of unit {wrong[0]} is {wrong[1]}, not a number from 0 on")
    if not sum(share for _, share in job.shares):
        raise JobError("no unit has a share above 0")
