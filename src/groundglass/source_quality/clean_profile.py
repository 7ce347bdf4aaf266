"""Profiles: what a measure says of known clean photographs, as they are and after JPEG at known qualities.

A profile is one small JSON file that can be shared: the pictures themselves are not needed to judge by it.
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
"""Significant digits of the values in a file: a thousandth of the narrowest bandwidth that was seen."""
SHIPPED: Mapping[str, Path] = {"df2k": Path(__file__).parent / "profiles" / "df2k.json"}
"""Profiles that come with groundglass, by the names that commands and recipes know them by."""
QUALITIES = (1.0, 0.95, 0.85, 0.75, 0.5)
"""The qualities of a profile that is made here; 1 is the photograph as it is."""

_LIST = re.compile(r".+_q(\d{1,3})\.txt")
_LISTS_MEASURE = "blockiness-1"
"""DiverSeg's lists were made by the procedure that this version of blockiness restates."""


@dataclass(frozen=True)
class Profile:
    """Values of one measure on the same photographs at several JPEG qualities.

    name       a word for it
    measure    name and version of the measure, e.g. "blockiness-1": values of another version do not compare
    samples    the values by quality, 1 (not compressed) first
    made_from  which photographs, whose, and under which licence the values may be used
    """

    name: str
    measure: str
    samples: Mapping[float, Sample]
    made_from: str = ""

    @property
    def digest(self) -> str:
        """A hash of the measure and all values: equal for profiles that judge alike."""
        summed = hashlib.sha256(self.measure.encode())
        for quality, sample in self.samples.items():
            summed.update(np.array([quality, sample.size]).tobytes())
            summed.update(sample.values.tobytes() + sample.counts.tobytes())
        return summed.hexdigest()

    @property
    def size(self) -> int:
        """The fewest values that a quality has."""
        return min(sample.size for sample in self.samples.values())


def load_profile(path: Path | str, measure: str = "") -> Profile:
    """The profile in a file, in a folder of lists ``NAME_q95.txt`` (one number a line), or of a name of `SHIPPED`.

    Raises RecipeError where there is none, or where its values are not of ``measure`` (name and version).

    >>> profile = load_profile("df2k", "blockiness-1")
    >>> profile.size, list(profile.samples)
    (3450, [1.0, 0.95, 0.85, 0.75, 0.5])
    """
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
    """Whether a folder holds lists of values by quality."""
    return folder.is_dir() and any(_LIST.fullmatch(path.name) for path in folder.iterdir())


def save_profile(profile: Profile, path: Path) -> None:
    """Write a profile, values rounded to `DIGITS` digits. Raises UnreachableError where that cannot be done."""
    samples = [{"quality": quality, **_plain(sample)} for quality, sample in profile.samples.items()]
    about = {"name": profile.name, "measure": profile.measure, "made_from": profile.made_from}
    text = json.dumps(
        {"groundglass_profile": FORMAT, **about, "samples": samples},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    write_text(text.replace('{"quality"', '\n{"quality"') + "\n", path)


def _plain(sample: Sample) -> dict[str, list[float]]:
    """Values with few digits, and how often each occurs where that is more than once for any."""
    short = combined(np.array([float(f"{value:.{DIGITS}g}") for value in sample.values]), sample.counts)
    return {"values": short.values.tolist(), "counts": [int(count) for count in short.counts]}


def _from_file(path: Path) -> Profile:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return _from_plain(plain)
    except OSError as error:
        raise RecipeError(
            f"cannot read the profile {path.absolute()}: {error.strerror}",
            f"profiles that come along: {', '.join(SHIPPED)}",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{path} is no profile", "groundglass source-quality … --save-profile FILE writes one"
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
    """DiverSeg's lists: values of ``NAME_q100.txt`` are of the photographs as they are."""
    found = {path: _LIST.fullmatch(path.name) for path in sorted(folder.iterdir())}
    try:
        samples = {
            int(match[1]) / 100: sample_of(np.loadtxt(path, ndmin=1))
            for path, match in found.items()
            if match
        }
        return _ordered(Profile(folder.name, _LISTS_MEASURE, samples, f"the lists in {folder.name}"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"the lists in {folder} cannot be read: {error}", "one number a line") from error


def _ordered(profile: Profile) -> Profile:
    """Best quality first. Raises ValueError where it is not complete."""
    samples = dict(sorted(profile.samples.items(), reverse=True))
    whole = all(
        sample.size
        and sample.values.shape == sample.counts.shape
        and np.isfinite(sample.values).all()
        and (np.diff(sample.values) > 0).all()
        for sample in samples.values()
    )
    if len(samples) < 2 or next(iter(samples)) != 1.0 or not whole:
        raise ValueError("a profile holds values at quality 1 and at lower ones")
    return Profile(profile.name, profile.measure, samples, profile.made_from)
