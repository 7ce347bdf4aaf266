"""How well texts fit pictures: both are vectors in the store, and the fit is made of them when it is asked for.

So a value that depends on a text breaks no identity: a picture's vector is kept under its content and region, a text's
vector under the text's own hash. Another caption, or one caption for two pictures, needs no picture looked at again.
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
"""The column of a picture's or a text's vector of length 1: float16, one behind the other."""
READ = "alignment_read"
"""The column of the share of a text that the network read."""
NO_TEXT = "no_text"
"""Why there is no value where no text came with the image."""
TEXT_COLUMNS = {
    VECTOR: Column("", None, None, "neither", "the text as the network sees it", bytes, hidden=True),
    READ: Column("", 0, 1, "neither", "share of the text that the network read"),
}
"""What is kept of a text."""


def text_key(text: str | None) -> str | None:
    """What a text's vector is kept under; None for none, or a blank one.

    >>> text_key("  "), text_key("a cat") == text_key(" a  cat")
    (None, True)
    """
    plain = plain_text(text)
    return sha256_of(plain.encode("utf-8", "replace")) if plain else None


def plain_text(text: str | None) -> str:
    """A text with single blanks between its words."""
    return " ".join(str(text).split()) if text is not None else ""


def pack(vector: np.typing.NDArray[np.float64]) -> bytes:
    """A vector as the store keeps it."""
    return vector.astype(np.float16).tobytes()


def cosine(picture: bytes | None, text: bytes | None) -> float | None:
    """The cosine of two vectors, -1 to 1; None where one is not there.

    >>> round(cosine(pack(np.array([0.6, 0.8])), pack(np.array([1.0, 0.0]))), 3), cosine(None, b"")
    (0.6, None)
    """
    if picture is None or text is None:
        return None
    one, other = (np.frombuffer(packed, np.float16).astype(np.float64) for packed in (picture, text))
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


@dataclass(frozen=True)
class Said:
    """What is known of the text of each row: its vector, how much of it was read, and why it has none."""

    vectors: pa.ChunkedArray
    read: pa.ChunkedArray
    errors: tuple[str | None, ...]


def look_up(texts: Iterable[str | None], known: pa.Table) -> Said:
    """The texts in a table of the store, one row a text."""
    keys = [text_key(text) for text in texts]
    places = find_keys(pa.chunked_array([pa.array(keys, pa.string())]), known["sha256"])
    wrong = known["error"].take(places).to_pylist()
    errors = tuple(NO_TEXT if key is None else error for key, error in zip(keys, wrong, strict=True))
    return Said(known[VECTOR].take(places), known[READ].take(places), errors)


def fits(pictures: pa.ChunkedArray, said: Said) -> pa.ChunkedArray:
    """The cosine of each row's picture and text."""
    pairs = zip(pictures.to_pylist(), said.vectors.to_pylist(), strict=True)
    return pa.chunked_array([pa.array([cosine(*pair) for pair in pairs], pa.float64())])
