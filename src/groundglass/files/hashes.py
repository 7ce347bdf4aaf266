"""Hashes that name content: of a file's bytes, and of pixels whatever file they came from."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt


def sha256_of(data: bytes) -> str:
    """The SHA-256 of bytes, 64 hex digits.

    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def pixel_hash(pixels: npt.NDArray[Any]) -> str:
    """The SHA-256 of an array's shape, kind and values: equal for two files that decode to the same pixels.

    >>> pixel_hash(np.zeros((2, 3, 3), np.uint8)) == pixel_hash(np.zeros((3, 2, 3), np.uint8))
    False
    """
    digest = hashlib.sha256(f"{pixels.shape}{pixels.dtype.str}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
