"""A proof: train on each arm, score the results, and say which differences are more than chance."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.measures.measure_job import ask_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.state import State
from groundglass.proofs.arms import FEWEST, FEWEST_SCORED, Arm, Comparison, Trial, names_used
from groundglass.proofs.comparison import (
    Effect,
    Score,
    Verdict,
    false_alarm_rate,
    limits,
    same_photos_effect,
    selection_effect,
    size_effect,
    verdicts,
)
from groundglass.proofs.instant.measure import MOMENTS
from groundglass.proofs.instant.moments import LENGTH
from groundglass.proofs.instant.regressor import psnr_of
from groundglass.proofs.preset import Preset
from groundglass.random_streams import stream
from groundglass.text.format import some

Floats = NDArray[Any]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ArmResult:
    """What a proof says of one arm.

    effect    dB of PSNR, luma; above 0 the arm trains better than ``against``; None where it failed
    ci95      the interval that holds the effect in 95 of 100 cases
    null_sd   dB, the spread of such effects under chance
    power     dB, the smallest effect that this proof could have shown
    n_images  images in each set that was trained on
    reason    why it failed
    """

    arm: str
    against: str
    verdict: Verdict
    effect: float | None
    ci95: tuple[float, float] | None
    null_sd: float | None
    power: float | None
    n_images: int
    how: str
    reason: str = ""


@dataclass(frozen=True)
class Proof:
    """What a proof found.

    scored            how many images the results were scored on, and where they come from
    psnr              of each arm as it is, dB: how far its filters or networks get on the scored images
    bicubic           dB, what bicubic upscaling gets there
    false_alarm_rate  the share of random halves that would have been called different
    cpu_seconds       CPU seconds of the whole proof, its workers included
    """

    arms: tuple[ArmResult, ...]
    preset: str
    cpu_seconds: float
    false_alarm_rate: float | None
    n_scored: int = 0
    scored_on: str = ""
    bicubic: float | None = None
    psnr: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seed: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def cpu_seconds() -> float:
    """CPU seconds that this process and its finished workers have used so far."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


@dataclass(frozen=True)
class Units:
    """The images of all arms, each once.

    moments  a row each
    photos   which photo each is of
    places   of each arm, its units in the order of its rows; -1 where an image cannot be used
    """

    moments: Floats
    photos: Indices
    places: Mapping[str, Indices]


def prove(state: State, trial: Trial, preset: Preset, scored: Floats, scored_on: str, seed: int) -> Proof:
    """Do every comparison of a trial.

    ``scored`` are the moments of the images to score on, a row each. Raises RecipeError where these are too few.
    """
    if len(scored) < FEWEST_SCORED:
        raise RecipeError(
            f"{some(len(scored), 'images')} are too few to score on (at least {FEWEST_SCORED})",
            "name a folder with more: --score-on FOLDER",
        )
    units, notes = measured_units(state, trial)
    score = instant_score(units, scored)
    names = names_used(trial.compared)
    own = {name: np.unique(places[places >= 0]) for name, places in units.places.items()}
    effects = [_effect(score, each, units, own, preset, seed) for each in trial.compared]
    found = [effect for effect in effects if isinstance(effect, Effect)]
    said = dict(zip(map(id, found), verdicts(found), strict=True))
    limit = limits(max(1, len(found)))[0]
    results = tuple(
        _result(each, effect, said.get(id(effect)), limit)
        for each, effect in zip(trial.compared, effects, strict=True)
    )
    pool = max((own[name] for name in names), key=len)
    rate = None
    if preset.alarms and len(pool) >= 2 * FEWEST:
        random = stream(seed, "prove", "false alarms")
        rate = false_alarm_rate(score, pool, units.photos, preset, random)
    whole = {name: _whole(score, own[name], len(units.photos)) for name in sorted(names) if len(own[name])}
    bicubic = float(np.mean(-10 * np.log10(scored[:, -2] / scored[:, -1])))
    return Proof(
        results,
        preset.name,
        0.0,
        rate,
        len(scored),
        scored_on,
        bicubic,
        whole,
        (*trial.notes, *notes),
        seed,
    )


def instant_score(units: Units, scored: Floats) -> Score:
    """Scores by the closed form; it has no seeds."""

    def score(shares: Floats, seeds: Sequence[int]) -> Floats:  # noqa: ARG001
        return psnr_of(units.moments, shares, scored)

    return score


def _effect(
    score: Score, each: Comparison, units: Units, own: Mapping[str, Indices], preset: Preset, seed: int
) -> Effect | str:
    """The effect of one comparison, or why there is none."""
    random = stream(seed, "prove", each.arm, each.against)
    if each.how == "same photos":
        pairs = np.stack([units.places[each.arm], units.places[each.against]])
        arm, against = pairs[:, (pairs >= 0).all(axis=0)]
    else:
        arm, against = own[each.arm], own[each.against]
    few = {
        name: len(found) for name, found in ((each.arm, arm), (each.against, against)) if len(found) < FEWEST
    }
    if few:
        name, count = next(iter(few.items()))
        return f"{name} has {some(count, 'usable images')}; at least {FEWEST} are needed"
    compare = {"selection": selection_effect, "size": size_effect, "same photos": same_photos_effect}[
        each.how
    ]
    return compare(score, arm, against, units.photos, preset, random)


def _result(each: Comparison, effect: Effect | str, verdict: Verdict | None, limit: float) -> ArmResult:
    if isinstance(effect, str) or verdict is None:
        return ArmResult(each.arm, each.against, "failed", None, None, None, None, 0, each.how, str(effect))
    if not np.isfinite(effect.effect):
        why = "the training gave no finite score"
        return ArmResult(
            each.arm, each.against, "failed", None, None, None, None, effect.n_units, each.how, why
        )
    power = limit * effect.spread
    return ArmResult(
        each.arm,
        each.against,
        verdict,
        effect.effect,
        effect.ci95,
        effect.null_sd,
        power,
        effect.n_units,
        each.how,
    )


def _whole(score: Score, arm: Indices, units: int) -> float:
    shares = np.zeros((1, units))
    shares[0, arm] = 1
    return float(score(shares, [0]).mean())


def measured_units(state: State, trial: Trial) -> tuple[Units, list[str]]:
    """The units of a trial's arms with their moments; what is missing is measured now. And what could not be used."""
    names = names_used(trial.compared)
    found: dict[tuple[str, str, bool], Floats | None] = {}
    photos: dict[str, int] = {}
    of_photo: dict[tuple[str, str, bool], int] = {}
    notes: list[str] = []
    for turned in (False, True):
        rows = [arm.rows for name, arm in trial.arms.items() if name in names and arm.turned is turned]
        if not rows:
            continue
        table = pa.concat_tables(rows)
        values, errors = moments_of_rows(state, table, turned)
        for row in table.select(["sha256", "region", "root"]).to_pylist():
            key = (row["sha256"], row["region"], turned)
            found[key] = values.get(key[:2])
            of_photo[key] = photos.setdefault(row["root"], len(photos))
        notes += [f"{some(count, 'images')} cannot be used: {reason}" for reason, count in errors.items()]
    usable = [key for key, moments in found.items() if moments is not None]
    numbers = {key: number for number, key in enumerate(usable)}
    matrix = np.stack([found[key] for key in usable]) if usable else np.zeros((0, LENGTH), np.float32)
    places = {
        name: np.array([numbers.get((*key, arm.turned), -1) for key in _keys(arm)], np.int64)
        for name, arm in trial.arms.items()
        if name in names
    }
    return Units(matrix, np.array([of_photo[key] for key in usable], np.int64), places), notes


def _keys(arm: Arm) -> list[tuple[str, str]]:
    return list(zip(arm.rows["sha256"].to_pylist(), arm.rows["region"].to_pylist(), strict=True))


def moments_of_rows(
    state: State, rows: pa.Table, turned: bool = False
) -> tuple[dict[tuple[str, str], Floats], Counter[str]]:
    """The moments of rows by (sha256, region), and how many rows have none, by reason."""
    known: dict[tuple[str, str], Floats] = {}
    errors: Counter[str] = Counter()
    for key, value, error in _measured(state, rows, "moments", turned):
        if error is None:
            known[key] = np.frombuffer(value, np.float32)
        else:
            errors[error.partition(":")[0]] += 1
    return known, errors


def looks_of_rows(state: State, rows: pa.Table) -> dict[tuple[str, str], bytes]:
    """The small lumas of rows, by (sha256, region)."""
    return {key: look for key, look, error in _measured(state, rows, "look") if error is None}


def _measured(
    state: State, rows: pa.Table, column: str, turned: bool = False
) -> Iterator[tuple[tuple[str, str], bytes, str | None]]:
    """(sha256, region), value and error of each content among the rows; what is missing is measured."""
    ask = ask_of(MOMENTS, {"turned": turned})
    measure_rows(state, rows, [ask], "prove")
    wanted = set(zip(rows["sha256"].to_pylist(), rows["region"].to_pylist(), strict=True))
    for batch in state.run.store.read_rows(ask.key, rows, [column]).to_batches(max_chunksize=256):
        for row in batch.to_pylist():
            if (key := (row["sha256"], row["region"])) in wanted:
                yield key, row[column], row["error"]
