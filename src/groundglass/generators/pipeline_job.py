"""The job that makes images with a diffusers pipeline, one at a time, in a worker process that loads it once."""

from __future__ import annotations

import gc
import inspect
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundglass.engines.shards import Summary
from groundglass.errors import NoValue, RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.generators.made import MadeFolder, Outcome, Task
from groundglass.generators.pipeline_facts import arguments_for
from groundglass.generators.schedulers import SCHEDULERS
from groundglass.generators.settings import size_of
from groundglass.image.encode import encode_png
from groundglass.models.devices import claim, place_on

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MEMORY = re.compile(r"out of memory|(can't|cannot) allocate memory|not enough memory", re.IGNORECASE)
LONG_TEXT = 100_000
"""A tokenizer that states a longer limit states none."""


@dataclass(frozen=True)
class PipelinePlace:
    """A pipeline as a worker loads it; ``devices`` are those that it may claim one of."""

    folder: Path
    devices: tuple[str, ...]
    dtype: str | None = None
    variant: str | None = None
    allow_pickle: bool = False


@dataclass(frozen=True)
class MakeImages:
    """Makes images with one pipeline; each finished one is a file and a line in ``made``."""

    made: MadeFolder
    generator: str
    pipeline: PipelinePlace

    def load(self) -> None:
        """Load the pipeline before the first image, outside its time limit."""
        loaded(self.pipeline)

    def many(self, items: Sequence[Task]) -> Iterator[Outcome]:
        for item in items:
            yield self.one(item)

    def images(self, item: Task) -> int:  # noqa: ARG002
        return 1

    def one(self, item: Task) -> Outcome:
        """The outcome of one image; every error of the pipeline is one. The image is on the disk then."""
        begun = time.monotonic()
        pipeline = loaded(self.pipeline)
        cut: int | None = None
        try:
            cut = tokens_cut(pipeline, item)
            rgb = paint(pipeline, item)
        except NoValue as fault:
            return Outcome(item.key, error=fault.reason, detail=fault.detail, cut=cut)
        # A pipeline may raise anything.
        except Exception as error:
            _free()
            reason = "out_of_memory" if _is_memory(error) else "generation_failed"
            return Outcome(item.key, error=reason, detail=_in_words(error), cut=cut)
        content = encode_png(rgb)
        name = self.made.keep(self.generator, item.key, content, ".png")
        seconds = round(time.monotonic() - begun, 3)
        return Outcome(item.key, name, sha256_of(content), cut=cut, seconds=seconds)

    def lost(self, item: Task, reason: str, detail: str) -> Outcome:
        return Outcome(item.key, error=reason, detail=detail)

    def name(self, item: Task) -> str:
        return item.uri

    def save(self, results: Sequence[Outcome]) -> Summary:
        self.made.add(results)
        return Summary(len(results), dict(Counter(one.error for one in results if one.error)))


@lru_cache(maxsize=1)
def loaded(place: PipelinePlace) -> Any:
    """The pipeline in memory, on its device. Raises RecipeError if it cannot be loaded."""
    import diffusers
    import torch
    import transformers
    from tqdm import tqdm

    # Its own lock is shared by processes, and the system reports it as leaked when a worker ends.
    tqdm.set_lock(threading.RLock())
    library: Any = diffusers
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    device = claim(place.devices, place.folder)
    dtype = place.dtype or place_on(device, half=True).dtype
    try:
        pipeline = library.DiffusionPipeline.from_pretrained(
            str(place.folder),
            dtype=getattr(torch, dtype),
            variant=place.variant,
            use_safetensors=None if place.allow_pickle else True,
            local_files_only=True,
        ).to(device)
    # A damaged file can make the libraries raise anything.
    except Exception as error:
        if _is_memory(error):
            raise RecipeError(
                f"the pipeline in {place.folder} does not fit into the memory of {device}",
                "use a smaller dtype, or another device",
            ) from error
        raise RecipeError(
            f"the pipeline in {place.folder} cannot be loaded: {_in_words(error)}",
            "is it whole, and are its weights .safetensors files? allow_pickle: true also takes pickles",
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    pipeline.own_scheduler = getattr(pipeline, "scheduler", None)
    return pipeline


def paint(pipeline: Any, task: Task) -> npt.NDArray[np.uint8]:
    """The image of a task, H×W×3. Raises NoValue: ``refused``, ``blank``, ``wrong_size``, ``bad_request``."""
    import numpy as np
    import torch

    arguments = arguments_for(task.settings)
    known = inspect.signature(pipeline.__call__).parameters
    strange = [name for name in arguments if name not in known]
    if strange:
        raise NoValue("bad_request", f"{type(pipeline).__name__} takes no `{strange[0]}`")
    if "clean_caption" in known:
        # It rewrites the prompt; the recorded prompt must be the one that was used.
        arguments = {"clean_caption": False, **arguments}
    _set_scheduler(pipeline, task)
    # On the CPU, so that a seed means the same noise on every device.
    chance = torch.Generator("cpu").manual_seed(task.seed)
    with torch.inference_mode():
        done = pipeline(prompt=task.prompt, generator=chance, output_type="np", **arguments)
    blanked = getattr(done, "nsfw_content_detected", None) or getattr(done, "nsfw_detected", None)
    if blanked is not None and any(blanked):
        raise NoValue("refused", "its safety checker blanked the image")
    pixels = np.asarray(done.images[0])
    if not np.isfinite(pixels).all():
        raise NoValue("blank", "its numbers are not finite; another dtype may help")
    rgb = pixels if pixels.dtype == np.uint8 else (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    if rgb.ndim == 2 or rgb.shape[2] == 1:
        rgb = np.repeat(rgb.reshape(*rgb.shape[:2], 1), 3, axis=2)
    rgb = np.ascontiguousarray(rgb[:, :, :3])
    if (rgb == rgb[0, 0]).all():
        raise NoValue("blank", f"every pixel is {tuple(rgb[0, 0].tolist())}")
    _check_size(rgb, task)
    return rgb


def _set_scheduler(pipeline: Any, task: Task) -> None:
    """A new scheduler for each image: some keep numbers of the image before."""
    import diffusers

    own, word = pipeline.own_scheduler, task.settings.get("scheduler")
    if word is not None and own is None:
        raise NoValue("bad_request", f"{type(pipeline).__name__} has no scheduler")
    if own is not None:
        kind, changed = SCHEDULERS[str(word)] if word is not None else (type(own).__name__, {})
        pipeline.scheduler = getattr(diffusers, kind).from_config(own.config, **changed)


def _check_size(rgb: npt.NDArray[np.uint8], task: Task) -> None:
    wanted = size_of(task.settings.get("size"))
    height, width = rgb.shape[:2]
    if wanted is not None and (width, height) != wanted:
        raise NoValue("wrong_size", f"{width}x{height} instead of {wanted[0]}x{wanted[1]}")


def tokens_cut(pipeline: Any, task: Task) -> int | None:
    """How many tokens at the end of a prompt no text encoder reads; None if the pipeline has no tokenizer."""
    known = inspect.signature(pipeline.__call__).parameters
    longest = task.settings.get("max_sequence_length") or getattr(
        known.get("max_sequence_length"), "default", None
    )
    cuts: list[int] = []
    for name, tokenizer in pipeline.components.items():
        limit = getattr(tokenizer, "model_max_length", None)
        if not name.startswith("tokenizer") or limit is None:
            continue
        # CLIP's limit is fixed; that of a larger text encoder is an argument of the pipeline.
        if limit > 77 and isinstance(longest, int):
            limit = min(limit, longest)
        count = len(tokenizer(task.prompt, truncation=False).input_ids)
        cuts.append(max(0, count - limit) if limit < LONG_TEXT else 0)
    return min(cuts, default=None)


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or _MEMORY.search(str(error)) is not None


def _free() -> None:
    """Give memory of a failed image back, so that the next one can have it."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
