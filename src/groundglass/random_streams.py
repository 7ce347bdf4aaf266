"""Random streams that do not depend on the process that draws from them, nor on the order of draws."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str | int | float) -> np.random.Generator:
    """A generator that depends only on a seed and on names (of a step, photo's sha256, region, scale).

    The same names give the same numbers on a laptop and on forty machines.

    >>> bool(stream(7, "noise", "ab12").random() == stream(7, "noise", "ab12").random())
    True
    >>> bool(stream(7, "noise", "ab12").random() == stream(7, "noise", "ab13").random())
    False
    """
    # A zero byte separates the names, so that ("ab", "c") and ("a", "bc") are different streams.
    text = "\0".join([str(seed), *map(str, names)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
