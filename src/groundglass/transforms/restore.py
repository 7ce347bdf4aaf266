"""Every image restored by a network: the HQ of a pair, or a network's answer to judge."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field, PositiveInt

from groundglass.engines.cores import cores
from groundglass.engines.memory import available_memory
from groundglass.engines.shards import Settings
from groundglass.errors import NotHere, RecipeError
from groundglass.made_images.records import key_of
from groundglass.made_images.restored import restored_record, write_restored_record
from groundglass.models.devices import find_devices
from groundglass.models.restorers.records import Found, RestorerSettings
from groundglass.models.restorers.restorer import find_restorer
from groundglass.transforms.derived import Derived
from groundglass.transforms.made_rows import larger_rows
from groundglass.transforms.transform import KeyFault, Transform

SECONDS = 36_000.0
"""CPU seconds that the images of one photo may take: a large one has hours of work on a CPU."""
MEMORY = 1_500_000_000
"""Bytes that a worker with a network needs on a CPU, beside the weights."""


class Restore(Transform):
    """Every image restored by a network: the HQ of a pair. The image that it came from is the LQ."""

    keys: ClassVar = ("restore",)
    reference: ClassVar = "the network's own; its weights and licence are in the card"
    example: ClassVar = "{restore: bicubic, scale: 4}"
    resizes: ClassVar = True
    makes: ClassVar = True

    restore: Annotated[
        str,
        Field(
            min_length=1,
            description="bicubic; a model that a package brings, such as realesrgan-x4plus; the file of a network "
            "(.pth, .safetensors, .onnx, .param); or the folder or hub id of a diffusers pipeline",
        ),
    ]
    scale: Annotated[
        PositiveInt | None, Field(description="how many times larger; default: the model's own")
    ] = None
    tile: Annotated[
        PositiveInt | None,
        Field(
            description="px of LQ, the side of the squares that the network sees; default: the model's own"
        ),
    ] = None
    overlap: Annotated[
        PositiveInt | None,
        Field(description="px of LQ by which a square is read beyond its own area; default: 16"),
    ] = None
    prompt: Annotated[str | None, Field(description="for pipelines: the text that guides them")] = None
    seed: Annotated[int | None, Field(description="for pipelines: the seed of their noise")] = None
    steps: Annotated[PositiveInt | None, Field(description="for pipelines: how many steps they take")] = None
    strength: Annotated[
        float | None, Field(gt=0, le=1, description="for pipelines: how far they may leave the image, 0 to 1")
    ] = None
    guidance: Annotated[float | None, Field(ge=0, description="for pipelines: the weight of the prompt")] = (
        None
    )
    device: Annotated[str | None, Field(description="auto, cpu, cuda, cuda:1 or mps; default: auto")] = None

    def check(self) -> None:
        try:
            self._found()
        except NotHere:
            raise
        except RecipeError as error:
            raise KeyFault(("restore",), error.message, error.hint) from error

    def _found(self) -> Found:
        given: dict[str, Any] = {
            "tile": self.tile,
            "overlap": self.overlap,
            "prompt": self.prompt,
            "seed": self.seed,
            "device": self.device,
        }
        return _find(
            RestorerSettings(
                self.restore,
                self.scale,
                steps=self.steps,
                strength=self.strength,
                guidance=self.guidance,
                **{name: value for name, value in given.items() if value is not None},
            )
        )

    def keep_record(self, folder: Path) -> str:
        return write_restored_record(folder, self._found())

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        restorer = self._found()
        return larger_rows(rows, restorer.scale, key_of(restored_record(restorer)))

    def settings_of(self, settings: Settings) -> Settings:
        """One worker on an accelerator; on a CPU as many as its memory holds."""
        found = self._found()
        settings = replace(settings, seconds_per_image=max(SECONDS, settings.seconds_per_image), shard=1)
        on_cpu = found.kind in ("bicubic", "ncnn") or find_devices(found.settings.device) == ["cpu"]
        if not on_cpu:
            return replace(settings, workers=1)
        if found.kind == "bicubic":
            return settings
        each = MEMORY + 2 * sum(path.stat().st_size for path in found.paths if path.is_file())
        memory, wanted = available_memory(), settings.workers or cores()
        return settings if memory is None else replace(settings, workers=max(1, min(wanted, memory // each)))

    def notes(self) -> tuple[str, ...]:
        found = self._found()
        return (
            () if found.kind == "bicubic" else (f"licence of the weights of {self.restore}: {found.licence}",)
        )

    def origin(self) -> str:
        found = self._found()
        if found.kind == "bicubic":
            return "plain upscaling by MATLAB's bicubic kernel: no detail is added"
        sha256 = str(found.record.get("sha256") or "unknown")
        return f"weights {sha256[:16]}, licence {found.licence}"

    def label(self) -> str:
        """
        >>> Restore(restore="bicubic", scale=4).label()
        'restore by bicubic x4'
        """
        return f"restore by {Path(self.restore).name}{f' x{self.scale}' if self.scale else ''}"


@lru_cache(maxsize=8)
def _find(settings: RestorerSettings) -> Found:
    return find_restorer(settings)
