"""Published numbers as oracles: what the authors' programs gave on five photographs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from groundglass.image.frame import Frame, open_frame
from groundglass.measures.complexity.complexity import complexity
from groundglass.measures.pairs.psnr_ssim import psnr, ssim
from shared_data import shared


def published(name: str) -> dict[str, float]:
    with (shared("iqa_calibration") / "results_official.csv").open() as file:
        rows = {row.pop("Method"): row for row in csv.DictReader(file)}
    return {picture: float(value) for picture, value in rows[name].items()}


def pair(picture: str) -> tuple[Frame, Frame]:
    folder: Path = shared("iqa_calibration")
    return open_frame(folder / "ref_dir" / picture), open_frame(folder / "dist_dir" / picture)


def test_psnr() -> None:
    for picture, value in published("psnr").items():
        reference, degraded = pair(picture)
        assert psnr(reference.rgb.astype(float), degraded.rgb.astype(float)) == pytest.approx(
            value, abs=0.006
        )


def test_ssim() -> None:
    """Of MATLAB's rounded grey, as its authors' program takes it."""
    weights = [0.298936, 0.587043, 0.114021]
    for picture, value in published("ssim").items():
        one, other = (np.rint(frame.rgb.astype(float) @ weights) for frame in pair(picture))
        assert ssim(one, other) == pytest.approx(value, abs=0.00006)


def test_entropy() -> None:
    for picture, value in published("entropy").items():
        assert complexity(pair(picture)[1])["entropy"] == pytest.approx(value, abs=0.00015)
