"""The eight orientations of an image: turned by 0, 90, 180 and 270 degrees, and each of them mirrored.

The low frequencies and cells of an image (`similarity.perceptual_hash`) give those of all eight orientations: a flip
changes the sign of every odd frequency along it, and a transposition exchanges down and across. So a turned copy is
found without reading any pixel again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.similarity.perceptual_hash import DETAIL, DIGITS, PLACES

Bits = NDArray[np.uint64]
WAYS = 8
"""Number of an orientation: 1 if mirrored left to right, + 2 if then flipped upside down, + 4 if then transposed."""


def ways_of_hashes(phash: Bits, mirror: Bits, flipped: Bits) -> Bits:
    """8×n hashes of n images in each of the `WAYS`, from their hashes unchanged, mirrored and upside down.

    A frequency that is odd along one direction changes its sign with the flip along it, which ``mirror`` and
    ``flipped`` show; if it is odd along both, both flips together restore the sign.
    """
    across, down = _mask(PLACES[1] % 2 > PLACES[0] % 2), _mask(PLACES[0] % 2 > PLACES[1] % 2)
    # Frequencies that are even or odd along both directions keep their sign under both flips.
    both = (phash & ~(across | down)) | (mirror & across) | (flipped & down)
    upright = np.stack([phash, mirror, flipped, both])
    return np.concatenate([upright, _over_the_diagonal(upright)])


def way(image: NDArray[Any], number: int) -> NDArray[Any]:
    """An image, H×W or more dimensions, in one of the `WAYS`.

    >>> way(np.array([[1, 2], [3, 4]]), 5).tolist()  # mirrored, then transposed: a quarter turn
    [[2, 4], [1, 3]]
    """
    shown = image[:, ::-1] if number & 1 else image
    shown = shown[::-1] if number & 2 else shown
    return shown.swapaxes(0, 1) if number & 4 else shown


def ways_of_cells() -> NDArray[np.int64]:
    """8×256 places: ``detail[ways_of_cells()[w]]`` is the detail of the image in orientation w."""
    cells = np.arange(DETAIL * DETAIL).reshape(DETAIL, DETAIL)
    return np.stack([way(cells, number).ravel().astype(np.int64) for number in range(WAYS)])


def of_images(known: Mapping[str, pa.ChunkedArray]) -> tuple[Bits, NDArray[np.int8] | None]:
    """k×n hashes in the first k orientations and n×256 details, from columns of the measure ``fingerprint``.

    No hash may be null. Without ``phash_flipped`` k is 2: unchanged and mirrored. Without ``phash_detail`` there are
    no details.
    """
    words = [word for word in ("phash", "phash_mirror", "phash_flipped") if word in known]
    hashes = [np.asarray(known[word].to_numpy(), np.uint64) for word in words]
    details = to_details(known["phash_detail"]) if "phash_detail" in known else None
    return ways_of_hashes(*hashes) if len(hashes) == 3 else np.stack(hashes), details


def to_details(texts: pa.ChunkedArray | pa.Array) -> NDArray[np.int8]:
    """n×256 numbers from the texts of `similarity.perceptual_hash.detail`; a row of zeros if there is none."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    return np.concatenate([np.empty((0, DETAIL * DETAIL), np.int8), *map(_details_of, chunks)])


def _details_of(texts: pa.Array) -> NDArray[np.int8]:
    known = np.asarray(texts.is_valid())
    details = np.zeros((len(texts), DETAIL * DETAIL), np.int8)
    if known.any():
        # Concatenated with an empty array, a slice of a longer array becomes one whose texts start at 0.
        whole = pa.concat_arrays([pa.array([], pa.string()), texts.drop_null().cast(pa.string())])
        digits = np.frombuffer(whole.buffers()[2], np.uint8, int(known.sum()) * DETAIL * DETAIL)
        details[known] = _VALUES[digits].reshape(-1, DETAIL * DETAIL)
    return details


def _mask(chosen: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(chosen).tobytes(), "big"))


def _over_the_diagonal(hashes: Bits) -> Bits:
    """Hashes with the bits of frequencies (i, j) and (j, i) exchanged."""
    places = {place: n for n, place in enumerate(zip(*(side.tolist() for side in PLACES), strict=True))}
    order = [places[j, i] for i, j in places]
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(*hashes.shape, 8), axis=-1)
    exchanged = np.ascontiguousarray(np.packbits(bits[..., order], axis=-1))
    return exchanged.view(">u8")[..., 0].astype(np.uint64)


_VALUES = np.zeros(128, np.int8)
_VALUES[np.frombuffer(DIGITS.encode(), np.uint8)] = np.arange(64) - 32
