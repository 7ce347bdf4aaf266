"""Profiles: a measure's values on clean photographs, unchanged and after JPEG at known qualities.

A profile is one small JSON file that can be shared: judging by it does not need the images.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.source_quality.kernel_density import Sample, combined, sample_of

FORMAT = 1
DIGITS = 4
"""Significant digits of the values in a file: an error of a thousandth of the narrowest bandwidth seen so far."""
SHIPPED: Mapping[str, Path] = {"df2k": Path(__file__).parent / "profiles" / "df2k.json"}
"""Profiles that come with groundglass, by their names in commands and recipes."""
QUALITIES = (1.0, 0.95, 0.85, 0.75, 0.5)
"""The qualities of a profile that groundglass makes; 1 is the unchanged photograph."""

_LIST = re.compile(r".+_q(\d{1,3})\.txt")
_LISTS_MEASURE = "blockiness-1"
"""DiverSeg made its lists by the procedure that this version of blockiness follows."""


@dataclass(frozen=True)
class Profile:
    """Values of one measure on the same photographs at several JPEG qualities.

    name       its name
    measure    name and version of the measure, e.g. "blockiness-1": values of another version are not comparable
    samples    the values by quality, 1 (not compressed) first
    made_from  the photographs, their owner, and the licence of the values
    """

    name: str
    measure: str
    samples: Mapping[float, Sample]
    made_from: str = ""

    @property
    def digest(self) -> str:
        """A hash of the measure and all values: equal for profiles that give the same results."""
        summed = hashlib.sha256(self.measure.encode())
        for quality, sample in self.samples.items():
            # The size separates samples whose bytes would join to the same sequence.
            summed.update(np.array([quality, sample.size]).tobytes())
            summed.update(sample.values.tobytes() + sample.counts.tobytes())
        return summed.hexdigest()

    @property
    def size(self) -> int:
        """The number of values of the quality that has the fewest."""
        return min(sample.size for sample in self.samples.values())


def load_profile(path: Path | str, measure: str = "") -> Profile:
    """The profile in a file, in a folder of lists ``NAME_q95.txt`` (one number a line), or with a name in `SHIPPED`.

    Raises RecipeError if there is none, or if its values are not those of ``measure`` (name and version).

    >>> profile = load_profile("df2k", "blockiness-1")
    >>> profile.size, list(profile.samples)
    (3450, [1.0, 0.95, 0.85, 0.75, 0.5])
    """
    # A shipped name wins over a file of the same name in the working folder.
    place = SHIPPED.get(str(path)) or Path(path).expanduser()
    profile = _from_lists(place) if holds_lists(place) else _from_file(place)
    if measure and profile.measure != measure:
        raise RecipeError(
            f"the profile {path} was made with {profile.measure}, this version measures {measure}",
            "make it again from its photographs: groundglass source-quality … --reference FOLDER --save-profile FILE",
        )
    return profile


def is_profile(text: str) -> bool:
    """Whether a reference names a profile, not a folder of photographs."""
    path = Path(text).expanduser()
    return text in SHIPPED or path.is_file() or holds_lists(path)


def holds_lists(folder: Path) -> bool:
    """Whether a folder holds lists of values, one per quality."""
    return folder.is_dir() and any(_LIST.fullmatch(path.name) for path in folder.iterdir())


def save_profile(profile: Profile, path: Path) -> None:
    """Write a profile, values rounded to `DIGITS` digits. Raises UnreachableError if it cannot be written."""
    samples = [{"quality": quality, **_plain(sample)} for quality, sample in profile.samples.items()]
    about = {"name": profile.name, "measure": profile.measure, "made_from": profile.made_from}
    text = json.dumps(
        {"groundglass_profile": FORMAT, **about, "samples": samples},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    write_text(text.replace('{"quality"', '\n{"quality"') + "\n", path)


def _plain(sample: Sample) -> dict[str, list[float]]:
    """Values rounded to few digits, and how often each occurs."""
    short = combined(np.array([float(f"{value:.{DIGITS}g}") for value in sample.values]), sample.counts)
    return {"values": short.values.tolist(), "counts": [int(count) for count in short.counts]}


def _from_file(path: Path) -> Profile:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return _from_plain(plain)
    except OSError as error:
        raise RecipeError(
            f"cannot read the profile {path.absolute()}: {error.strerror}",
            f"shipped profiles: {', '.join(SHIPPED)}",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{path} is not a profile", "groundglass source-quality … --save-profile FILE writes one"
        ) from error


def _from_plain(plain: Mapping[str, Any]) -> Profile:
    if plain["groundglass_profile"] != FORMAT:
        raise ValueError("another format")
    samples = {
        float(part["quality"]): Sample(
            np.array(part["values"], np.float64), np.array(part["counts"], np.float64)
        )
        for part in plain["samples"]
    }
    return _ordered(Profile(plain["name"], plain["measure"], samples, plain["made_from"]))


def _from_lists(folder: Path) -> Profile:
    """DiverSeg's lists: ``NAME_q100.txt`` has the values of the unchanged photographs."""
    found = {path: _LIST.fullmatch(path.name) for path in sorted(folder.iterdir())}
    try:
        samples = {
            int(match[1]) / 100: sample_of(np.loadtxt(path, ndmin=1))
            for path, match in found.items()
            if match
        }
        return _ordered(Profile(folder.name, _LISTS_MEASURE, samples, f"the lists in {folder.name}"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"the lists in {folder} cannot be read: {error}", "one number per line") from error


def _ordered(profile: Profile) -> Profile:
    """The profile with the best quality first. Raises ValueError if it is not complete."""
    samples = dict(sorted(profile.samples.items(), reverse=True))
    whole = all(
        sample.size
        and sample.values.shape == sample.counts.shape
        and np.isfinite(sample.values).all()
        and (np.diff(sample.values) > 0).all()
        for sample in samples.values()
    )
    if len(samples) < 2 or next(iter(samples)) != 1.0 or not whole:
        raise ValueError("a profile has values at quality 1 and at lower qualities")
    return Profile(profile.name, profile.measure, samples, profile.made_from)
