"""diffusers pipelines that take an image: image-to-image, editing by a prompt, and upscaling."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import ImageError, MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.image.resize import resize
from groundglass.libraries import Image
from groundglass.models.devices import place_on
from groundglass.models.find_weights import find_weights
from groundglass.models.hub import fetch
from groundglass.models.pipeline_files import INDEX, arguments_of, patterns_of
from groundglass.models.restorers.checks import rounded
from groundglass.models.restorers.records import Found, Levels, Network, RestorerSettings
from groundglass.models.weights import PICKLES, SAFE, Weights, is_of, parse_hub

TILE = 1024
"""px of LQ. A generative pipeline sees the whole image where it can: its tiles would not agree."""
_OWN_SCALE = {"StableDiffusionUpscalePipeline": 4, "StableDiffusionLatentUpscalePipeline": 2}
_STEP = 16
"""Sides that all pipelines take are multiples of it, px."""
_ARGUMENTS = {"steps": "num_inference_steps", "strength": "strength", "guidance": "guidance_scale"}


@dataclass(frozen=True)
class PipelineUse:
    """A pipeline with its settings, as `load_pipeline` takes it.

    kind  the class of diffusers that is loaded
    """

    weights: Weights
    kind: str
    scale: int
    settings: RestorerSettings


def names_a_pipeline(text: str) -> bool:
    """Whether a recipe's `model` is a folder or a place on a hub.

    >>> names_a_pipeline("timbrooks/instruct-pix2pix"), names_a_pipeline("nets/4x_span.pth")
    (True, False)
    """
    if Path(text).expanduser().is_dir():
        return True
    file = is_of(text, (*SAFE, *PICKLES, ".param"))
    return not file and parse_hub(text if "@" in text else f"{text}@main") is not None


def find_pipeline(settings: RestorerSettings) -> Found:
    """The pipeline of a recipe. Nothing large is fetched or loaded.

    A text-to-image pipeline is loaded as its image-to-image twin, which uses the same weights. Raises RecipeError if
    there is none, if it takes no image, or if it does not take a setting.
    """
    if not is_installed("generate"):
        raise MissingExtra(f"the pipeline {settings.model}", "generate")
    folder = Path(settings.model).expanduser()
    if folder.is_dir() and not (folder / INDEX).is_file():
        raise RecipeError(
            f"{settings.model} holds no pipeline: it has no {INDEX}",
            "name the file of a network, or a folder that has one",
        )
    on_hub = not folder.is_dir() and "@" not in settings.model
    weights = find_weights(f"{settings.model}@main" if on_hub else settings.model, patterns_of(None, False))
    kind = _kind_for_images(settings, weights.path)
    scale = settings.scale or _OWN_SCALE.get(kind, 1)
    if scale != _OWN_SCALE.get(kind, scale):
        raise RecipeError(f"{kind} makes x{_OWN_SCALE[kind]}, not x{scale}", f"scale: {_OWN_SCALE[kind]}")
    record = {
        "kind": "diffusers",
        "pipeline": kind,
        "sha256": weights.sha256,
        "scale": scale,
        "tile": settings.tile or TILE,
        "overlap": settings.overlap,
        "prompt": settings.prompt,
        "seed": settings.seed,
        **{name: getattr(settings, name) for name in _ARGUMENTS},
    }
    use = PipelineUse(weights, kind, scale, settings)
    return Found(
        "diffusers",
        settings,
        scale,
        record,
        weights.licence or "unknown",
        settings.tile or TILE,
        settings.overlap,
        load=lambda device: load_pipeline(use, device),
        paths=(weights.path,),
    )


def load_pipeline(use: PipelineUse, device: str) -> Network:
    """The pipeline in memory. Raises RecipeError if it cannot be loaded."""
    pipeline = _loaded(use.weights, use.kind, device)
    settings, taken = use.settings, arguments_of(use.kind) or frozenset()
    values = {
        argument: getattr(settings, name)
        for name, argument in _ARGUMENTS.items()
        if getattr(settings, name) is not None
    }
    own = use.kind in _OWN_SCALE

    def run(seen: Levels) -> Levels:
        import diffusers
        import torch

        height, width = seen.shape[0] * use.scale, seen.shape[1] * use.scale
        given = seen if own else resize(seen, width, height, "matlab_bicubic")
        sizes = {name: value for name, value in (("height", height), ("width", width)) if name in taken}
        # Otherwise it would choose a size that it was trained on.
        fixed = {"_auto_resize": False} if "_auto_resize" in taken else {}
        scheduler = getattr(pipeline, "scheduler", None)
        if scheduler is not None:
            # A new one for each image: some keep numbers of the image before.
            pipeline.scheduler = getattr(diffusers, type(scheduler).__name__).from_config(scheduler.config)
        with torch.inference_mode():
            done = pipeline(
                prompt=settings.prompt,
                image=Image.fromarray(rounded(given)),
                # On the CPU, so that a seed means the same noise on every device.
                generator=torch.Generator("cpu").manual_seed(settings.seed),
                output_type="np",
                **values,
                **sizes,
                **fixed,
            )
        blanked = getattr(done, "nsfw_content_detected", None)
        if blanked is not None and any(blanked):
            raise ImageError("refused", "its safety checker blanked the image")
        return np.asarray(done.images[0], np.float32)

    multiple = _STEP if own else _STEP // math.gcd(_STEP, use.scale)
    return Network(run, use.scale, multiple=multiple)


def _kind_for_images(settings: RestorerSettings, folder: Path) -> str:
    """The class that takes an image. Raises RecipeError if there is none, or if it does not take a setting."""
    try:
        kind = str(json.loads((folder / INDEX).read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RecipeError(
            f"{settings.model} is not a pipeline of diffusers: {error}", "fetch it again"
        ) from error
    twin = kind.replace("Pipeline", "Img2ImgPipeline")
    for name in (kind, twin):
        taken = arguments_of(name) or frozenset()
        if "image" in taken:
            break
    else:
        raise RecipeError(f"{kind} takes no image", "a restorer edits, upscales or repaints an image")
    for setting, argument in _ARGUMENTS.items():
        if getattr(settings, setting) is not None and argument not in taken:
            raise RecipeError(f"{name} takes no `{setting}`", f"leave `{setting}` out")
    return name


@lru_cache(maxsize=1)
def _loaded(weights: Weights, kind: str, device: str) -> Any:
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
    if weights.absent:
        fetch(weights)
    try:
        pipeline = (
            getattr(library, kind)
            .from_pretrained(
                str(weights.path),
                dtype=getattr(torch, place_on(device, half=True).dtype),
                use_safetensors=True,
                local_files_only=True,
            )
            .to(device)
        )
    # A damaged file can make the libraries raise anything.
    except Exception as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise RecipeError(
            f"the pipeline in {weights.path} cannot be loaded: {said}",
            "is it whole, and are its weights .safetensors files?",
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
