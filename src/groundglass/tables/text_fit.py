"""How well texts fit images: the store has a vector of each, and the fit is computed from both on demand.

So a value that depends on a text needs no key of its own: an image's vector is kept under its content and region, a
text's vector under the text's hash. With another caption, or one caption for two images, no image is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from groundglass.catalog import Column
from groundglass.files.hashes import sha256_of
from groundglass.tables.parquet import find_keys

VECTOR = "alignment_vector"
"""The column of an image's or a text's vector of length 1: its float16 numbers as bytes."""
READ = "alignment_read"
"""The column of the share of a text that the network read."""
NO_TEXT = "no_text"
"""The reason for a missing value if the image has no text."""
TEXT_COLUMNS = {
    VECTOR: Column("", None, None, "neither", "the text as the network sees it", bytes, hidden=True),
    READ: Column("", 0, 1, "neither", "share of the text that the network read"),
}
"""The columns of a text in the store."""


def text_key(text: str | None) -> str | None:
    """The key of a text's vector; None for no text, or a blank one.

    >>> text_key("  "), text_key("a cat") == text_key(" a  cat")
    (None, True)
    """
    plain = plain_text(text)
    return sha256_of(plain.encode("utf-8", "replace")) if plain else None


def plain_text(text: str | None) -> str:
    """A text with single spaces between its words."""
    return " ".join(str(text).split()) if text is not None else ""


def pack(vector: np.typing.NDArray[np.float64]) -> bytes:
    """A vector in the form that the store keeps."""
    return vector.astype(np.float16).tobytes()


def cosine(image: bytes | None, text: bytes | None) -> float | None:
    """The cosine of two vectors, -1 to 1; None if one is missing.

    >>> round(cosine(pack(np.array([0.6, 0.8])), pack(np.array([1.0, 0.0]))), 3), cosine(None, b"")
    (0.6, None)
    """
    if image is None or text is None:
        return None
    one, other = (np.frombuffer(packed, np.float16).astype(np.float64) for packed in (image, text))
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


@dataclass(frozen=True)
class Said:
    """The texts of all rows: their vectors, the share of each that was read, and the reasons for missing vectors."""

    vectors: pa.ChunkedArray
    read: pa.ChunkedArray
    errors: tuple[str | None, ...]


def look_up(texts: Iterable[str | None], known: pa.Table) -> Said:
    """The texts' rows in a table of the store, which has one row for each text."""
    keys = [text_key(text) for text in texts]
    places = find_keys(pa.chunked_array([pa.array(keys, pa.string())]), known["sha256"])
    wrong = known["error"].take(places).to_pylist()
    errors = tuple(NO_TEXT if key is None else error for key, error in zip(keys, wrong, strict=True))
    return Said(known[VECTOR].take(places), known[READ].take(places), errors)


def fits(images: pa.ChunkedArray, said: Said) -> pa.ChunkedArray:
    """The cosine of each row's image and text."""
    pairs = zip(images.to_pylist(), said.vectors.to_pylist(), strict=True)
    return pa.chunked_array([pa.array([cosine(*pair) for pair in pairs], pa.float64())])
