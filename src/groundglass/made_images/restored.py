"""Restored images: the record of a restorer, and the pixels, which are kept in the store because they take long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from groundglass.errors import ImageError, RecipeError
from groundglass.files.atomic import write_text
from groundglass.image.frame import MadeImage, Pixels
from groundglass.made_images.kept import Place, answered_image
from groundglass.made_images.records import read_record, write_record
from groundglass.models.restorers.records import Found, RestorerSettings
from groundglass.models.restorers.restorer import Restorer, open_restorer

SERVER = "server"
"""The kind of restorers behind servers."""


def restored_record(found: Found) -> dict[str, Any]:
    """The record of a step that restores: everything that decides a pixel."""
    return {"by": "restored", **found.record}


def server_record(
    service: str, model: str, prompt: str, settings: Mapping[str, Any], scale: int, kernel: str
) -> dict[str, Any]:
    """The record of images that a server restores: all that it is sent, and how an answer is brought to its size.

    Neither the address nor the price is in it.
    """
    asked = {"service": service, "model": model, "prompt": prompt, "settings": dict(settings)}
    return {"by": "restored", "kind": SERVER, **asked, "scale": scale, "resized_by": kernel}


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
    rgb: Pixels, region: str, record: Mapping[str, Any], place: Place, folder: Path
) -> MadeImage:
    """The restored image: as it is kept in its place, or made now and kept. A server is never asked here.

    folder   of the records

    Raises the errors of `Restorer.restore`; ImageError ``vanished`` if the model is not found any more, ``changed`` if
    it is another one; and of `answered_image` for the answers of servers.
    """
    if record.get("kind") == SERVER:
        return answered_image(place, record)
    said = f"{Path(_settings(folder, place.key).model).name} x{record['scale']}"
    kept = place.read()
    if kept is None:
        kept = _restorer(folder, place.key).restore(rgb)
        place.keep(kept)
    return MadeImage(kept, said, dict(record) | {"sha256_of_photo": place.sha256, "region": region})


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
