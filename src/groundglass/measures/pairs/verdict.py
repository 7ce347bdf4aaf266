"""The verdict on the pixels of one pair: sizes, copies, and the gates. `check-pairs`, its audit and `pair` share it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.measures.pairs.align import luma, upscaled
from groundglass.measures.pairs.gates import Judged, judge_pair
from groundglass.measures.pairs.psnr_ssim import psnr

COPY = 45.0
"""dB between HQ and upscaled LQ, above which HQ adds nothing: captured pairs have 25 to 38."""
RATIO = 0.02
"""Share by which the ratios of width and height may differ: HQ need not be a multiple of LQ."""


def judge_pixels(lq: NDArray[Any], hq: NDArray[Any], *, keep_map: bool = False) -> Judged:
    """The verdict on a pair of uint8 RGB images of any sizes, H×W×3. It raises nothing for odd sizes.

    >>> grey = np.full((40, 40, 3), 9, np.uint8)
    >>> judge_pixels(grey, grey).reasons
    ('identical: LQ and HQ have the same pixels',)
    """
    if np.array_equal(lq, hq):
        return Judged("rejected", ("identical: LQ and HQ have the same pixels",))
    if wrong := _wrong_sizes(lq, hq):
        return Judged("rejected", (wrong,))
    judged = judge_pair(lq, hq, keep_map=keep_map)
    same = _copy(lq, hq)
    if same <= COPY:
        return judged
    reason = f"copy: HQ is LQ upscaled, {same:.1f} dB, limit {COPY:g}, of the whole"
    before = judged.reasons if judged.verdict == "rejected" else ()
    return replace(judged, verdict="rejected", reasons=(reason, *before))


def gate_of(reason: str) -> str:
    """The name of the gate that gave a reason.

    >>> gate_of("geometry: shift 2.3 px"), gate_of("local: down-consistency 21.0 dB, floor 26")
    ('geometry', 'down-consistency')
    """
    gate, _, said = reason.partition(": ")
    return "down-consistency" if said.startswith("down-consistency") else gate


def _wrong_sizes(lq: NDArray[Any], hq: NDArray[Any]) -> str | None:
    across, down = hq.shape[1] / lq.shape[1], hq.shape[0] / lq.shape[0]
    sizes = f"LQ is {lq.shape[1]} × {lq.shape[0]} px, HQ is {hq.shape[1]} × {hq.shape[0]} px"
    if min(across, down) < 1:
        return f"size: {sizes}: LQ is larger than HQ; are the two swapped?"
    if abs(across / down - 1) > RATIO:
        return f"size: {sizes}: the ratios {across:.2f} and {down:.2f} differ"
    return None


def _copy(lq: NDArray[Any], hq: NDArray[Any]) -> float:
    """PSNR of HQ against LQ upscaled by bicubic; of luma."""
    height, width = hq.shape[:2]
    if height * width > 4_000_000:  # the middle of a large image shows as much
        lines, columns = lq.shape[0] // 4, lq.shape[1] // 4
        across, down = width / lq.shape[1], height / lq.shape[0]
        top, left = (lq.shape[0] - lines) // 2, (lq.shape[1] - columns) // 2
        lq = lq[top : top + lines, left : left + columns]
        top, left = round(top * down), round(left * across)
        hq = hq[top : top + round(lines * down), left : left + round(columns * across)]
    ours = upscaled(luma(lq), hq.shape[1], hq.shape[0])
    inner = (slice(8, -8),) * 2 if min(hq.shape[:2]) > 32 else (slice(None),) * 2
    return psnr(luma(hq)[inner], ours[inner])
