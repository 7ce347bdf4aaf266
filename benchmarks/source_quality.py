"""Checks of the estimated quality of sources: estimates, expected values, and the errors for few images.

    python -m benchmarks.source_quality [--draws 100] [--save]

Sources of known quality: DF2K's published values, and the photographs in ../shared/data/train_photos (left out if
they are missing). `off` is |estimate - expected|: of one estimate, or the median over draws.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.timing import DATA, report
from groundglass.image.encode import encode_jpeg
from groundglass.image.frame import open_frame
from groundglass.measures.blockiness.blockiness import blockiness_of
from groundglass.source_quality.clean_profile import Profile, load_profile
from groundglass.source_quality.divergence import LARGEST_VALUE, divergence_sums, estimate, source_quality
from groundglass.source_quality.kernel_density import Sample, sample_of

Values = npt.NDArray[np.float64]
SIZES = (10, 20, 30, 50, 100, 300)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/source_quality.csv")
    options = parser.parse_args()
    profile = load_profile("df2k")
    lists = {quality: values_of(sample) for quality, sample in profile.samples.items()}
    random = np.random.default_rng(0)
    rows = [*whole(profile, lists, random), *drawn(profile, lists, options.draws, random)]
    rows += small_references(profile, lists, options.draws, random)
    report(rows, "source_quality", options.save)


def values_of(sample: Sample) -> Values:
    return np.repeat(sample.values, sample.counts.astype(np.int64))


def whole(
    profile: Profile, lists: dict[float, Values], random: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """One estimate of each source, with its mixture's blocky share."""
    order = random.permutation(profile.size)
    clean, worst = lists[1.0][order], lists[0.5][order]
    cut, half = profile.size * 9 // 10, profile.size // 2
    sources = {f"DF2K at {quality:g}": (values, quality) for quality, values in lists.items()}
    sources["90 % clean + 10 % q50"] = np.r_[clean[:cut], worst[cut:]], 0.951
    sources["half clean, half q50"] = np.r_[clean[:half], worst[half:]], 0.506
    sources["1.3 million like q75"] = np.tile(lists[0.75], 377) * random.lognormal(0, 0.01, 377 * 3450), 0.75
    for name, (values, expected) in (sources | photographs()).items():
        start = time.perf_counter()
        found = source_quality(sample_of(values), profile)
        assert found.quality is not None
        assert found.blocky is not None
        yield row(name, values.size, expected, found.quality, found.blocky, time.perf_counter() - start)


def photographs() -> dict[str, tuple[Values, float]]:
    """Real photographs: JPEGs of quality 95, clean ones, and these at quality 75."""
    folder = DATA / "train_photos"
    if not folder.exists():
        return {}
    bsds, cid = (sorted(p for p in (folder / name).rglob("*.*g")) for name in ("bsds500", "cid22"))
    return {
        "BSDS500": (measured([file.read_bytes() for file in bsds]), 0.95),
        "CID22": (measured([file.read_bytes() for file in cid]), 1.0),
        "CID22 at 75": (measured([encode_jpeg(open_frame(Path(file)).rgb, 75) for file in cid]), 0.75),
    }


def measured(files: list[bytes]) -> Values:
    return np.array([blockiness_of(open_frame(data).grid_luma) for data in files])


def drawn(
    profile: Profile, lists: dict[float, Values], draws: int, random: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Few images of each list, against the whole reference."""
    for size in SIZES:
        for quality, values in lists.items():
            found = [quality_of(random.choice(values, size, replace=False), profile) for _ in range(draws)]
            yield spread(f"draws of DF2K at {quality:g}", size, quality, found)


def small_references(
    profile: Profile, lists: dict[float, Values], draws: int, random: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """300 clean photographs against profiles of few others."""
    for size in (20, 50, 100, 150, 300):
        found: list[float] = []
        for _ in range(draws):
            chosen = random.permutation(profile.size)[: size + 300]
            samples = {quality: sample_of(values[chosen[:size]]) for quality, values in lists.items()}
            small = Profile("small", profile.measure, samples)
            found.append(quality_of(lists[1.0][chosen[size:]], small))
        yield spread(f"clean, by a reference of {size}", 300, 1.0, found)


def quality_of(values: Values, profile: Profile) -> float:
    return estimate(divergence_sums(sample_of(values).below(LARGEST_VALUE), profile), profile)


def spread(name: str, size: int, expected: float, found: list[float]) -> dict[str, Any]:
    """Median, 95th and 100th percentile of the errors."""
    off = np.percentile(np.abs(np.array(found) - expected), [50, 95, 100])
    said = row(name, size, expected, float(np.median(found)))
    return {**said, "off": f"{off[0]:.3f}", "off_95": f"{off[1]:.3f}", "off_most": f"{off[2]:.3f}"}


def row(
    name: str,
    size: int,
    expected: float,
    found: float,
    blocky: float | None = None,
    seconds: float | None = None,
) -> dict[str, Any]:
    return {
        "source": name,
        "images": size,
        "expected": expected,
        "estimate": f"{found:.3f}",
        "off": f"{abs(found - expected):.3f}",
        "off_95": "",
        "off_most": "",
        "blocky": "" if blocky is None else f"{blocky:.3f}",
        "seconds": "" if seconds is None else f"{seconds:.2f}",
    }


if __name__ == "__main__":
    main()
