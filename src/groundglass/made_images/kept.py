"""The files of a restored image in a store: its pixels, and for the answer of a server a note about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.errors import ImageError
from groundglass.files.atomic import write_bytes, write_text
from groundglass.files.hashes import sha256_of
from groundglass.image.encode import encode_png
from groundglass.image.frame import MadeImage, Pixels, open_frame
from groundglass.image.header import ImageLimits
from groundglass.models.restorers.checks import MOST_PIXELS

_KEPT = ImageLimits(MOST_PIXELS, MOST_PIXELS)
"""The limits of a restored image, which may be larger than a photo: 12 megapixels make 192 at x4."""


@dataclass(frozen=True)
class Place:
    """The files of one restored image, in ``folder`` under the record's ``key``."""

    folder: Path
    key: str
    sha256: str
    region: str

    @property
    def pixels(self) -> Path:
        """The PNG file."""
        return self._file("png")

    @property
    def note(self) -> Path:
        """JSON: what a server answered, or why there is no image."""
        return self._file("json")

    def _file(self, ending: str) -> Path:
        name = sha256_of(f"{self.sha256}\n{self.region}".encode())[:32]
        return self.folder / self.key / name[:2] / f"{name}.{ending}"

    def read(self) -> Pixels | None:
        """The pixels that an earlier use kept; None if there are none that can be read."""
        try:
            return open_frame(self.pixels.read_bytes(), _KEPT).rgb
        except (OSError, ImageError):
            return None

    def keep(self, rgb: Pixels) -> None:
        """Keep the pixels. Raises UnreachableError."""
        write_bytes(encode_png(rgb), self.pixels)


def write_note(place: Place, note: Mapping[str, Any]) -> None:
    """Keep a note about the answer of a server: ``reason`` and ``detail`` if it is not an image that can be used.

    Raises UnreachableError.
    """
    write_text(json.dumps(note, ensure_ascii=False), place.note)


def read_note(place: Place) -> Mapping[str, Any]:
    """The note about an answer; empty if there is none that can be read."""
    try:
        note = json.loads(place.note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def answered_image(place: Place, record: Mapping[str, Any]) -> MadeImage:
    """The image that a server answered with, as it was kept. No server is asked.

    Raises ImageError: the reason why there is none; ``vanished`` if nothing is kept.
    """
    note, rgb = read_note(place), place.read()
    if rgb is None:
        reason = str(note.get("reason") or "vanished")
        raise ImageError(reason, str(note.get("detail") or f"{place.pixels}, the answer of a server"))
    answer = {name: value for name, value in note.items() if name not in ("reason", "detail")}
    said = f"{record['service']}:{record['model']} x{record['scale']}"
    if "size" in answer:
        said += f", answer {answer['size']}"
    if "cut_to" in answer:
        said += f" cut to {answer['cut_to']}"
    whole = dict(record) | {"sha256_of_photo": place.sha256, "region": place.region, "answer": answer}
    return MadeImage(rgb, said, whole)
