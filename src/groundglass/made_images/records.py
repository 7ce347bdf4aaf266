"""Records of how a step makes images: JSON files that are named by a hash of their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from groundglass.errors import ImageError
from groundglass.files.atomic import write_text
from groundglass.files.hashes import sha256_of

FOLDER = "made"
"""The folder of the records, next to the measured values in a store."""


def key_of(record: Mapping[str, Any]) -> str:
    """The key of a record: 16 hex digits. Equal settings have equal keys.

    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    return sha256_of(_canonical(record).encode())[:16]


def write_record(folder: Path, record: Mapping[str, Any]) -> str:
    """Keep a record, and return its key."""
    key = key_of(record)
    if not (folder / f"{key}.json").exists():
        write_text(_canonical(record), folder / f"{key}.json")
    return key


@lru_cache(maxsize=64)
def read_record(folder: Path, key: str) -> Mapping[str, Any]:
    """The record of a key. Raises ImageError ``vanished`` if it is gone, ``unreadable`` if it is another."""
    file = folder / f"{key}.json"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImageError("vanished", f"{file}, which says how the image is made") from error
    except (OSError, ValueError) as error:
        raise ImageError("unreadable", f"{file}: {error}") from error
    if not isinstance(record, dict) or key_of(record) != key:
        raise ImageError("unreadable", f"{file} is not the record that its name states")
    return record


def _canonical(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
