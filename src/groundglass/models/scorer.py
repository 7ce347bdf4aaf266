"""What a loaded network is to the rest: a way to prepare one picture, and a way to judge a batch of them."""

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
    """One picture as a network takes it, made beside the decoding.

    pixels  the array that is stacked into a batch; pictures of one shape and dtype go together
    about   what the network must know of this picture besides, such as its size before padding
    """

    pixels: NDArray[Any]
    about: Any = None

    @property
    def bucket(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """What pictures must share to go into one batch."""
        return self.pixels.shape, self.pixels.dtype


@dataclass(frozen=True)
class Place:
    """Where a network runs.

    device  "cpu", "cuda" (or "cuda:1"), "mps"
    dtype   "float32", "bfloat16" or "float16"
    """

    device: str = "cpu"
    dtype: str = "float32"


@dataclass(frozen=True)
class Scorer:
    """A network in memory.

    prepare  of one frame; raises NoValue or ImageError where the network can say nothing of it
    score    values for each picture of a batch: pixels (n, *shape) and what is known about each; a failure is
             raised, never answered by a constant
    batch    the most pictures that go in one batch
    """

    prepare: Callable[[Frame], Prepared]
    score: Callable[[NDArray[Any], Sequence[Any]], list[dict[str, Value]]]
    batch: int = 16
