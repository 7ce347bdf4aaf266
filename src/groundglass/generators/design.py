"""The design of generated images: which prompt, which settings and which seed each image of a generator gets.

Everything is drawn from streams that depend on names alone (`groundglass.random_streams`), never on how many images
are wanted. So a larger design contains the smaller one, image by image.

A Latin hypercube usually needs its size in advance. Here it grows by doubling: if the first n numbers of a setting
have exactly one in each of n equal parts of 0 to 1, then each of 2n half as wide parts has one or none, and the next n
numbers go into the empty ones, in an order of its own for each setting. So the first 1, 2, 4, 8, … images are Latin
hypercubes, and of the first n images, with 2^m <= n < 2^(m+1), each of 2^m equal parts has one or two.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from groundglass.generators.settings import Range, Value
from groundglass.random_streams import stream

Sampling = Literal["latin_hypercube", "random", "grid"]
Unit = npt.NDArray[np.float64]
Name = str | int
SEEDS = 2**31
"""Seeds are below it, because some servers take no larger ones."""


def doubling_hypercube(count: int, seed: int, *names: Name) -> Unit:
    """The first ``count`` numbers of one setting, in [0, 1): of the first 2^m, each of 2^m equal parts has one.

    >>> some = doubling_hypercube(8, 7, "guidance")
    >>> sorted(int(8 * number) for number in some), bool((some[:4] == doubling_hypercube(4, 7, "guidance")).all())
    ([0, 1, 2, 3, 4, 5, 6, 7], True)
    """
    found: Unit = stream(seed, *names, 0).random(1)
    while len(found) < count:
        parts = 2 * len(found)
        taken = np.floor(found * parts).astype(np.int64)
        empty = np.setdiff1d(np.arange(parts), taken)
        chance = stream(seed, *names, parts)
        # The smallest float below 1 keeps a number in its part.
        within = np.minimum(chance.random(len(empty)), 1 - 2**-20)
        found = np.concatenate([found, (chance.permutation(empty) + within) / parts])
    return found[:count]


def value_at(setting: Range | Sequence[Value], unit: float, name: str) -> Value:
    """The value of a setting at a place from 0 to 1: equal parts for the values of a list (a repeated
    value has several), or a number of a range.

    Real numbers have six digits, so that a table shows them as they are.

    >>> value_at(("ddim", "euler"), 0.7, "scheduler"), value_at(Range(low=10, high=50), 0.999, "steps")
    ('euler', 50)
    >>> value_at(Range(low=1, high=100, log=True, whole=False), 0.5, "guidance")
    10.0
    """
    if not isinstance(setting, Range):
        return setting[min(int(unit * len(setting)), len(setting) - 1)]
    if setting.is_whole(name):
        return _whole(setting, unit)
    low, high = float(setting.low), float(setting.high)
    number = low * (high / low) ** unit if setting.log else low + unit * (high - low)
    return min(high, max(low, float(f"{number:.6g}")))


def _whole(setting: Range, unit: float) -> int:
    """A whole number of a range; each has the share of numbers that would be rounded down to it."""
    low, high = math.ceil(setting.low), math.floor(setting.high)
    number = low * ((high + 1) / low) ** unit if setting.log else low + unit * (high + 1 - low)
    return min(high, max(low, math.floor(number)))


@dataclass(frozen=True)
class Prompt:
    """One row of the prompts: its text, an id that depends on the text alone, and the columns that came with it."""

    text: str
    beside: Mapping[str, Any]

    @property
    def id(self) -> str:
        return prompt_id(self.text)


def prompt_id(text: str) -> str:
    """The id of a prompt: equal texts have equal ids.

    >>> prompt_id("a cat")
    '51e467415607'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Wanted:
    """One image of a design.

    place       the position of its prompt among the prompts
    repetition  how many earlier images of the generator have the same text
    """

    generator: str
    place: int
    prompt: Prompt
    repetition: int
    seed: int
    settings: Mapping[str, Value]

    @property
    def uri(self) -> str:
        """Its name: it depends on the generator, the text and the repetition alone."""
        return f"{self.generator}/{self.generator}_{self.prompt.id}_{self.repetition}"


@dataclass(frozen=True)
class Share:
    """The images of one generator in a design: how many, and the first of its prompts."""

    generator: str
    settings: Mapping[str, Range | Sequence[Value]]
    images: int
    first: int = 0


def shares(
    generators: Mapping[str, tuple[Mapping[str, Range | Sequence[Value]], int | None]],
    prompts: int,
    per_prompt: int,
    shared: bool,
) -> list[Share]:
    """The share of each generator: all begin with the first prompt, or each begins after the last one of the former.

    >>> [(one.images, one.first) for one in shares({"a": ({}, 3), "b": ({}, None)}, 4, 1, shared=False)]
    [(3, 0), (4, 3)]
    """
    found: list[Share] = []
    first = 0
    for name, (settings, images) in generators.items():
        count = images or prompts * per_prompt
        found.append(Share(name, settings, count, 0 if shared else first % max(1, prompts)))
        first += count
    return found


def design(
    share: Share, prompts: Sequence[Prompt], sampling: Sampling, seed: int, source: str
) -> list[Wanted]:
    """The images of one generator, in the order in which they are made. A larger share begins with a smaller one.

    Every prompt is used once before one is used again.
    """
    names: tuple[Name, ...] = (source, share.generator)
    drawn = _settings(share, len(prompts), sampling, seed, names)
    used: Counter[str] = Counter()
    wanted: list[Wanted] = []
    for number in range(share.images):
        place = (share.first + number) % len(prompts)
        prompt = prompts[place]
        repetition = used[prompt.id]
        used[prompt.id] += 1
        settings = dict(drawn[number])
        own = settings.pop("seed", None)
        chance = stream(seed, *names, "seed", prompt.id, repetition)
        image_seed = int(chance.integers(SEEDS)) if own is None else int(own)
        wanted.append(Wanted(share.generator, place, prompt, repetition, image_seed, settings))
    return wanted


def _settings(
    share: Share, prompts: int, sampling: Sampling, seed: int, names: tuple[Name, ...]
) -> list[dict[str, Value]]:
    """The settings of each image of a share."""
    if sampling == "grid":
        return _grid(share, prompts)
    columns: dict[str, list[Value]] = {}
    for name, setting in share.settings.items():
        if sampling == "latin_hypercube":
            units = doubling_hypercube(share.images, seed, *names, name)
        else:
            units = stream(seed, *names, name, "random").random(share.images)
        columns[name] = [value_at(setting, float(unit), name) for unit in units]
    return [{name: values[number] for name, values in columns.items()} for number in range(share.images)]


def _grid(share: Share, prompts: int) -> list[dict[str, Value]]:
    """Every combination of the values in turn; a prompt that is used again gets the next combination."""
    lists = {name: () if isinstance(one, Range) else tuple(one) for name, one in share.settings.items()}
    cells = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    return [cells[(number % prompts + number // prompts) % len(cells)] for number in range(share.images)]


def cells_of(settings: Mapping[str, Range | Sequence[Value]]) -> int:
    """The number of combinations of a grid.

    >>> cells_of({"size": ("512x512", "768x512"), "steps": (10, 20, 50)})
    6
    """
    return math.prod(len(one) for one in settings.values() if not isinstance(one, Range))
