"""A proof: train on each arm, score the results, and say which differences are more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.proofs.arms import FEWEST, FEWEST_SCORED, Comparison, Trial
from groundglass.proofs.comparison import (
    Effect,
    Verdict,
    false_alarm_rate,
    limits,
    null_of,
    same_photos_effect,
    selection_effect,
    size_effect,
    verdicts,
)
from groundglass.proofs.preset import Preset
from groundglass.proofs.units import Ready
from groundglass.random_streams import stream
from groundglass.text.format import some

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ArmResult:
    """The result of one comparison.

    effect    dB of PSNR, luma; above 0 the arm trains better than ``against``; None where it failed
    ci95      the interval that holds the effect in 95 of 100 cases
    null_sd   dB, the spread of such effects under chance
    power     dB, the smallest effect that this proof could have shown
    n_images  images in each set that was trained on
    how       which kind of comparison it is: a word of `groundglass.proofs.arms.How`
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
    """The result of a proof.

    cpu_seconds       CPU seconds of the whole proof, its workers included; what an earlier proof or a stopped one has
                      left in the store or in finished trainings costs nothing again
    network           of the preset `gpu`: the network that was trained; "" for others
    start             of the preset `gpu`: the file that its weights started from; "" for random ones
    false_alarm_rate  the share of pairs of random halves that are called different; None where it was not measured
    false_alarms_of   where that rate was measured: "proof" (on the images of this one) or "preset" (beforehand, on
                      other photos: `groundglass.proofs.preset.Preset.known`); "" where it was not
    n_scored          how many images the results were scored on
    scored_on         where these come from
    bicubic           dB, what bicubic upscaling gets on them; None where it was not measured
    psnr              dB, what each arm's filters get on them
    folders           whether the arms are folders, with names that the user chose
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
    folders: bool = False
    network: str = ""
    start: str = ""
    false_alarms_of: Literal["proof", "preset", ""] = ""

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def prove(trial: Trial, ready: Ready, preset: Preset, scored_on: str, seed: int) -> Proof:
    """Do every comparison of a trial. Raises RecipeError where there are too few images to score on."""
    if ready.n_scored < FEWEST_SCORED:
        raise RecipeError(
            f"{some(ready.n_scored, 'usable images')} are too few to score on (at least {FEWEST_SCORED})",
            "name a folder with more: --score-on FOLDER",
        )
    own = {name: np.unique(places[places >= 0]) for name, places in ready.places.items()}
    null = _shared_null(trial, ready, own, preset, seed) if preset.shared else None
    effects = [
        trial.unknown.get(each.arm) or _effect(each, ready, own, preset, seed, null)
        for each in trial.compared
    ]
    found = [effect for effect in effects if isinstance(effect, Effect)]
    said = iter(verdicts(found))
    limit = limits(max(1, len(found)))[0]
    alarms = _false_alarms(ready, own, preset, seed) if found else None
    results = tuple(
        _failed(each, effect) if isinstance(effect, str) else _result(each, effect, next(said), limit)
        for each, effect in zip(trial.compared, effects, strict=True)
    )
    return Proof(
        results,
        preset.name,
        0.0,
        alarms,
        ready.n_scored,
        scored_on,
        ready.bicubic,
        {name: _whole(ready, arm) for name, arm in sorted(own.items()) if len(arm)} if preset.alarms else {},
        (*trial.notes, *ready.notes),
        seed,
        false_alarms_of="" if alarms is None else "preset" if preset.known else "proof",
    )


def _effect(
    each: Comparison,
    ready: Ready,
    own: Mapping[str, Indices],
    preset: Preset,
    seed: int,
    null: float | None,
) -> Effect | str:
    """The effect of one comparison, or why there is none."""
    random = stream(seed, "prove", each.arm, each.against)
    if each.how == "same photos":
        pairs = np.stack([ready.places[each.arm], ready.places[each.against]])
        arm, against = pairs[:, (pairs >= 0).all(axis=0)]
    else:
        arm, against = own[each.arm], own[each.against]
    for name, found in ((each.arm, arm), (each.against, against)):
        if len(found) < FEWEST:
            return f"{name} has {some(len(found), 'usable images')}; at least {FEWEST} are needed"
    if each.how == "same photos":
        effect = same_photos_effect(ready.score, arm, against, ready.photos, preset, random)
    else:
        compare = selection_effect if each.how == "selection" else size_effect
        effect = compare(ready.score, arm, against, ready.photos, preset, random, null)
    if not np.isfinite([effect.effect, effect.null_sd]).all():
        return ready.failure() or "a training gave no finite score"
    return effect


def _shared_null(
    trial: Trial, ready: Ready, own: Mapping[str, Indices], preset: Preset, seed: int
) -> float | None:
    """The spread of random sets of the largest pool, of the smallest count of any selection; None without one.

    Arms that fail anyway have no part in it: too small ones would make it as wide as theirs.
    """
    pairs = [
        (own[each.arm], own[each.against])
        for each in trial.compared
        if each.how != "same photos" and each.arm not in trial.unknown
    ]
    pairs = [pair for pair in pairs if min(map(len, pair)) >= FEWEST]
    counts = [min(map(len, pair)) for pair in pairs]
    if not pairs:
        return None
    pool = max((np.union1d(arm, against) for arm, against in pairs), key=len)
    count = min([*counts, len(pool) // 2])
    return null_of(ready.score, pool, ready.photos, count, count, preset, stream(seed, "prove", "null"))


def _false_alarms(ready: Ready, own: Mapping[str, Indices], preset: Preset, seed: int) -> float | None:
    pool = max(own.values(), key=len)
    if preset.known is not None:
        return preset.known[0] / preset.known[1]
    if not preset.alarms or len(pool) < 2 * FEWEST:
        return None
    return false_alarm_rate(ready.score, pool, ready.photos, preset, stream(seed, "prove", "false alarms"))


def _result(each: Comparison, effect: Effect, verdict: Verdict, limit: float) -> ArmResult:
    return ArmResult(
        each.arm,
        each.against,
        verdict,
        effect.effect,
        effect.ci95,
        effect.null_sd,
        limit * effect.spread,
        effect.n_units,
        each.how,
    )


def _failed(each: Comparison, reason: str) -> ArmResult:
    return ArmResult(each.arm, each.against, "failed", None, None, None, None, 0, each.how, reason)


def _whole(ready: Ready, arm: Indices) -> float:
    shares = np.zeros((1, len(ready.photos)))
    shares[0, arm] = 1
    return float(ready.score(shares, [0]).mean())
