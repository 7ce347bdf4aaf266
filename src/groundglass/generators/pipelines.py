"""Generators of diffusers: found and checked without importing it, and run in worker processes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from groundglass.engines.cores import cores
from groundglass.engines.memory import available_memory
from groundglass.engines.run import run_job
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.generators.fault import SettingFault
from groundglass.generators.kind import Checked, GeneratorKind, Work
from groundglass.generators.pipeline_facts import (
    PipelineFacts,
    check_settings,
    find_pipeline,
    naming_a_folder,
)
from groundglass.generators.pipeline_job import MakeImages, PipelinePlace
from groundglass.generators.settings import Generator
from groundglass.models.devices import check_device, find_devices
from groundglass.models.hub import fetch
from groundglass.notices import notice

WORTH_IT = 8
"""Images for which one more worker loads the pipeline."""
ROOM = 1 << 30
"""Bytes that a worker needs besides its weights, at least."""


def check(generator: Generator) -> Checked:
    """The pipeline, its settings and its device. Raises RecipeError, and UnreachableError if the hub is needed."""
    if not is_installed("generate"):
        raise MissingExtra("generators of diffusers", "generate")
    word = generator.device or "auto"
    try:
        check_device(word)
        # A missing GPU is found here already, so that `plan` stops, and not a run.
        if word.partition(":")[0] in ("cuda", "mps"):
            find_devices(word)
    except RecipeError as error:
        raise SettingFault(error.message, error.hint, ("device",), word) from error
    facts = _found(generator)
    check_settings(generator, facts)
    said = "".join(f" {name}={value}" for name in ("dtype", "variant") if (value := getattr(generator, name)))
    return Checked(f"diffusers:{facts.weights.sha256}{said}", facts.weights.licence, facts)


def _found(generator: Generator) -> PipelineFacts:
    """The pipeline; the hub is asked once for each name."""
    if Path(generator.model).expanduser().exists():
        return find_pipeline(generator)
    return _of_hub(generator.model, generator.variant, generator.allow_pickle)


@lru_cache(maxsize=64)
def _of_hub(model: str, variant: str | None, allow_pickle: bool) -> PipelineFacts:
    return find_pipeline(Generator(diffusers=model, variant=variant, allow_pickle=allow_pickle))


def make(work: Work) -> None:
    """Make the images in worker processes, each of which loads the pipeline once."""
    facts: PipelineFacts = work.checked.facts
    if facts.weights.absent:
        with naming_a_folder():
            fetch(
                facts.weights,
                lambda file: notice(f"{work.name}: fetching {file.name} ({file.bytes:,} bytes)"),
            )
    generator = work.generator
    devices = tuple(find_devices(generator.device or "auto"))
    place = PipelinePlace(
        facts.weights.path, devices, generator.dtype, generator.variant, generator.allow_pickle
    )
    # Loading takes as long as several images, so a few of them are not worth another worker.
    most = min(work.engine.workers or cores(), -(-len(work.tasks) // WORTH_IT))
    engine = replace(
        work.engine,
        workers=workers_for(devices, facts.weights.bytes, most),
        # Every image is saved at once: it may have taken minutes.
        shard=1,
        seconds_per_image=work.timeout,
    )
    run_job(MakeImages(work.made, work.name, place), list(work.tasks), engine, work.progress)


def workers_for(devices: tuple[str, ...], weights: int, most: int, memory: int | None = None) -> int:
    """How many workers may load the pipeline: one for each GPU; on the CPU as many as the cores and the memory allow.

    >>> workers_for(("cuda:0", "cuda:1"), 4 << 30, 16), workers_for(("cpu",), 4 << 30, 16, memory=32 << 30)
    (2, 3)
    """
    if devices != ("cpu",):
        return min(len(devices), most)
    memory = memory or available_memory()
    # Loaded in float32, weights that are stored in 16 bits take twice their bytes.
    fitting = most if memory is None else memory // (2 * weights + ROOM)
    return max(1, min(most, fitting))


KIND = GeneratorKind("diffusers", check, make, paid=False)
