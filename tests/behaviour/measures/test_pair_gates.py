"""The gates of pairs: each planted defect is rejected by the gate that is meant for it, with its place."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from groundglass.image.frame import open_frame
from groundglass.measures.pairs.faithful_fit import reduced
from groundglass.measures.pairs.gates import Limits, judge_pair
from shared_data import shared


@pytest.fixture(scope="module")
def hq() -> Any:
    random = np.random.default_rng(1)
    planes = sum(cv2.GaussianBlur(random.normal(0, 40 * s, (320, 384, 3)), (0, 0), s) for s in (1, 2, 5, 12))
    return np.clip(planes + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def lq(hq: Any) -> Any:
    small = reduced(cv2.GaussianBlur(hq, (0, 0), 1.5), 96, 80)
    noise = np.random.default_rng(2).normal(0, 2, small.shape)
    return np.clip(np.round(small + noise), 0, 255).astype(np.uint8)


def moved(image: Any, matrix: Any) -> Any:
    return cv2.warpAffine(image, np.asarray(matrix, float), image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def test_a_faithful_pair_is_accepted(lq: Any, hq: Any):
    judged = judge_pair(lq, hq)
    assert (judged.verdict, judged.reasons) == ("accepted", ())
    assert judged.values["shift"] < 0.2
    assert judged.values["hallucinated_share"] == 0


def test_a_shift_and_a_turn_are_rejected_by_geometry(lq: Any, hq: Any):
    shifted = judge_pair(lq, moved(hq, [[1, 0, 2], [0, 1, 0]]))
    assert shifted.verdict == "rejected"
    assert shifted.reasons[0].startswith("geometry: shift 2.0 px, limit 1.2, at the centre")
    turned = judge_pair(lq, moved(hq, cv2.getRotationMatrix2D((191.5, 159.5), 1, 1)))
    assert any("turned by" in reason for reason in turned.reasons)


def test_another_scene_is_rejected(lq: Any, hq: Any):
    assert "another scene" in judge_pair(lq, np.ascontiguousarray(hq[::-1, ::-1])).reasons[0]


def test_a_cast_is_rejected_with_its_direction(lq: Any, hq: Any):
    judged = judge_pair(lq, np.clip(hq * np.array([1.12, 1, 0.88]), 0, 255).astype(np.uint8))
    assert judged.verdict == "rejected"
    assert judged.reasons[0].startswith("cast: ΔE")
    assert judge_pair(lq, hq, Limits(cast=0.0)).reasons[0].startswith("cast")


def test_a_false_patch_is_rejected_and_its_box_is_right(lq: Any, hq: Any):
    false = hq.copy()
    false[100:148, 200:248] = 255 - np.roll(hq, 90, axis=0)[100:148, 200:248]
    judged = judge_pair(lq, false, keep_map=True)
    assert judged.verdict == "rejected"
    assert judged.reasons[0].startswith("local: ")
    x, y, width, height = judged.box
    assert (x, y, x + width, y + height) == pytest.approx((200, 100, 248, 148), abs=12)
    true = np.zeros(judged.map.shape, bool)
    true[25:37, 50:62] = True
    assert (judged.map & true).sum() / (judged.map | true).sum() > 0.5
    assert judged.values["hallucinated_share"] == pytest.approx(judged.map.mean())


def test_invented_texture_that_averages_out_is_invisible(lq: Any, hq: Any):
    """A stated limit of the gates: no difference is left at the size of LQ."""
    checks = np.indices(hq.shape[:2]).sum(axis=0) % 2 * 24 - 12
    assert judge_pair(lq, np.clip(hq + checks[..., None], 0, 255).astype(np.uint8)).verdict == "accepted"


def test_small_and_flat_pairs_are_unknown(hq: Any):
    assert judge_pair(hq[:24, :24], hq[:96, :96]).verdict == "unknown"
    low = judge_pair(hq[:40, :40], hq[:80, :80])
    assert (low.verdict, low.reasons) == ("unknown", ("size: HQ is 80 × 80 px, at least 96 are needed",))
    flat = np.full((64, 64, 3), 99, np.uint8)
    assert judge_pair(flat, np.full((256, 256, 3), 99, np.uint8)).verdict == "unknown"
    with pytest.raises(ValueError, match="larger"):
        judge_pair(hq, hq[:100])


def judge_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundglass.measures.pairs.gates.PIECE", 64)
    monkeypatch.setattr("groundglass.measures.pairs.gates.OVERLAP", 16)


def test_a_large_pair_is_judged_in_pieces_and_says_which(monkeypatch: pytest.MonkeyPatch, lq: Any, hq: Any):
    judge_in_pieces(monkeypatch)
    assert judge_pair(lq, hq).verdict == "accepted"
    false = hq.copy()
    false[240:288, 300:348] = 255 - np.roll(hq, 90, axis=0)[240:288, 300:348]
    judged = judge_pair(lq, false, keep_map=True)
    assert judged.verdict == "rejected"
    assert judged.map.shape == lq.shape[:2]
    x, y, *_ = judged.box
    assert (x, y) == pytest.approx((300, 240), abs=16)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_turn_of_pieces_is_the_largest_in_either_direction(
    monkeypatch: pytest.MonkeyPatch, lq: Any, hq: Any, sign: int
):
    judge_in_pieces(monkeypatch)
    left, right = (
        moved(hq, cv2.getRotationMatrix2D((x, 159.5), sign * degrees, 1))
        for x, degrees in ((96, 1.2), (288, -0.8))
    )
    false = np.concatenate((left[:, :192], right[:, 192:]), axis=1)
    # The pieces overlap, so each also sees a part of the other half.
    assert abs(judge_pair(lq, false).values["rotation"]) > 0.95


def test_pieces_of_another_scene_have_no_hallucinated_share(
    monkeypatch: pytest.MonkeyPatch, lq: Any, hq: Any
):
    judge_in_pieces(monkeypatch)
    judged = judge_pair(lq, np.ascontiguousarray(hq[::-1, ::-1]))
    assert "another scene" in judged.reasons[0]
    assert judged.values["hallucinated_share"] is None


def test_captured_truth_is_accepted_and_a_shifted_one_is_not():
    folder = shared("pairs/realsr_x4")
    for name in ("Canon_029_LR4.png", "Nikon_046_LR4.png"):
        lq, hq = (open_frame(folder / kind / name).rgb for kind in ("test_LR", "test_HR"))
        assert judge_pair(lq, hq).verdict == "accepted"
        assert judge_pair(lq, moved(hq, [[1, 0, 0], [0, 1, -2.5]])).verdict == "rejected"
