"""What every transform of a recipe is: its settings, and what plan, run and forecast ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pyarrow as pa

from groundglass.catalog import Measure
from groundglass.settings.field_types import Member
from groundglass.transforms.derived import Derived

AnyScale = Literal["matlab_bicubic", "lanczos", "area"]
"""Ways to make a picture smaller by any factor: words of `groundglass.image.resize.KERNELS`."""
Kernel = Literal[AnyScale, "box"]
"""All of them. `box` makes whole factors only."""


@dataclass(frozen=True)
class Measured:
    """What must be measured before a transform can make rows: a measure of its own, or one of the catalog."""

    measure: Measure | str
    settings: Mapping[str, Any] = field(default_factory=dict)


class Transform(Member):
    """One way to make virtual images of rows. Its fields are its keys in a recipe's `transform`.

    resizes  whether it makes pictures of another size: their JPEG grid is gone
    """

    resizes: ClassVar[bool] = False

    def measured(self) -> Measured | None:
        """What must be measured first; None where the sizes of the rows suffice."""
        return None

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        """The virtual images of rows; ``found`` is what was measured (sha256, region, columns, error)."""
        raise NotImplementedError

    def at_most(self, rows: pa.Table) -> Derived | None:
        """The most rows that it can make; None where their sizes are not known before it is done."""
        return self.make(rows, None)

    def label(self) -> str:
        """What it makes, in a few words."""
        raise NotImplementedError

    def side(self) -> int | None:
        """The side in px, where all its images are squares of one size."""
        return None

    def notes(self) -> tuple[str, ...]:
        """What a user should know beforehand."""
        return ()
