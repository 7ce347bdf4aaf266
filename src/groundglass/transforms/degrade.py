"""Every image degraded by a chain: the LQ of a pair, with every parameter on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import pyarrow as pa
from pydantic import BeforeValidator, Field, PositiveInt, PrivateAttr

from groundglass.degradations.chains import Chain
from groundglass.degradations.needs import check_installed
from groundglass.degradations.plain_chains import ChainError, read_chain, resizes
from groundglass.degradations.presets import find_preset
from groundglass.errors import RecipeError
from groundglass.made_images.degraded import degraded_record
from groundglass.made_images.records import key_of, write_record
from groundglass.transforms.derived import Derived
from groundglass.transforms.made_rows import smaller_rows
from groundglass.transforms.transform import KeyFault, Transform


class Degrade(Transform):
    """Every image degraded by a preset or a chain: the LQ of a pair. The image that it came from is the HQ."""

    keys: ClassVar = ("degrade",)
    reference: ClassVar = (
        "Real-ESRGAN (Wang et al. 2021), section 3, and its published options; groundglass degrade --list"
    )
    example: ClassVar = "{degrade: realesrgan-x4plus}"
    makes: ClassVar = True

    degrade: Annotated[
        str | tuple[Any, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
        Field(
            description="a preset's name, or a list of degradations, each `name: {setting: value or [low, high]}`"
        ),
    ]
    scale: Annotated[
        PositiveInt | None,
        Field(
            description="how many times smaller the chain makes an image; default: the preset's, or 1 of a list"
        ),
    ] = None

    _step: str = PrivateAttr("")
    _seed: int = PrivateAttr(0)

    def in_step(self, step: str, seed: int) -> Self:
        bound = self.model_copy()
        bound._step, bound._seed = step, seed
        return bound

    def check(self) -> None:
        try:
            chain, scale = self._chain()
        except ChainError as error:
            raise KeyFault(("degrade", *error.path), error.message, error.hint) from error
        except RecipeError as error:
            raise KeyFault(("degrade",), error.message, error.hint) from error
        check_installed(chain)
        if isinstance(self.degrade, str) and self.scale not in (None, scale):
            say = f"the preset {self.degrade} makes images {scale} times smaller, not {self.scale}"
            raise KeyFault(("scale",), say, "leave `scale` out, or write the chain as a list")
        if scale > 1 and not resizes(chain):
            say = f"the chain never resizes an image, but `scale` is {scale}"
            hint = f"add `- resize_by: {{factor: {1 / scale:g}, kernel: area, of: photo}}` to the list"
            raise KeyFault(("scale",), say, hint)

    def _chain(self) -> tuple[Chain, int]:
        if isinstance(self.degrade, str):
            preset = find_preset(self.degrade)
            return preset.chain, preset.scale
        return read_chain(self.degrade), self.scale or 1

    def keep_record(self, folder: Path) -> str:
        return write_record(folder, self._record())

    def _record(self) -> Mapping[str, Any]:
        chain, scale = self._chain()
        return degraded_record(chain, scale, self._seed, self._step)

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        return smaller_rows(rows, self._chain()[1], key_of(self._record()))

    def label(self) -> str:
        """
        >>> Degrade(degrade="camera").label()
        'degrade camera'
        """
        if isinstance(self.degrade, str):
            return f"degrade {self.degrade}"
        return f"degrade by {len(self.degrade)} steps{f' x{self.scale}' if self.scale else ''}"
