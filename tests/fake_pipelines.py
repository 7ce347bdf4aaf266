"""A pipeline that does what the prompt says, also in a worker process: run out of memory, make no numbers, die."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from groundglass.generators import pipeline_job
from groundglass.generators.pipeline_job import MakeImages


class FakePipeline:
    """It takes the arguments of most pipelines; an image is noise of its seed."""

    own_scheduler = None
    components: ClassVar[dict[str, Any]] = {}

    def __call__(
        self,
        prompt: str,
        generator: Any,
        output_type: str,
        height: int = 32,
        width: int = 32,
        guidance_scale: float = 7.5,
    ) -> Any:
        if "too large" in prompt and height > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        if "no memory" in prompt:
            raise MemoryError
        if "breaks" in prompt:
            raise ValueError("guidance is too strong\nfor this image")
        if "dies" in prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        rgb = np.random.default_rng(generator.initial_seed()).random((height, width, 3))
        if "half" in prompt:
            rgb = rgb[: height // 2]
        if "black" in prompt:
            rgb[:] = 0
        if "no number" in prompt:
            rgb[3, 3] = np.nan
        return SimpleNamespace(images=rgb[None], nsfw_content_detected=["naked" in prompt])


@dataclass(frozen=True)
class MakeFakeImages(MakeImages):
    """The job with that pipeline."""

    def load(self) -> None:
        pipeline_job.loaded = lambda _place: FakePipeline()  # type: ignore[assignment]
