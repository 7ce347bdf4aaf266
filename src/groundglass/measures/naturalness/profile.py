"""Files of a fitted reference: small, portable, without any pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.measures.naturalness.features import FEATURES
from groundglass.measures.naturalness.model import Gaussian

FORMAT = 1
SHIPPED = Path(__file__).with_name("photographs.json")
"""The reference that comes with groundglass."""
AGAIN = "fit it again: groundglass fit-naturalness FOLDER -o FILE"


@dataclass(frozen=True, eq=False)
class NaturalProfile:
    """A fitted reference.

    name       a word for it
    measure    name and version of the measure, e.g. "naturalness-1": features of another version do not compare
    gaussian   the fit
    made_from  the images of the fit, their origin and licence
    """

    name: str
    measure: str
    gaussian: Gaussian
    made_from: str = ""

    @property
    def digest(self) -> str:
        """A hash of the measure and of the fit: equal for profiles that give equal values."""
        summed = hashlib.sha256(self.measure.encode())
        summed.update(self.gaussian.mean.astype("<f8").tobytes())
        summed.update(self.gaussian.covariance.astype("<f8").tobytes())
        return summed.hexdigest()


def save_natural(profile: NaturalProfile, path: Path) -> None:
    """Write a profile as JSON. Raises UnreachableError where that cannot be done."""
    mean, covariance, images, patches = profile.gaussian
    about = {"name": profile.name, "measure": profile.measure, "made_from": profile.made_from}
    # The covariance is symmetric: its lower half is enough.
    below = [row[: place + 1].tolist() for place, row in enumerate(covariance)]
    fitted = {"pictures": images, "patches": patches, "mean": mean.tolist(), "covariance": below}
    text = json.dumps(
        {"groundglass_naturalness": FORMAT, **about, **fitted}, ensure_ascii=False, separators=(",", ":")
    )
    write_text(text.replace(",[", ",\n[") + "\n", path)


def load_natural(path: Path, measure: str) -> NaturalProfile:
    """The profile in a file.

    Raises RecipeError where there is none, or where it is not of ``measure`` (name and version).

    >>> profile = load_natural(SHIPPED, "naturalness-1")
    >>> profile.name, profile.gaussian.images > 200
    ('photographs', True)
    """
    try:
        profile = _from_plain(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(
            f"cannot read the naturalness profile {path}: {error.strerror}",
            "name a file made by `groundglass fit-naturalness`, or a folder of clean images",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{path} is not a naturalness profile", AGAIN) from error
    if profile.measure != measure:
        raise RecipeError(f"{path} was fitted with {profile.measure}, this version measures {measure}", AGAIN)
    return profile


def natural_of(path: Path, measure: str) -> NaturalProfile:
    """The same, kept in memory as long as the file does not change."""
    # The file's time is part of the cache's key, so a profile that was fitted again is read again.
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _kept(path, measure, changed)


@lru_cache(maxsize=4)
def _kept(path: Path, measure: str, _changed: int) -> NaturalProfile:
    return load_natural(path, measure)


def _from_plain(plain: Mapping[str, Any]) -> NaturalProfile:
    """Raises ValueError where parts are missing or do not fit."""
    if plain["groundglass_naturalness"] != FORMAT:
        raise ValueError("another format")
    mean, below = np.array(plain["mean"], np.float64), plain["covariance"]
    covariance = np.zeros((FEATURES, FEATURES))
    for place, row in enumerate(below):
        covariance[place, : place + 1] = covariance[: place + 1, place] = np.array(row, np.float64)
    sound = np.isfinite(covariance).all() and np.isfinite(mean).all() and (np.diag(covariance) > 0).all()
    if mean.shape != (FEATURES,) or len(below) != FEATURES or not sound:
        raise ValueError("the numbers do not fit")
    gaussian = Gaussian(mean, covariance, int(plain["pictures"]), int(plain["patches"]))
    return NaturalProfile(str(plain["name"]), str(plain["measure"]), gaussian, str(plain["made_from"]))
