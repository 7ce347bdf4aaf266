"""Images that show the same photo as others, whatever their names and encodings, by small lumas of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from groundglass.proofs.instant.measure import LOOK

SAVED_AGAIN = 0.995
"""Correlation of two small lumas from which they show one photo, whatever its name. It is far above the limit for files
of one name: among many images, two aligned faces or two skies reach .9."""

Key = TypeVar("Key")


def saved_again(looks: Mapping[Key, bytes], others: Iterable[bytes]) -> set[Key]:
    """The keys of small lumas (`LOOK` x `LOOK`, uint8) that are also among the others.

    >>> ramp = bytes(range(256))
    >>> saved_again({"ramp": ramp, "back": ramp[::-1]}, [bytes(value // 2 for value in ramp)])
    {'ramp'}
    """
    whole = [_centred(look) for look in others]
    among = np.stack(whole) if whole else np.zeros((0, LOOK * LOOK))
    return {key for key, look in looks.items() if (among @ _centred(look) > SAVED_AGAIN).any()}


def _centred(look: bytes) -> NDArray[np.float64]:
    """A small luma with mean 0 and length 1: products are correlations. A flat one is 0 and resembles nothing."""
    values = np.frombuffer(look, np.uint8).astype(np.float64)
    values -= values.mean()
    return values / (np.linalg.norm(values) or 1.0)
