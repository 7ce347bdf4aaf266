"""The records that stand beside functions and say what they mean."""

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
    """What one number (or word) of a measure means.

    unit     "px", "bit/px", "dB" …; "" for a plain ratio or count
    low/high the closed range of possible values; None where unbounded
    better   which way is good for a training set
    meaning  one sentence, shown by `groundglass measures`
    kind     float, int, str, bool or bytes
    hidden   what only the program reads, such as a hash: shown to people nowhere, and no word to suggest
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
    """A setting that a recipe may give: its neutral value, unit and meaning.

    kind   what a recipe may give, where the neutral value is None: there is none unless it is said
    words  the words that it may give: the only ones where it is a word, and besides its values where it is another kind
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
    """What the settings of a measure that asks a network come to, once the files that they name were read.

    settings  as the loader takes them
    key       what stands for them in the store's key: what files hold, not where they lie
    columns   where they depend on settings; None for the measure's own
    """

    settings: Mapping[str, Value]
    key: Mapping[str, Value]
    columns: Mapping[str, Column] | None = None


@dataclass(frozen=True)
class Network:
    """What a measure that asks a network needs to find and load it.

    load      load(weights, place, **settings) -> Scorer; ``weights`` is the file or folder that was found
    weights   where it is found unless a recipe says otherwise: "OWNER/NAME@REVISION" of a hub, with "/FILE" behind
              the revision where it is one file; "" where the recipe must say it
    patterns  the files of a folder that are wanted, as globs; empty for a single file
    licence   of the weights, as the card says it; "" where it depends on what the recipe names
    notice    what a user must know before use, shown by `plan`, such as "for non-commercial use only"
    half      whether 16-bit numbers on an accelerator change no value that is shown
    passes    how often the network is gone through for one picture: for forecasts
    settle    settle(weights, **settings) -> Settled, in `plan`: where settings name files, or columns depend on them;
              ``weights`` is a `groundglass.models.weights.Weights`. Raises RecipeError
    find      find() -> Weights, where the network comes with a package of its own; raises RecipeError without it
    texts     texts(weights, place) -> Scorer of texts, where a value is of a picture and a text that came with it: the
              store then has a vector of each picture and of each text, and the value is made of both when asked for
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
"""What every measure that asks a network takes beside its own parameters."""


def network_parameters(network: Network) -> dict[str, Parameter]:
    """Those parameters for one network. None of them is part of a value's key; the hash of what was found is."""
    return {
        "weights": Parameter(network.weights, "a file, a folder, or OWNER/NAME@REVISION[/FILE] of a hub"),
        "device": Parameter("auto", "auto, cpu, cuda, cuda:1 or mps"),
        "allow_pickle": Parameter(
            False, "load a pickle too, which could run anything; only from who is trusted"
        ),
    }


@dataclass(frozen=True)
class Measure:
    """A function from one image (`Frame`) to named numbers, and what they mean.

    compute     compute(frame, **parameters) -> {column: value}; raises NoValue where there is none
    version     goes up whenever a value could come out differently: stored values of another version are not used
    reference   the paper, standard or library the definition comes from
    needs       "header" when the file's first bytes suffice, "pixels" when it must be decoded
    extra       the extra that must be installed, or None
    network     what it asks, where it asks a network; `NETWORK_PARAMETERS` are then added to its parameters
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

    def __post_init__(self) -> None:
        if self.network is not None:
            whole = {**network_parameters(self.network), **self.parameters}
            object.__setattr__(self, "parameters", whole)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.compute.__doc__ or "").strip().splitlines()[0]


def settings_key(name: str, version: int, settings: Mapping[str, Any]) -> str:
    """A folder name that changes whenever name, version or settings do.

    >>> settings_key("blockiness", 1, {})
    'blockiness-1'
    >>> settings_key("sharpness", 2, {"patch": 120})
    'sharpness-2-dd47100b'
    """
    if not settings:
        return f"{name}-{version}"
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return f"{name}-{version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
