"""Restored images: the record of a restorer, and the pixels, which are kept in the store because they are dear."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from groundglass.errors import ImageError, RecipeError
from groundglass.files.atomic import write_bytes, write_text
from groundglass.files.hashes import sha256_of
from groundglass.image.encode import encode_png
from groundglass.image.frame import MadeImage, Pixels, open_frame
from groundglass.image.header import ImageLimits
from groundglass.made_images.records import read_record, write_record
from groundglass.models.restorers.checks import MOST_PIXELS
from groundglass.models.restorers.records import Found, RestorerSettings
from groundglass.models.restorers.restorer import Restorer, open_restorer

_KEPT = ImageLimits(MOST_PIXELS, MOST_PIXELS)
"""The limits of a restored image, which may be larger than a photo: 12 megapixels make 192 at x4."""


def restored_record(found: Found) -> dict[str, Any]:
    """The record of a step that restores: everything that decides a pixel."""
    return {"by": "restored", **found.record}


def write_restored_record(folder: Path, found: Found) -> str:
    """Keep the record, and next to it how to find its model on this machine; returns the key."""
    key = write_record(folder, restored_record(found))
    plain = asdict(found.settings)
    if found.paths and Path(found.settings.model).exists():
        plain["model"] = str(Path(found.settings.model).expanduser().absolute())
    # A model may move and be named again: it is the same one while its record is.
    write_text(json.dumps(plain), settings_file(folder, key))
    return key


def settings_file(folder: Path, key: str) -> Path:
    """The file with the settings that find the model of a record on this machine."""
    return folder / f"{key}.settings.json"


def make_restored(
    rgb: Pixels, sha256: str, region: str, record: Mapping[str, Any], folder: Path, key: str
) -> MadeImage:
    """The restored image: as the store keeps it, or made now and kept.

    Raises the errors of `Restorer.restore`; ImageError ``vanished`` if the model is not found any more, ``changed`` if
    it is another one.
    """
    name = sha256_of(f"{sha256}\n{region}".encode())[:32]
    file = folder / key / name[:2] / f"{name}.png"
    said = f"{Path(_settings(folder, key).model).name} x{record['scale']}"
    kept = _kept(file)
    if kept is None:
        kept = _restorer(folder, key).restore(rgb)
        write_bytes(encode_png(kept), file)
    return MadeImage(kept, said, dict(record) | {"sha256_of_photo": sha256, "region": region})


def _kept(file: Path) -> Pixels | None:
    """The pixels of a file that an earlier use kept; None if there is none that can be read."""
    try:
        return open_frame(file.read_bytes(), _KEPT).rgb
    except (OSError, ImageError):
        return None


@lru_cache(maxsize=8)
def _settings(folder: Path, key: str) -> RestorerSettings:
    """The settings of the newest run with this record. Raises ImageError ``vanished``."""
    file = settings_file(folder, key)
    try:
        return RestorerSettings(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ImageError("vanished", f"{file}, which says where the restorer is: {error}") from error


@lru_cache(maxsize=1)
def _restorer(folder: Path, key: str) -> Restorer:
    """The restorer of a record, loaded once in a process."""
    settings = _settings(folder, key)
    try:
        restorer = open_restorer(settings)
    except RecipeError as error:
        raise ImageError("vanished", f"the restorer: {error.message}") from error
    if {"by": "restored", **restorer.record} != read_record(folder, key):
        raise ImageError("changed", f"{settings.model} is not the restorer that made the other images")
    return restorer
