"""A network in use: the weights that were found, the device, and the network in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundglass.catalog import Measure, Network, Settled, Value
from groundglass.errors import GroundglassError, RecipeError
from groundglass.models.batching import Batches
from groundglass.models.devices import check_device, find_devices, place_on
from groundglass.models.find_weights import find_weights
from groundglass.models.hub import fetch
from groundglass.models.scorer import Place
from groundglass.models.weights import Weights

Settings = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Use:
    """The weights that were found for a measure, and the device of its network, or "auto"."""

    weights: Weights
    device: str = "auto"


def find_use(
    network: Network, weights: Value = None, device: Value = None, allow_pickle: Value = False
) -> Use:
    """The use that a recipe's `weights`, `device` and `allow_pickle` describe. Raises the errors of `find_weights`."""
    word = str(device or "auto")
    check_device(word)
    # A missing GPU is found here already, so that `plan` stops and not a run after its earlier steps.
    if word.partition(":")[0] in ("cuda", "mps"):
        find_devices(word)
    return Use(_found(network, weights, bool(allow_pickle)), word)


def _found(network: Network, weights: Value, allow_pickle: bool) -> Weights:
    if network.find is None:
        return find_weights(str(weights or network.weights), network.patterns, allow_pickle)
    if weights:
        raise RecipeError("it takes no weights: its package brings them", "leave `weights` out")
    found: Weights = network.find()
    return found


def settle(network: Network, use: Use, settings: Mapping[str, Value]) -> Settled:
    """Settings completed by these weights; unchanged if the network has nothing to add.

    Raises RecipeError for settings that do not fit the weights.
    """
    return network.settle(use.weights, **settings) if network.settle else Settled(settings, settings)


def in_memory(network: Network, use: Use, settings: Settings) -> Batches:
    """The network, loaded at its first use in this process and then kept.

    Raises RecipeError if it cannot be loaded from these weights, and the errors that a loader raises on purpose.
    """
    place = place_on(find_devices(use.device)[0], network.half)
    return _loaded(network.load, use.weights, place, settings)


@lru_cache(maxsize=2)
def _loaded(load: Callable[..., Any], weights: Weights, place: Place, settings: Settings) -> Batches:
    if weights.absent:
        fetch(weights)
    try:
        return Batches(load(weights.path, place, **dict(settings)))
    except GroundglassError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
        raise RecipeError(
            f"cannot load the network of {weights.path} on {place.device}: {said}",
            "are these the weights of this network? groundglass measures NAME shows what it takes",
        ) from error


def ask_network(measure: Measure, frame: Any, parameters: dict[str, Value]) -> dict[str, Value]:
    """The values of a measure's network for one frame: the body of such a measure's `compute`.

    ``parameters`` are those of the measure, including `weights`, `device` and `allow_pickle`; the network stays in
    memory for the next frame. Raises NoValue and ImageError, and RecipeError if the network cannot be loaded.
    """
    assert measure.network is not None
    given = dict(parameters)
    use = find_use(
        measure.network, *(given.pop(name, None) for name in ("weights", "device", "allow_pickle"))
    )
    settings = settle(measure.network, use, given).settings
    return answer(in_memory(measure.network, use, tuple(sorted(settings.items()))), frame)


def answer(batches: Batches, frame: Any) -> dict[str, Value]:
    """The answer for one frame; raises the error if there is none."""
    found = batches.answers([batches.scorer.prepare(frame)])[0]
    if isinstance(found, Exception):
        raise found
    return dict(found)
