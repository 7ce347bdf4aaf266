"""The pairing rules of trainers, as their loaders apply them, held against paired releases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from making import CONTEXT, make_photographs, make_rows
from PIL import Image

from groundglass.releases.names import NAMINGS
from groundglass.releases.release import write_release
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.writer import LowResolution

STEP = PairedRelease(lr_scales=(2, 4), validation_lr=LowResolution(scales=(4,), kernel="box"), names="keep")
AWKWARD = ["a b.png", "c.d.e.png", "-f.png", "Ü 1.png", "a_b.png", "same.png"]
FOLDERS = [
    ("train/hr", "train/lr_x2", 2),
    ("train/hr", "train/lr_x4", 4),
    ("validation/hr", "validation/lr_x4", 4),
]


@pytest.fixture(scope="module", params=sorted(NAMINGS))
def release(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    paths = make_photographs(folder / "in", len(AWKWARD), 53, 47)
    renamed = [path.rename(path.with_name(name)) for path, name in zip(paths, AWKWARD, strict=True)]
    splits = ["train"] * 8 + ["validation"] * 4
    rows = make_rows(renamed, ("", "crop(5,6,33,30)"), split=splits)
    write_release(folder / "out", rows, STEP.model_copy(update={"names": request.param}), CONTEXT)
    return folder / "out"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def basicsr_folder_pairs(low: Path, high: Path) -> list[tuple[Path, Path]]:
    """BasicSR and neosr, paired_paths_from_folder: equal counts; LR has the very name of HR."""
    lows, highs = names_in(low), names_in(high)
    assert len(lows) == len(highs)
    pairs = []
    for name in highs:
        expected = f"{Path(name).stem}{Path(name).suffix}"
        assert expected in lows
        pairs.append((low / expected, high / name))
    return pairs


def stem_pairs(low: Path, high: Path) -> list[tuple[Path, Path]]:
    """traiNNer-redux: pairs by stem."""
    lows = {path.stem: path for path in low.iterdir()}
    return [(lows[path.stem], path) for path in sorted(high.iterdir())]


def lmdb_key_pairs(low: Path, high: Path) -> list[tuple[Path, Path]]:
    """BasicSR's LMDB: the key is the name up to its first dot; both sets of keys must be equal."""
    lows = {path.name.split(".")[0]: path for path in low.iterdir()}
    highs = {path.name.split(".")[0]: path for path in high.iterdir()}
    assert lows.keys() == highs.keys()
    assert len(highs) == len(list(high.iterdir()))
    return [(lows[key], highs[key]) for key in sorted(highs)]


@pytest.mark.parametrize("pair", [basicsr_folder_pairs, stem_pairs, lmdb_key_pairs])
@pytest.mark.parametrize(("high", "low", "scale"), FOLDERS)
def test_pairs_are_found_and_fit(
    release: Path, pair: Callable[[Path, Path], list[tuple[Path, Path]]], high: str, low: str, scale: int
):
    pairs = pair(release / low, release / high)
    assert len(pairs) == (8 if high.startswith("train") else 4)
    for lr, hr in pairs:
        with Image.open(lr) as small, Image.open(hr) as large:
            assert (small.mode, large.mode) == ("RGB", "RGB")
            assert (small.width * scale, small.height * scale) == large.size


@pytest.mark.parametrize(("high", "low", "scale"), FOLDERS)
def test_basicsr_meta_info_names_the_pairs(release: Path, high: str, low: str, scale: int):
    """BasicSR, paired_paths_from_meta_info_file: the name is what stands before the first space."""
    name = "meta_info.txt" if high.startswith("train") else "meta_info_validation.txt"
    with (release / name).open() as lines:
        names = [line.strip().split(" ")[0] for line in lines]
    assert sorted(names) == names_in(release / high) == names_in(release / low)
    for line in (release / name).read_text().split("\n"):
        file, size = line.split(" ")
        with Image.open(release / high / file) as picture:
            assert size == f"({picture.height},{picture.width},3)"


def test_sides_are_multiples_of_every_scale(release: Path):
    for path in (release / "train/hr").iterdir():
        with Image.open(path) as picture:
            assert picture.width % 4 == picture.height % 4 == 0
