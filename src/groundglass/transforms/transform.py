"""The base of all transforms of a recipe: their settings, and the methods that plan, run and forecast call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import pyarrow as pa

from groundglass.catalog import Measure
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.image.region import Made
from groundglass.settings.field_types import Member
from groundglass.transforms.derived import Derived

if TYPE_CHECKING:
    from groundglass.image.frame import Pixels

AnyScale = Literal["matlab_bicubic", "lanczos", "area"]
"""Kernels that downscale an image by any factor: words of `groundglass.image.resize.KERNELS`."""
Kernel = Literal[AnyScale, "box"]
"""All kernels. `box` makes whole factors only."""


class KeyFault(RecipeError):
    """A setting that is wrong; ``path`` are the keys that lead to it."""

    def __init__(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.path = path


@dataclass(frozen=True)
class Measured:
    """The measure that a transform needs before it can make rows: its own, or one of the catalog."""

    measure: Measure | str
    settings: Mapping[str, Any] = field(default_factory=dict)


class ToPrepare(NamedTuple):
    """An image to be made by a server, from ``region`` of the photo with the hash ``sha256``."""

    sha256: str
    region: str
    made: Made


@dataclass(frozen=True)
class Preparing:
    """The means for images that servers make.

    folder    of the store's made images and their records
    ledger    the file of the calls of this step, in all runs of the recipe
    retry     whether failures are asked again
    open      open(image) -> H×W×3 uint8, the pixels that it is made from; raises ImageError
    progress  progress(title) shows how far the work is
    """

    folder: Path
    ledger: Path
    retry: bool
    open: Callable[[ToPrepare], Pixels]
    progress: Callable[[str], Progress]


class Transform(Member):
    """One way to make virtual images of rows. Its fields are its keys in a recipe's `transform`.

    resizes  whether it makes images of another size: they have no JPEG grid any more
    makes    whether workers make its images' pixels by its record (`made_images`), which may fail
    """

    resizes: ClassVar[bool] = False
    makes: ClassVar[bool] = False

    def in_step(self, step: str, seed: int) -> Self:
        """The transform as a step of a run: the pixels that it makes may depend on the step's name and the seed."""
        return self

    def keep_record(self, folder: Path) -> str:
        """Keep the record that makes its images, and return its key; only if it `makes` them without a server."""
        raise NotImplementedError

    @property
    def asks_server(self) -> bool:
        """Whether a server makes its images, which `prepare` asks for before workers read them."""
        return False

    def text_column(self) -> str | None:
        """The column with a text for each row, if it needs one: `make` gets the texts as the column ``text``."""
        return None

    def prepare(
        self, images: Sequence[ToPrepare], found: pa.Table | None, preparing: Preparing
    ) -> tuple[str, ...]:
        """Ask for the images that the store lacks, and return sentences on it; ``found`` is as for `make`.

        Raises Interrupted and UnreachableError; what arrived is kept either way.
        """
        raise NotImplementedError

    def left_to_ask(
        self, images: Sequence[ToPrepare], found: pa.Table | None, preparing: Preparing
    ) -> tuple[float, str]:
        """The seconds of the calls that `prepare` makes, and a sentence on them; nothing is asked."""
        raise NotImplementedError

    def most_calls(self, images: int) -> tuple[float, str]:
        """The same for a set of which only the largest number of images is known."""
        raise NotImplementedError

    def settings_of(self, settings: Settings) -> Settings:
        """The settings of the engine while its images are made."""
        return settings

    def origin(self) -> str:
        """A sentence on what made its images, for a dataset card; "" if its label says all."""
        return ""

    def check(self) -> None:
        """Refuse settings that only other rooms understand. Raises KeyFault with their place, MissingExtra."""

    def measured(self) -> Measured | None:
        """The measure that must be taken first; None if the sizes of the rows suffice."""
        return None

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        """The virtual images of rows; ``found`` has the measured values (sha256, region, columns, error), or the texts
        of the rows (`text_column`)."""
        raise NotImplementedError

    def at_most(self, rows: pa.Table) -> Derived | None:
        """The most rows that it can make; None if their sizes are unknown before it runs."""
        return self.make(rows, None)

    def label(self) -> str:
        """The result, in a few words."""
        raise NotImplementedError

    def side(self) -> int | None:
        """The side in px, if all its images are squares of one size."""
        return None

    def notes(self) -> tuple[str, ...]:
        """Remarks for the user before the run."""
        return ()
