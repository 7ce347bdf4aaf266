"""A network as an ask uses it: the weights that were found, the device, and the network in memory."""

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
    """Weights that were found for a measure, and where its network shall run: a device, or "auto"."""

    weights: Weights
    device: str = "auto"


def find_use(
    network: Network, weights: Value = None, device: Value = None, allow_pickle: Value = False
) -> Use:
    """What a recipe's `weights`, `device` and `allow_pickle` come to. Raises all of `find_weights`."""
    word = str(device or "auto")
    check_device(word)
    if word.partition(":")[0] in ("cuda", "mps"):
        find_devices(word)
    return Use(_found(network, weights, bool(allow_pickle)), word)


def _found(network: Network, weights: Value, allow_pickle: bool) -> Weights:
    if network.find is None:
        return find_weights(str(weights or network.weights), network.patterns, allow_pickle)
    if weights:
        raise RecipeError("it takes no weights: its package has its own", "leave `weights` out")
    found: Weights = network.find()
    return found


def settle(network: Network, use: Use, settings: Mapping[str, Value]) -> Settled:
    """What settings come to with these weights; as they are where the network says nothing of it.

    Raises RecipeError for settings that cannot be.
    """
    return network.settle(use.weights, **settings) if network.settle else Settled(settings, settings)


def in_memory(network: Network, use: Use, settings: Settings) -> Batches:
    """The network, loaded when first asked for in this process and then kept.

    Raises RecipeError where it cannot be loaded from these weights, and what a loader raises on purpose.
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
            "are these the weights of this network? groundglass measures NAME says what it takes",
        ) from error


def ask_network(measure: Measure, frame: Any, parameters: dict[str, Value]) -> dict[str, Value]:
    """What a measure's network says of one frame: the body of such a measure's `compute`.

    ``parameters`` are those of the measure, `weights` and so on among them; the network stays in memory for the next
    frame. Raises NoValue and ImageError, and RecipeError where the network cannot be had.
    """
    assert measure.network is not None
    given = dict(parameters)
    use = find_use(
        measure.network, *(given.pop(name, None) for name in ("weights", "device", "allow_pickle"))
    )
    settings = settle(measure.network, use, given).settings
    return answer(in_memory(measure.network, use, tuple(sorted(settings.items()))), frame)


def answer(batches: Batches, frame: Any) -> dict[str, Value]:
    """The answer for one frame; raises why there is none."""
    found = batches.answers([batches.scorer.prepare(frame)])[0]
    if isinstance(found, Exception):
        raise found
    return dict(found)
