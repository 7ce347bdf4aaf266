"""The record of one degraded image: everything that makes it again, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from groundglass import __version__
from groundglass.degradations.chains import Applied, as_applied, degrade, replay
from groundglass.degradations.settings import Pixels
from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.random_streams import stream

LIBRARIES = ("numpy", "opencv-python-headless", "scipy", "simplejpeg", "pillow")
"""Packages whose version can change a pixel."""
OF_EXTRAS = ("av",)
"""The same, of packages that may be absent."""


def degraded(
    rgb: Pixels, part: Any, *, seed: int, step: str, sha256: str, region: str, scale: int
) -> tuple[Pixels, dict[str, Any]]:
    """The image after a chain, and its record. All chance depends on the five words alone.

    sha256   of the root photo's file
    region   of the photo that ``rgb`` is, as in `groundglass.image.region`

    >>> from groundglass.degradations.chains import Step
    >>> grey = np.full((8, 8, 3), 90, np.uint8)
    >>> made, record = degraded(grey, Step("jpeg", {"quality": 9}), seed=0, step="lq", sha256="", region="", scale=1)
    >>> bool((replayed(grey, record) == made).all())
    True
    """
    made, applied = degrade(rgb, part, stream(seed, step, sha256, region, scale))
    record = {
        "sha256": sha256,
        "region": region,
        "scale": scale,
        "seed": seed,
        "step": step,
        "applied": [asdict(one) for one in applied],
        "result": pixels_hash(made),
        "made_with": dict(versions()),
    }
    return made, record


def replayed(rgb: Pixels, record: Mapping[str, Any]) -> Pixels:
    """The image that the record describes, bit for bit.

    Raises RecipeError if the record lacks its steps, or if the pixels are not those that it was made with: then
    ``rgb`` is another image, or a library has another version or runs on another kind of processor.
    """
    made = replay(rgb, steps_of(record))
    if pixels_hash(made) == record.get("result"):
        return made
    changed = changed_since(record.get("made_with") or {})
    why = (
        ", ".join(changed)
        if changed
        else "the versions are the same, so the photo, the record or the kind of processor is another"
    )
    raise RecipeError(f"the replay gives other pixels than the record states ({why})")


def steps_of(record: Mapping[str, Any]) -> list[Applied]:
    """The steps of a record. Raises RecipeError if they are not there, or have another form."""
    if "applied" not in record:
        raise RecipeError("the record has no key 'applied'")
    return as_applied(record["applied"])


def pixels_hash(rgb: Pixels) -> str:
    """A hash of the pixels and their size.

    >>> pixels_hash(np.zeros((2, 3, 3), np.uint8)) == pixels_hash(np.zeros((3, 2, 3), np.uint8))
    False
    """
    return sha256_of(f"{rgb.shape[1]}x{rgb.shape[0]} ".encode() + np.ascontiguousarray(rgb).tobytes())


def changed_since(then: Mapping[str, Any]) -> list[str]:
    """The versions in a record that are others now, each as ``name then → now``."""
    now = versions()
    return [f"{name} {was} → {now.get(name)}" for name, was in then.items() if now.get(name) != was]


@cache
def versions() -> dict[str, str]:
    """The versions of all that makes the pixels."""
    found = {"groundglass": __version__}
    for name in (*LIBRARIES, *OF_EXTRAS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name in LIBRARIES:
                found[name] = "unknown"  # another build of the same library, such as opencv-python
    return found
