"""Every image restored by a network: the HQ of a pair, or a network's answer to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field, NonNegativeFloat, PositiveInt

from groundglass.calls.ledger import Spent
from groundglass.engines.cores import cores
from groundglass.engines.memory import available_memory
from groundglass.engines.shards import Settings
from groundglass.errors import NotHere, RecipeError
from groundglass.generators.settings import Budget, Value
from groundglass.made_images.records import key_of
from groundglass.made_images.restored import restored_record, write_restored_record
from groundglass.models.devices import find_devices
from groundglass.models.restorers.records import Found, RestorerSettings
from groundglass.models.restorers.restorer import find_restorer
from groundglass.transforms.derived import Derived
from groundglass.transforms.made_rows import larger_rows
from groundglass.transforms.restore_answers import calls_left, left_to_ask, prepare_answers
from groundglass.transforms.restore_server import (
    ServerRestorer,
    check_server,
    names_a_server,
    notes_of,
    rows_of,
    server_of,
)
from groundglass.transforms.transform import KeyFault, Preparing, ToPrepare, Transform

SECONDS = 36_000.0
"""CPU seconds that the images of one photo may take: a large one has hours of work on a CPU."""
MEMORY = 1_500_000_000
"""Bytes that a worker with a network needs on a CPU, beside the weights."""


OF_NETWORKS = (
    "tile_side",
    "overlap",
    "seed",
    "steps",
    "strength",
    "guidance",
    "device",
)
"""Keys that a server does not have."""
OF_SERVERS = ("prompt_from", "base_url", "settings", "price", "budget", "concurrency", "timeout")
"""Keys that only a server has."""


class Restore(Transform):
    """Every image restored by a network or a server: the HQ of a pair. The image that it came from is the LQ."""

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
            "(.pth, .safetensors, .onnx, .param); the folder or hub id of a diffusers pipeline; or an image-edit model "
            "behind a server, openai:MODEL or google:MODEL",
        ),
    ]
    scale: Annotated[
        PositiveInt | None, Field(description="how many times larger; default: the model's own")
    ] = None
    tile_side: Annotated[
        PositiveInt | None,
        Field(
            description="px of LQ, the side of the squares that the network sees; default: the model's own"
        ),
    ] = None
    overlap: Annotated[
        PositiveInt | None,
        Field(description="px of LQ by which a square is read beyond its own area; default: 16"),
    ] = None
    prompt: Annotated[
        str | None,
        Field(
            description="for pipelines and servers: the text that guides them; with `prompt_from`, {text} is the text "
            "of the row"
        ),
    ] = None
    prompt_from: Annotated[
        str | None,
        Field(min_length=1, description="for servers: the column with a text for each row, e.g. caption"),
    ] = None
    seed: Annotated[int | None, Field(description="for pipelines: the seed of their noise")] = None
    steps: Annotated[PositiveInt | None, Field(description="for pipelines: how many steps they take")] = None
    strength: Annotated[
        float | None, Field(gt=0, le=1, description="for pipelines: how far they may leave the image, 0 to 1")
    ] = None
    guidance: Annotated[float | None, Field(ge=0, description="for pipelines: the weight of the prompt")] = (
        None
    )
    device: Annotated[str | None, Field(description="auto, cpu, cuda, cuda:1 or mps; default: auto")] = None
    base_url: Annotated[
        str | None,
        Field(
            min_length=1,
            description="of a server, e.g. http://localhost:8000/v1; its key is GROUNDGLASS_API_KEY",
        ),
    ] = None
    settings: Annotated[
        dict[str, Value],
        Field(
            description="for servers: further settings of a request, e.g. `size`, `quality`, `aspect_ratio`"
        ),
    ] = Field(default_factory=dict)
    price: Annotated[
        NonNegativeFloat | None,
        Field(description="for servers: of one image, in any currency; default: unknown"),
    ] = None
    budget: Annotated[
        Budget | None,
        Field(description="for servers: the limits at which they are no longer asked; default: none"),
    ] = None
    concurrency: Annotated[int, Field(ge=1, le=256, description="for servers: calls at the same time")] = 4
    timeout: Annotated[float, Field(gt=0, description="for servers: time limit for one call, s")] = 300.0

    @property
    def asks_server(self) -> bool:
        return names_a_server(self.restore)

    def text_column(self) -> str | None:
        return self.prompt_from if self.asks_server else None

    def _server(self) -> ServerRestorer:
        return server_of(self)

    def prepare(
        self, images: Sequence[ToPrepare], found: pa.Table | None, preparing: Preparing
    ) -> tuple[str, ...]:
        return prepare_answers(self._server(), images, _texts(found), preparing)

    def left_to_ask(
        self, images: Sequence[ToPrepare], found: pa.Table | None, preparing: Preparing
    ) -> tuple[float, str]:
        return left_to_ask(self._server(), images, _texts(found), preparing)

    def most_calls(self, images: int) -> tuple[float, str]:
        return calls_left(self._server(), images, Spent())

    def check(self) -> None:
        of_others = OF_NETWORKS if self.asks_server else OF_SERVERS
        fields = type(self).model_fields
        strange = [
            name
            for name in of_others
            if getattr(self, name) != fields[name].get_default(call_default_factory=True)
        ]
        if strange:
            where = "a model behind a server" if self.asks_server else self.restore
            owners = "openai:MODEL and google:MODEL" if not self.asks_server else "networks on this machine"
            raise KeyFault((strange[0],), f"{where} takes no `{strange[0]}`", f"only {owners} do")
        if self.asks_server:
            check_server(self._server())
            return
        try:
            self._found()
        except NotHere:
            raise
        except RecipeError as error:
            raise KeyFault(("restore",), error.message, error.hint) from error

    def _found(self) -> Found:
        given: dict[str, Any] = {
            "tile": self.tile_side,
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
        if self.asks_server:
            return rows_of(self._server(), rows, _texts(found))
        restorer = self._found()
        return larger_rows(rows, restorer.scale, [key_of(restored_record(restorer))] * rows.num_rows)

    def settings_of(self, settings: Settings) -> Settings:
        """One worker on an accelerator; on a CPU as many as its memory holds."""
        if self.asks_server:
            return settings
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
        if self.asks_server:
            return notes_of(self._server())
        found = self._found()
        return (
            () if found.kind == "bicubic" else (f"licence of the weights of {self.restore}: {found.licence}",)
        )

    def origin(self) -> str:
        if self.asks_server:
            return "made by a model behind a server: which weights it used, and their licence, are unknown"
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
        name = self.restore if self.asks_server else Path(self.restore).name
        return f"restore by {name}{f' x{self.scale}' if self.scale else ''}"


def _texts(found: pa.Table | None) -> list[str | None] | None:
    return None if found is None else found["text"].to_pylist()


@lru_cache(maxsize=8)
def _find(settings: RestorerSettings) -> Found:
    return find_restorer(settings)
