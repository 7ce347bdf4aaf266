"""The records that describe measures: their columns, parameters and networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Value = float | int | str | bool | bytes | None
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Column:
    """The meaning of one number (or word) of a measure.

    unit     "px", "bit/px", "dB" …; "" for a plain ratio or count
    low/high the closed range of possible values; None if unbounded
    better   which direction is good for a training set
    meaning  one sentence, shown by `groundglass measures`
    kind     float, int, str, bool or bytes
    hidden   read only by the program, such as a hash: never shown to people, and never suggested as a word
    """

    unit: str
    low: float | None
    high: float | None
    better: Better
    meaning: str
    kind: type = float
    hidden: bool = False


@dataclass(frozen=True)
class Parameter:
    """A setting that a recipe may give: its default value, unit and meaning.

    kind   the type that a recipe may give if the default is None (the setting then has no value unless given)
    words  words that it accepts: the only values of a text setting; for other types, allowed besides their values
    """

    default: Value
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    kind: type | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settled:
    """The final settings of a measure that asks a network, after the files that they name were read.

    settings  as the loader takes them
    key       their values in the store's key: the content of the files, not their paths
    columns   given if they depend on settings; None for the measure's own
    """

    settings: Mapping[str, Value]
    key: Mapping[str, Value]
    columns: Mapping[str, Column] | None = None


@dataclass(frozen=True)
class Network:
    """Describes how to find and load the network that a measure asks.

    load      load(weights, place, **settings) -> Scorer; ``weights`` is the file or folder that was found
    weights   the default place: "OWNER/NAME@REVISION" of a hub, followed by "/FILE" if it is a single file;
              "" if the recipe must name it
    patterns  the files of a folder that are needed, as globs; empty for a single file
    licence   of the weights, as their model card states it; "" if it depends on the weights that the recipe names
    notice    a condition that a user must know before use, shown by `plan`, such as "for non-commercial use only"
    half      whether 16-bit numbers on an accelerator change no value that is shown
    passes    number of passes through the network for one image: for forecasts
    settle    settle(weights, **settings) -> Settled, in `plan`: needed if settings name files or decide columns;
              ``weights`` is a `groundglass.models.weights.Weights`. Raises RecipeError
    find      find() -> Weights, if the network comes with a package of its own; raises RecipeError without that package
    texts     texts(weights, place) -> Scorer of texts, if a value belongs to an image and a text that came with it: the
              store then has a vector of each image and each text; the value is computed from both on demand
    """

    load: Callable[..., Any]
    weights: str = ""
    patterns: tuple[str, ...] = ()
    licence: str = ""
    notice: str = ""
    half: bool = False
    passes: int = 1
    settle: Callable[..., Settled] | None = None
    find: Callable[[], Any] | None = None
    texts: Callable[..., Any] | None = None


NETWORK_PARAMETERS = ("weights", "device", "allow_pickle")
"""The parameters that every measure that asks a network takes besides its own."""


def network_parameters(network: Network) -> dict[str, Parameter]:
    """These parameters for one network. None of them is part of a value's key; the hash of the weights is."""
    return {
        "weights": Parameter(network.weights, "a file, a folder, or OWNER/NAME@REVISION[/FILE] of a hub"),
        "device": Parameter("auto", "auto, cpu, cuda, cuda:1 or mps"),
        "allow_pickle": Parameter(
            False, "also load pickles; a pickle can run any code, so only load one from a source you trust"
        ),
    }


@dataclass(frozen=True)
class Measure:
    """A function from one image (`Frame`) to named numbers, and the meaning of these numbers.

    compute     compute(frame, **parameters) -> {column: value}; raises NoValue if there is none
    version     raised whenever a value could come out differently: stored values of another version are not used
    reference   the paper, standard or library of its definition
    needs       "header" if the file's first bytes suffice, "pixels" if the file must be decoded
    extra       the extra that must be installed, or None
    network     the network that it asks, if any; `NETWORK_PARAMETERS` are then added to its parameters
    of_pairs    whether it compares an image that a step made with the image it was made from; others have no value
    """

    name: str
    version: int
    compute: Callable[..., dict[str, Value]]
    columns: Mapping[str, Column]
    reference: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs: Literal["header", "pixels"] = "pixels"
    extra: str | None = None
    network: Network | None = None
    of_pairs: bool = False

    def __post_init__(self) -> None:
        if self.network is not None:
            whole = {**network_parameters(self.network), **self.parameters}
            object.__setattr__(self, "parameters", whole)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.compute.__doc__ or "").strip().splitlines()[0]


def settings_key(name: str, version: int, settings: Mapping[str, Any]) -> str:
    """A folder name that changes whenever the name, the version or the settings change.

    >>> settings_key("blockiness", 1, {})
    'blockiness-1'
    >>> settings_key("sharpness", 2, {"patch": 120})
    'sharpness-2-dd47100b'
    """
    # Without settings there is no hash, so most folders of the store keep a name that people can read.
    if not settings:
        return f"{name}-{version}"
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return f"{name}-{version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
