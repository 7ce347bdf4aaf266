"""The networks that a plan runs: fetched before anything else, named in the lock, the card and the plan's notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from groundglass.measures.measure_job import Ask
from groundglass.models.hub import fetch
from groundglass.models.weights import NetworkNote, WeightFile, Weights
from groundglass.plans.planner import Plan
from groundglass.text.format import size

FLOPS_PER_BYTE = 100
"""Operations of one pass per byte of the weights: about right for a ResNet-50 at 224 px and for a ViT-L/14."""
CORE_FLOPS = 4e10
"""Operations that one core does in a second."""
PAIR_SECONDS = 0.2
"""Core seconds that a measure of a pair takes; with an HQ of 512 px."""
ACCELERATOR_CORES = 200
"""The number of cores that are as fast as one accelerator."""


def network_notes(ask: Ask) -> list[str]:
    """Notes to read before a network runs: its notice, and how much would be fetched."""
    network, use = ask.definition.network, ask.use
    if network is None or use is None:
        return []
    notes = [f"{ask.measure}: {network.notice}"] if network.notice else []
    absent = sum(file.bytes for file in use.weights.absent)
    if absent:
        notes.append(f"{ask.measure}: {size(absent)} of weights would be fetched from {use.weights.origin}")
    return notes


def network_asks(plan: Plan) -> dict[str, Ask]:
    """The asks of a plan that go to a network, by their keys."""
    asks = [ask for planned in plan.steps for ask in (*planned.asks, *(text.image for text in planned.texts))]
    return {ask.key: ask for ask in asks if ask.use is not None}


def fetch_networks(plan: Plan, say: Callable[[str], None]) -> None:
    """Fetch the weights that are not here yet, with a line for each file. Raises UnreachableError."""
    fetch_absent(network_asks(plan).values(), say)


def fetch_absent(asks: Iterable[Ask], say: Callable[[str], None]) -> None:
    """The same for single asks."""
    for ask in asks:
        if ask.use is None or not ask.use.weights.absent:
            continue

        origin = ask.use.weights.origin
        fetch(ask.use.weights, lambda file, origin=origin: say(_fetching(origin, file)))


def _fetching(origin: str, file: WeightFile) -> str:
    return f"fetching {file.name} of {origin} ({size(file.bytes)})"


def locked_networks(plan: Plan) -> dict[str, dict[str, Any]]:
    """For each store key of a network's values: the origin of its weights, their hash and licence."""
    return {key: _locked(ask) for key, ask in sorted(network_asks(plan).items())}


def _locked(ask: Ask) -> dict[str, Any]:
    assert ask.use is not None
    weights = ask.use.weights
    return {
        "weights": weights.origin,
        "revision": weights.revision,
        "sha256": weights.sha256,
        "files": {file.name: file.sha256 for file in weights.files},
        "licence": licence_of(ask),
    }


def licence_of(ask: Ask) -> str:
    """The licence of the weights: the one on the hub's card, or the one that the measure names for its own weights."""
    network, use = ask.definition.network, ask.use
    assert network is not None
    assert use is not None
    own = use.weights.revision != "" and network.weights.startswith(f"{use.weights.origin}@")
    return use.weights.licence or (network.licence if own else "")


def card_networks(plan: Plan) -> tuple[NetworkNote, ...]:
    """The notes on networks for the card of a release."""
    return tuple(_card_note(ask) for ask in network_asks(plan).values())


def _card_note(ask: Ask) -> NetworkNote:
    assert ask.use is not None
    assert ask.definition.network is not None
    weights = ask.use.weights
    note = NetworkNote(ask.measure, _place(weights), weights.sha256, licence_of(ask) or "unknown")
    return replace(note, notice=ask.definition.network.notice)


def _place(weights: Weights) -> str:
    return f"{weights.origin}@{weights.revision[:12]}" if weights.revision else weights.origin


def core_seconds(ask: Ask) -> float:
    """About how many seconds one core takes for one image; far fewer if there seems to be an accelerator."""
    network, use = ask.definition.network, ask.use
    if network is None or use is None:
        return PAIR_SECONDS if ask.definition.of_pairs else 0.0
    work = network.passes * use.weights.bytes * FLOPS_PER_BYTE / CORE_FLOPS
    return work if use.device == "cpu" or not has_accelerator() else work / ACCELERATOR_CORES


def has_accelerator() -> bool:
    """Whether there seems to be a GPU. Only device files are looked at: loading torch would take seconds."""
    from pathlib import Path

    return Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists()
