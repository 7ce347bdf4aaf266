"""The gates of pairs: each planted defect is rejected by the gate that is meant for it, with its place."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from groundglass.image.frame import open_frame
from groundglass.measures.pairs.align import align
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


def sharp(image: Any) -> Any:
    soft = cv2.GaussianBlur(image, (0, 0), 2).astype(np.float32)
    return np.clip(np.round(2 * image.astype(np.float32) - soft), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("filtered", [lambda image: cv2.GaussianBlur(image, (0, 0), 1), sharp])
def test_an_hq_without_detail_beyond_lq_is_rejected_as_smooth(lq: Any, hq: Any, filtered: Any):
    judged = judge_pair(lq, filtered(cv2.resize(lq, hq.shape[1::-1], interpolation=cv2.INTER_CUBIC)))
    assert judged.verdict == "rejected"
    assert judged.reasons[-1].startswith("smooth: detail beyond LQ -")
    assert "limit -1.2" in judged.reasons[-1]


def test_noise_in_lq_does_not_make_a_true_hq_smooth(lq: Any, hq: Any):
    noise = np.random.default_rng(3).normal(0, 25, lq.shape)
    noisy = judge_pair(np.clip(lq + noise, 0, 255).astype(np.uint8), hq)
    assert not any(reason.startswith("smooth") for reason in noisy.reasons)
    assert noisy.values["added_detail"] > -1


def test_at_a_scale_of_2_a_smooth_hq_is_a_note_and_at_1_nothing(hq: Any):
    small = cv2.GaussianBlur(hq[:160, :192], (0, 0), 1)
    judged = judge_pair(small, cv2.resize(small, (384, 320), interpolation=cv2.INTER_CUBIC))
    assert judged.verdict == "accepted"
    assert judged.reasons[0].startswith("smooth: ")
    assert "a note" in judged.reasons[0]
    assert judge_pair(small, small).reasons == ()


def test_grain_hides_that_an_hq_is_smooth(lq: Any, hq: Any):
    """A stated limit of the gate: grain counts as detail."""
    copy = cv2.resize(lq, hq.shape[1::-1], interpolation=cv2.INTER_CUBIC).astype(np.float64)
    grainy = np.clip(copy + np.random.default_rng(4).normal(0, 12, copy.shape), 0, 255).astype(np.uint8)
    assert judge_pair(lq, grainy).verdict == "accepted"


def test_a_smooth_large_pair_is_judged_as_a_whole(monkeypatch: pytest.MonkeyPatch, lq: Any, hq: Any):
    judge_in_pieces(monkeypatch)
    copy = sharp(cv2.resize(lq, hq.shape[1::-1], interpolation=cv2.INTER_CUBIC))
    assert sum(reason.startswith("smooth") for reason in judge_pair(lq, copy).reasons) == 1


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


def test_a_large_pair_names_a_few_places_of_each_gate_and_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch, lq: Any, hq: Any
):
    judge_in_pieces(monkeypatch)
    monkeypatch.setattr("groundglass.measures.pairs.gates.MOST_REASONS", 1)
    reasons = judge_pair(lq, np.ascontiguousarray(hq[::-1, ::-1])).reasons
    assert len(reasons) == 2
    assert "another scene" in reasons[0]
    assert "of the piece at 0,0" in reasons[0], "the first piece is not the whole"
    assert reasons[1] == "geometry: 3 more, at other places"


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


def test_along_stripes_a_shift_is_measured_and_not_lost():
    """An affine map slides along stripes: its shift was wrong by .3 px."""
    folder = shared("pairs/realsr_x4")
    lq, hq = (open_frame(folder / kind / "Nikon_023_LR4.png").rgb for kind in ("test_LR", "test_HR"))
    own, false = align(lq, hq), align(lq, moved(hq, [[1, 0, 2], [0, 1, 2]]))
    assert (false.shift_x - own.shift_x, false.shift_y - own.shift_y) == pytest.approx((2, 2), abs=0.12)


def test_captured_truth_is_accepted_and_a_shifted_one_is_not():
    folder = shared("pairs/realsr_x4")
    for name in ("Canon_029_LR4.png", "Nikon_046_LR4.png"):
        lq, hq = (open_frame(folder / kind / name).rgb for kind in ("test_LR", "test_HR"))
        assert judge_pair(lq, hq).verdict == "accepted"
        assert judge_pair(lq, moved(hq, [[1, 0, 0], [0, 1, -2.5]])).verdict == "rejected"
