"""What must be true of naturalness, on photographs that its reference was not fitted to."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.degradations.blur import Defocus, GaussianBlur, MotionBlur
from groundglass.degradations.catalog import distort
from groundglass.degradations.jpeg import Jpeg
from groundglass.degradations.noise import GaussianNoise
from groundglass.degradations.resize import FalseResolution
from groundglass.errors import NoValue, RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.naturalness.features import patch_features
from groundglass.measures.naturalness.model import fit_gaussian, sharp_sums
from groundglass.measures.naturalness.naturalness import PROFILED, naturalness
from groundglass.measures.naturalness.profile import SHIPPED, NaturalProfile, save_natural
from shared_data import shared


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    return [
        *sorted(shared("train_photos", "cid22").glob("*")),
        *sorted(shared("train_photos", "bsds500").glob("*")),
    ]


@pytest.fixture(scope="module")
def reference(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fitted to every other photograph."""
    file = tmp_path_factory.mktemp("reference") / "half.json"
    found = [patch_features(open_frame(path).luma) for path in photographs[::2]]
    gaussian = fit_gaussian(
        sharp_sums(patches) for patches in found if max(patches.texture, default=0) >= 0.5
    )
    save_natural(NaturalProfile("half", PROFILED, gaussian), file)
    return str(file)


def value(rgb: np.ndarray, reference: str = "") -> float:
    found = naturalness(open_frame(testing.encoded(rgb, "BMP")), reference)["naturalness"]
    assert isinstance(found, float)
    return found


@pytest.fixture(scope="module")
def unseen(photographs: list[Path], reference: str) -> list[tuple[np.ndarray, float]]:
    """Photographs that nothing was fitted to, and their naturalness."""
    pictures = [open_frame(path).rgb for path in photographs[1::8]]
    return [(rgb, value(rgb, reference)) for rgb in pictures]


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        (GaussianBlur(1), 0.9),
        (GaussianBlur(2), 0.9),
        (Defocus(2), 0.9),
        (MotionBlur(9), 0.9),
        (GaussianNoise(5), 0.8),
        (GaussianNoise(15), 0.9),
        (Jpeg(20), 0.8),
        (FalseResolution(2), 0.9),
    ],
    ids=str,
)
def test_what_is_spoilt_is_less_natural(
    settings: object, share: float, unseen: list[tuple[np.ndarray, float]], reference: str
):
    worse = [
        value(distort(rgb, settings, np.random.default_rng(place)), reference) > clean
        for place, (rgb, clean) in enumerate(unseen)
    ]
    assert np.mean(worse) >= share, np.mean(worse)


def test_more_of_it_is_less_natural_still(unseen: list[tuple[np.ndarray, float]], reference: str):
    for ladder in (
        [GaussianBlur(s) for s in (1, 2, 4)],
        [GaussianNoise(s) for s in (5, 15, 40)],
        [Jpeg(q) for q in (40, 20, 8)],
    ):
        medians = [
            np.median(
                [value(distort(rgb, step, np.random.default_rng(0)), reference) for rgb, _ in unseen[:16]]
            )
            for step in ladder
        ]
        assert (np.diff(medians) > 0).all()


def test_flips_change_little(unseen: list[tuple[np.ndarray, float]], reference: str):
    """Nothing from left to right; on an odd side a pixel is left out at one end."""
    for rgb, clean in unseen[:12]:
        assert value(np.ascontiguousarray(rgb[::-1, ::-1]), reference) == pytest.approx(clean, rel=0.1)
        even = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])
        flipped = value(np.ascontiguousarray(even[:, ::-1]), reference)
        assert flipped == pytest.approx(value(even, reference), rel=1e-3)


@cache
def published() -> dict[str, float]:
    """NIQE of the authors' own model, by picture."""
    with shared("iqa_calibration", "calibration_summary.csv").open(encoding="utf-8") as file:
        rows = {row[0]: row[1:] for row in csv.reader(file)}
    return dict(zip(rows["Method"], map(float, rows["niqe_matlab"]), strict=True))


def test_values_are_near_those_of_the_published_model():
    """Another reference of photographs, so not equal: within a third, and the two bad ones apart from the others."""
    folder = shared("iqa_calibration", "dist_dir")
    found = {name: naturalness(open_frame(folder / name))["naturalness"] for name in published()}
    assert found == pytest.approx(published(), rel=0.33)
    bad = {name for name, expected in published().items() if expected > 5}
    assert min(found[name] for name in bad) > 2 * max(found[name] for name in published().keys() - bad)  # pyright: ignore[reportArgumentType, reportOperatorIssue, reportCallIssue]


def test_another_reference_is_another_measure(unseen: list[tuple[np.ndarray, float]], reference: str):
    rgb, clean = unseen[0]
    assert value(rgb) != clean
    assert value(rgb, str(SHIPPED)) == value(rgb)


def test_grey_and_two_tone_pictures_have_a_value():
    photo = testing.photo(320, 240)
    grey = value(photo[..., 1])
    two = value((photo[..., 1] // 128 * 255).astype(np.uint8))
    assert 0 < grey < two


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_have_none(level: int):
    with pytest.raises(NoValue) as caught:
        naturalness(open_frame(testing.png(testing.flat(400, 300, level))))
    assert caught.value.reason == "flat"


def test_one_patch_of_texture_is_too_little():
    rgb = testing.flat(400, 400)
    rgb[:100, :100] = testing.photo(100, 100)
    with pytest.raises(NoValue, match="1 patches have texture, 2 are needed"):
        naturalness(open_frame(testing.png(rgb)))


def test_small_pictures_have_none():
    with pytest.raises(NoValue) as caught:
        naturalness(open_frame(testing.png(testing.photo(800, 191))))
    assert caught.value.reason == "too_small"


def test_a_reference_that_is_none_is_refused(tmp_path: Path):
    frame = open_frame(testing.png(testing.photo(200, 200)))
    with pytest.raises(RecipeError, match="cannot read the naturalness profile"):
        naturalness(frame, str(tmp_path / "none.json"))
