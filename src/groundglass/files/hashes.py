"""Hashes that identify content: of a file's bytes, and of pixels, whichever file they came from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def sha256_of(data: bytes) -> str:
    """The SHA-256 of bytes, 64 hex digits.

    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hex digits, read a part at a time. Raises OSError if it cannot be read.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     file_sha256(Path(file.name))[:8]
    'e3b0c442'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pixel_hash(pixels: npt.NDArray[Any]) -> str:
    """The SHA-256 of an array's shape, dtype and values: equal for two files that decode to the same pixels.

    >>> pixel_hash(np.zeros((2, 3, 3), np.uint8)) == pixel_hash(np.zeros((3, 2, 3), np.uint8))
    False
    """
    digest = hashlib.sha256(f"{pixels.shape}{pixels.dtype.str}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
