"""The interface of a loaded network: a function that prepares one image, and one that judges a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


class Prepared(NamedTuple):
    """One image as a network takes it, prepared by the thread that decodes it.

    pixels  the array that is stacked into a batch; images of one shape and dtype go together
    about   other facts of this image that the network needs, such as its size before padding
    """

    pixels: NDArray[Any]
    about: Any = None

    @property
    def bucket(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape and dtype that all images of a batch share."""
        return self.pixels.shape, self.pixels.dtype


@dataclass(frozen=True)
class Place:
    """The device and dtype that a network runs in.

    device  "cpu", "cuda" (or "cuda:1"), "mps"
    dtype   "float32", "bfloat16" or "float16"
    """

    device: str = "cpu"
    dtype: str = "float32"


@dataclass(frozen=True)
class Scorer:
    """A network in memory.

    prepare  prepares one frame; raises NoValue or ImageError if the network cannot judge it
    score    values for each image of a batch, from pixels (n, *shape) and ``about`` of each; a failure is raised,
             never answered with a constant
    batch    the most images that go in one batch
    """

    prepare: Callable[[Frame], Prepared]
    score: Callable[[NDArray[Any], Sequence[Any]], list[dict[str, Value]]]
    batch: int = 16
