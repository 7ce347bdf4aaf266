"""The images of all arms, each once, made ready for what is trained: moments for `instant`, pixels for networks."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.catalog import Measure
from groundglass.measures.measure_job import ask_of
from groundglass.notices import notice
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.state import State
from groundglass.proofs.arms import Arm, Trial, names_used
from groundglass.proofs.comparison import Score
from groundglass.proofs.instant.measure import MOMENTS
from groundglass.proofs.instant.regressor import psnr_of
from groundglass.proofs.saved_again import saved_again
from groundglass.proofs.trained import (
    PIXELS,
    SECONDS,
    Train,
    TrainedScore,
    base_path,
    check_training,
    images_of,
)
from groundglass.text.format import some

Indices = NDArray[np.int64]
Content = tuple[str, str]
"""sha256 of a photo, and the region of it."""


@dataclass(frozen=True)
class Ready:
    """All that comparisons need.

    score     trains on sets of units and scores the results
    photos    which photo each unit is of
    places    of each arm, its units in the order of its rows; -1 where an image cannot be used
    n_scored  how many images results are scored on
    bicubic   dB, what bicubic upscaling gets on these
    notes     which images could not be used
    """

    score: Score
    photos: Indices
    places: Mapping[str, Indices]
    n_scored: int
    bicubic: float | None
    notes: tuple[str, ...]

    def failure(self) -> str:
        """Why a training failed, as far as that is known."""
        return self.score.failure() if isinstance(self.score, TrainedScore) else ""


@dataclass(frozen=True)
class _Units:
    """Units by number: their content, whether they are turned, what is stored of them."""

    stored: list[bytes]
    turned: list[bool]
    photos: Indices
    places: Mapping[str, Indices]
    notes: tuple[str, ...]


def ready_for_instant(state: State, trial: Trial, scored: Sequence[bytes]) -> Ready:
    """Moments of every unit; ``scored`` are those of the images to score on."""
    units = _units(state, trial, MOMENTS, "moments", ("turned",))
    photos = _matrix(units.stored)
    images = _matrix(scored)

    def score(shares: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:  # noqa: ARG001
        return psnr_of(photos, shares, images)

    bicubic = float(np.mean(-10 * np.log10(images[:, -2] / images[:, -1]))) if len(images) else None
    return Ready(score, units.photos, units.places, len(images), bicubic, units.notes)


def ready_for_training(
    state: State,
    trial: Trial,
    scored: Sequence[bytes],
    preset: str,
    place: Path,
    network: str = "",
    start: Path | None = None,
) -> Ready:
    """Pixels of every unit, and below ``place`` the files that the trainings read and write.

    ``network`` and ``start`` are those of the preset `gpu`.
    """
    check_training()
    import torch

    from groundglass.training.job import GPU_STEPS
    from groundglass.training.pool_file import write_pool
    from groundglass.training.train import TRAININGS

    units = _units(state, trial, PIXELS, "pixels", ())
    base = start if preset == "gpu" else base_path(preset)
    how = TRAININGS.get(preset, GPU_STEPS)
    digest = hashlib.sha256(f"{preset} {network} {how}".encode() + (base.read_bytes() if base else b""))
    for stored in (*units.stored, *scored):
        digest.update(stored)
    digest.update(bytes(units.turned))
    # Results belong to these very images, steps and base: others would be answers to another question.
    folder = place / f"{preset}-{digest.hexdigest()[:12]}"
    job = Train(
        preset, folder / "pool.safetensors", folder / "scored.npz", folder / "results", network, start
    )
    write_pool(job.pool, (images_of(stored) for stored in units.stored), units.turned)
    np.savez(job.scored, *(image for stored in scored for image in images_of(stored)))
    settings = replace(state.run.settings, seconds_per_image=SECONDS, shard=1, items="trainings")
    if preset == "gpu":  # a second process would halve the GPU's memory and gain nothing
        settings = replace(settings, workers=1)
        if not torch.cuda.is_available():
            notice(
                "no GPU is found: on a CPU each training of the preset gpu takes hours; standard is made for a CPU"
            )
    score = TrainedScore(job, len(scored), settings, state.run.progress)
    return Ready(score, units.photos, units.places, len(scored), None, units.notes)


def forget_pools(place: Path) -> None:
    """Remove the copies of pixels below ``place``; the results stay."""
    for path in (*place.glob("*/pool.safetensors"), *place.glob("*/scored.npz")):
        path.unlink(missing_ok=True)
    if place.is_dir() and not any(place.iterdir()):
        shutil.rmtree(place, ignore_errors=True)


def looks_of_rows(state: State, rows: pa.Table) -> dict[Content, bytes]:
    """The small lumas of rows, by which two encodings of one photo are recognised."""
    return {
        content: look for content, look, error in _measured(state, rows, MOMENTS, "look") if error is None
    }


def _units(state: State, trial: Trial, measure: Measure, column: str, takes: Sequence[str]) -> _Units:
    """Every content of the arms that take part, once for each way it is trained on."""
    arms = {name: arm for name, arm in trial.arms.items() if name in names_used(trial.compared)}
    found: dict[tuple[Content, bool], bytes] = {}
    roots: dict[tuple[Content, bool], str] = {}
    errors: Counter[str] = Counter()
    for turned in sorted({arm.turned for arm in arms.values()}):
        rows = pa.concat_tables([arm.rows for arm in arms.values() if arm.turned is turned])
        settings = {"turned": turned} if "turned" in takes else {}
        for content, value, error in _measured(state, rows, measure, column, **settings):
            if error is None:
                found[content, turned] = value
            else:
                errors[error.partition(":")[0]] += 1
        roots.update(
            {
                (content, turned): root
                for content, root in zip(_contents(rows), rows["root"].to_pylist(), strict=True)
            }
        )
    copies = _copies(state, trial, arms)
    numbers = {key: number for number, key in enumerate(key for key in sorted(found) if key[0] not in copies)}
    of_photo = {root: number for number, root in enumerate(sorted({roots[key] for key in numbers}))}
    places = {
        name: np.array([numbers.get((content, arm.turned), -1) for content in _contents(arm.rows)], np.int64)
        for name, arm in arms.items()
    }
    notes = [f"{some(count, 'images')} cannot be trained on: {reason}" for reason, count in errors.items()]
    if copies:
        notes.append(
            f"{some(len(copies), 'images')} of the arms look like a held-out one, as if saved again: they are left out"
        )
    return _Units(
        [found[key] for key in numbers],
        [turned for _, turned in numbers],
        np.array([of_photo[roots[key]] for key in numbers], np.int64),
        places,
        tuple(notes),
    )


def _copies(state: State, trial: Trial, arms: Mapping[str, Arm]) -> set[Content]:
    """The images of the arms that show one held out to score on: an arm that has them would be trained on the answers.

    Left in, they would make a gate that drops near-duplicates look harmful.
    """
    if trial.scored is None:
        return set()
    held = looks_of_rows(state, trial.scored).values()
    rows = pa.concat_tables([arm.rows for arm in arms.values()])
    return saved_again(looks_of_rows(state, rows), held)


def _contents(rows: pa.Table) -> list[Content]:
    return list(zip(rows["sha256"].to_pylist(), rows["region"].to_pylist(), strict=True))


def _measured(
    state: State, rows: pa.Table, measure: Measure, column: str, **settings: bool
) -> Iterator[tuple[Content, bytes, str | None]]:
    """Value and error of each content among the rows; what is missing is measured now."""
    ask = ask_of(measure, settings)
    measure_rows(state, rows, [ask], "prove")
    wanted = set(_contents(rows))
    for batch in state.run.store.read_rows(ask.key, rows, [column]).to_batches(max_chunksize=256):
        for row in batch.to_pylist():
            if (content := (row["sha256"], row["region"])) in wanted:
                yield content, row[column], row["error"]


def _matrix(stored: Sequence[bytes]) -> NDArray[np.float32]:
    return (
        np.stack([np.frombuffer(value, np.float32) for value in stored])
        if stored
        else np.zeros((0, 2), np.float32)
    )
