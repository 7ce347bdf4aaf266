"""The facts of a diffusers pipeline that its files show, without importing diffusers, which takes seconds."""

from __future__ import annotations

import json
from collections import abc
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError, UnreachableError
from groundglass.generators.fault import SettingFault
from groundglass.generators.schedulers import SCHEDULERS, schedulers_for
from groundglass.generators.settings import Generator, Range, Value, size_of
from groundglass.models.find_weights import find_weights
from groundglass.models.hub import GIVE_A_FOLDER
from groundglass.models.pipeline_files import INDEX, arguments_of, patterns_of
from groundglass.models.weights import Weights, parse_hub

ARGUMENTS = {"guidance": ("guidance_scale",), "steps": ("num_inference_steps",), "size": ("height", "width")}
"""Settings whose words differ from the pipeline's arguments."""
LEAST = 8
"""Sides of images are multiples of it in every pipeline with an autoencoder."""


@dataclass(frozen=True)
class PipelineFacts:
    """The files of a pipeline, and what they show.

    kind       its class
    scheduler  the class of its own scheduler; "" if it has none
    arguments  the arguments that it takes; None if its class is not in the installed diffusers, or does not say
    multiple   the sides of its images are multiples of it; None if its files do not show that
    """

    weights: Weights
    kind: str
    scheduler: str
    arguments: frozenset[str] | None
    multiple: int | None


def find_pipeline(generator: Generator) -> PipelineFacts:
    """The pipeline of a recipe, on the hub or in a folder. Nothing large is fetched.

    Raises RecipeError if there is none, or it is damaged; UnreachableError if the hub does not answer.
    """
    text = generator.model
    if not Path(text).expanduser().exists() and "@" not in text and parse_hub(f"{text}@main"):
        text = f"{text}@main"
    folder = Path(text).expanduser()
    if folder.is_dir() and not (folder / INDEX).is_file():
        raise SettingFault(
            f"{text} holds no pipeline: it has no {INDEX}", "name the folder that has one", ("diffusers",)
        )
    with naming_a_folder():
        weights = find_weights(
            text, patterns_of(generator.variant, generator.allow_pickle), generator.allow_pickle
        )
    try:
        index = _read(weights.path / INDEX)
        kind = str(index["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{generator.model} is not a pipeline of diffusers: {error}", "fetch it again"
        ) from error
    return PipelineFacts(weights, kind, _scheduler(weights.path), arguments_of(kind), _multiple(weights.path))


@contextmanager
def naming_a_folder() -> abc.Generator[None]:
    """Inside the block, the hint of a hub that does not answer names the key of a generator's folder."""
    try:
        yield
    except UnreachableError as error:
        hint = error.hint.replace(GIVE_A_FOLDER, "give a folder with the pipeline: diffusers: FOLDER")
        raise UnreachableError(error.message, hint) from error


def arguments_for(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The pipeline's arguments for an image's settings, all but the scheduler.

    >>> arguments_for({"guidance": 7.5, "size": "768x512", "scheduler": "ddim"})
    {'guidance_scale': 7.5, 'width': 768, 'height': 512}
    """
    found: dict[str, Value] = {}
    for name, value in settings.items():
        size = size_of(value) if name == "size" else None
        if size is not None:
            found |= {"width": size[0], "height": size[1]}
        elif name != "scheduler":
            found[ARGUMENTS.get(name, (name,))[0]] = value
    return found


def check_settings(generator: Generator, facts: PipelineFacts) -> None:
    """Raises SettingFault for a setting that the pipeline does not take, as far as its files show it."""
    for name, setting in generator.settings.items():
        values = () if isinstance(setting, Range) else setting
        if name == "scheduler":
            _check_schedulers(setting, facts)
        elif name == "size":
            _check_sizes([str(value) for value in values], facts)
        elif name != "seed" and facts.arguments is not None:
            _check_argument(name, facts)


def _check_argument(name: str, facts: PipelineFacts) -> None:
    known = facts.arguments or frozenset()
    if set(ARGUMENTS.get(name, (name,))) <= known:
        return
    words = [word for word, needs in ARGUMENTS.items() if set(needs) <= known]
    words += sorted(known - {one for needs in ARGUMENTS.values() for one in needs})
    raise SettingFault(
        f"{facts.kind} takes no `{name}`", f"it takes {', '.join(words)}", ("settings", name), name, words
    )


def _check_schedulers(setting: Any, facts: PipelineFacts) -> None:
    keys = ("settings", "scheduler")
    if isinstance(setting, Range):
        raise SettingFault("`scheduler` cannot be a range", "write a list of words: [ddim, euler]", keys)
    fitting = schedulers_for(facts.scheduler) if facts.scheduler else list(SCHEDULERS)
    for word in map(str, setting):
        if word not in SCHEDULERS:
            raise SettingFault(
                f"there is no scheduler '{word}'", f"one of: {', '.join(fitting)}", keys, word, fitting
            )
        if word not in fitting:
            say = f"the scheduler '{word}' does not fit {facts.kind}, whose own is {facts.scheduler}"
            raise SettingFault(say, f"one of: {', '.join(fitting)}", keys, word, fitting)


def _check_sizes(sizes: list[str], facts: PipelineFacts) -> None:
    if facts.arguments is not None:
        _check_argument("size", facts)
    multiple = facts.multiple or 1
    for word in sizes:
        width, height = size_of(word) or (0, 0)
        if width % multiple or height % multiple:
            near = f"{_nearest(width, multiple)}x{_nearest(height, multiple)}"
            say = f"{facts.kind} makes images with sides that are multiples of {multiple}, so not {word}"
            raise SettingFault(say, f"the nearest size is {near}", ("settings", "size"), word)


def _nearest(side: int, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)


def _scheduler(folder: Path) -> str:
    path = folder / "scheduler" / "scheduler_config.json"
    try:
        return str(_read(path).get("_class_name", "")) if path.is_file() else ""
    except ValueError:
        return ""


def _multiple(folder: Path) -> int | None:
    """The step of the sides: two to the number of halvings in the autoencoder, at least `LEAST`."""
    path = folder / "vae" / "config.json"
    try:
        config = _read(path) if path.is_file() else {}
    except ValueError:
        return None
    blocks = config.get("encoder_block_out_channels") or config.get("block_out_channels")
    return max(LEAST, 2 ** (len(blocks) - 1)) if isinstance(blocks, list) and blocks else None


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return found
