"""The gates that a pair must pass: geometry, cast, local, smooth. Each names its value, its limit and the place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.measures.pairs.align import LEAST, Alignment, align, band, luma, upscaled, warped
from groundglass.measures.pairs.colour_fit import colour_cast, colour_residual
from groundglass.measures.pairs.detail import (
    added_detail,
    already_clean,
    down_consistency,
    structure_shift,
    texture_gain,
)
from groundglass.measures.pairs.faithful_fit import faithful_fit, reduced
from groundglass.measures.pairs.hallucination import departure, outline, worst_box
from groundglass.measures.pairs.local_shifts import dense_residual, local_shifts

Word = Literal["accepted", "rejected", "unknown"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Limits:
    """The limits of the gates; fitted on the 19 captured ×4 pairs of 512 px that `benchmarks.pair_gates` measures.

    shift, corner  px of HQ at ×4, in proportion to the scale elsewhere: of the centre, and of the farthest corner
    correlation    of the bands: below, HQ shows another scene
    cast           ΔE
    excess, unlike of `hallucination.Departure`
    down           dB: the floor of down-consistency
    dense          px of HQ at ×4: the 90th percentile of the blocks' shifts after the affine map
    detail         log2, of the mean over all pieces: the floor of `detail.added_detail`, at a scale of 3 and more
    """

    shift: float = 1.2
    corner: float = 2.6
    correlation: float = 0.5
    cast: float = 4.6
    excess: float = 4.6
    unlike: float = 2.3
    down: float = 26.0
    dense: float = 3.0
    detail: float = -1.2


LIMITS = Limits()
LEAST_SIDE = 32
"""Px of LQ that each side needs: below, too few windows decide what is usual."""
LEAST_NOTED, LEAST_SCALE = 1.5, 2.9
"""The scales from which a smooth HQ is noted, and rejected: below the second, a soft but true HQ has as little detail
beyond LQ's grid as an upscaled LQ."""
PIECE, OVERLAP = 256, 16
"""Largest side of LQ that is judged at once, and px that neighbouring pieces share."""

MOST_REASONS = 4
"""Reasons of one gate that a pair in pieces names."""


@dataclass(frozen=True)
class Judged:
    """The verdict of the gates on a pair.

    verdict   accepted, rejected or unknown
    reasons   a sentence for each gate that decided: gate, value, limit, place (px of HQ); of an accepted pair, notes
    values    the pair's measures by name; of a pair in pieces, the worst
    box       x, y, width, height of the worst place that LQ does not show, px of HQ
    map       h×w: where HQ departs from LQ, on LQ's grid; only if asked for
    """

    verdict: Word
    reasons: tuple[str, ...]
    values: dict[str, float | None] = field(default_factory=dict)
    box: Box | None = None
    map: NDArray[np.bool_] | None = None


HIGHER_IS_WORSE = (
    "shift",
    "corner",
    "rotation",
    "dense_residual",
    "cast",
    "colour_residual",
    "excess",
    "unlike",
)
LOWER_IS_WORSE = ("correlation", "down_psnr", "texture_gain")
OF_ALL = ("hallucinated_share", "added_detail")
"""The mean over all pieces, not over the rejected alone; a piece that shows another scene has none."""


def judge_pair(
    lq: NDArray[Any], hq: NDArray[Any], limits: Limits = LIMITS, *, keep_map: bool = False
) -> Judged:
    """Whether HQ is a faithful sharper version of LQ. Both are uint8 RGB, H×W×3; HQ equal or larger.

    Invented texture that averages out at the size of LQ passes all gates. A pair whose LQ is larger than 256 px is
    judged in pieces: one piece that is rejected decides. Raises ValueError if LQ is larger than HQ.

    >>> random = np.random.default_rng(0)
    >>> scene = sum(upscaled(random.uniform(20, 65, (n, n, 3)), 256, 256) for n in (32, 64, 128))
    >>> hq = scene.clip(0, 255).astype(np.uint8)
    >>> lq = reduced(hq, 64, 64).astype(np.uint8)
    >>> judge_pair(lq, hq).verdict
    'accepted'
    >>> judge_pair(lq, np.roll(hq, 4, axis=1)).reasons[0].split(",")[0]
    'geometry: shift 4.0 px'
    """
    if lq.shape[0] > hq.shape[0] or lq.shape[1] > hq.shape[1]:
        raise ValueError(f"LQ is larger than HQ: {lq.shape[:2]} and {hq.shape[:2]}")
    for name, image, least in (("LQ", lq, LEAST_SIDE), ("HQ", hq, LEAST)):
        if min(image.shape[:2]) < least:
            said = f"size: {name} is {image.shape[1]} × {image.shape[0]} px, at least {least} are needed"
            return Judged("unknown", (said,))
    found: list[Judged] = []
    whole = np.zeros(lq.shape[:2], bool) if keep_map else None
    pieces = list(pieces_of(lq.shape[0], lq.shape[1]))
    for y, x in pieces:
        piece, left, top = cut_piece(lq, hq, y, x)
        place = "of the whole" if len(pieces) == 1 else f"of the piece at {left},{top}"
        judged = _judge_piece(*piece, limits, (left, top), place)
        if whole is not None and judged.map is not None:
            whole[y, x] |= judged.map
        found.append(judged)
    joined = replace(_joined(found), map=whole)
    return _with_smooth(joined, limits, hq.shape[1] / lq.shape[1])


def pieces_of(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of LQ that each piece has; one for an LQ of up to 256 px.

    >>> list(pieces_of(100, 400))
    [(slice(0, 100, None), slice(0, 208, None)), (slice(0, 100, None), slice(192, 400, None))]
    """
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            yield slice(top, bottom), slice(left, right)


def _spans(length: int) -> list[tuple[int, int]]:
    """Equal spans of at most `PIECE` that share `OVERLAP`."""
    count = 1 if length <= PIECE else math.ceil((length - OVERLAP) / (PIECE - OVERLAP))
    step = (length - OVERLAP) / count
    return [(round(n * step), min(length, round((n + 1) * step) + OVERLAP)) for n in range(count)]


def cut_piece(
    lq: NDArray[Any], hq: NDArray[Any], y: slice, x: slice
) -> tuple[tuple[NDArray[Any], NDArray[Any]], int, int]:
    """A piece of both, and its place in HQ."""
    across, down = hq.shape[1] / lq.shape[1], hq.shape[0] / lq.shape[0]
    left, top = round(x.start * across), round(y.start * down)
    piece = hq[top : round(y.stop * down), left : round(x.stop * across)]
    return (lq[y, x], piece), left, top


def _joined(found: list[Judged]) -> Judged:
    """One verdict of all pieces: rejected if one is; unknown if none could be judged."""
    if len(found) == 1:
        return found[0]
    rejected = [one for one in found if one.verdict == "rejected"]
    sound = [one for one in found if one.verdict != "unknown"]
    of = rejected or sound or found
    worst = max(of, key=lambda one: one.values.get("excess") or 0.0)
    values: dict[str, float | None] = {}
    for name in dict.fromkeys(name for one in of for name in one.values):
        numbers = [value for one in of if (value := one.values.get(name)) is not None]
        if not numbers:
            values[name] = None
        elif name in HIGHER_IS_WORSE:
            values[name] = max(numbers, key=abs)  # a turn has a sign
        else:
            values[name] = min(numbers) if name in LOWER_IS_WORSE else float(np.mean(numbers))
    for name in OF_ALL:
        known = [value for one in sound if (value := one.values.get(name)) is not None]
        values[name] = float(np.mean(known)) if known else None
    reasons = _few(dict.fromkeys(reason for one in (rejected or of[:1]) for reason in one.reasons))
    unjudged = len(found) - len(sound)
    if unjudged and not rejected:
        reasons += (f"structure: {unjudged} of {len(found)} pieces have too little to be judged",)
    verdict: Word = "rejected" if rejected else "accepted" if sound else "unknown"
    return Judged(verdict, reasons, values, worst.box)


def _few(reasons: Iterable[str]) -> tuple[str, ...]:
    """The first reasons of each gate, and how many more it has: a large pair may have hundreds of pieces.

    >>> _few(["local: a", "cast: b", *(f"local: {n}" for n in range(5))])
    ('local: a', 'local: 0', 'local: 1', 'local: 2', 'local: 2 more, at other places', 'cast: b')
    """
    by_gate: dict[str, list[str]] = {}
    for reason in reasons:
        by_gate.setdefault(reason.partition(": ")[0], []).append(reason)
    kept: list[str] = []
    for gate, said in by_gate.items():
        kept += said[:MOST_REASONS]
        if len(said) > MOST_REASONS:
            kept.append(f"{gate}: {len(said) - MOST_REASONS} more, at other places")
    return tuple(kept)


def _judge_piece(
    lq: NDArray[Any], hq: NDArray[Any], limits: Limits, corner: tuple[int, int], place: str
) -> Judged:
    scale = hq.shape[1] / lq.shape[1]
    found = align(lq, hq)
    if found is None:
        return Judged("unknown", ("geometry: too little structure to align",))
    values: dict[str, float | None] = {
        "shift": found.shift,
        "shift_x": found.shift_x,
        "shift_y": found.shift_y,
        "corner": found.corner,
        "rotation": found.rotation,
        "correlation": found.correlation,
    }
    if found.correlation < limits.correlation:
        said = f"correlation {found.correlation:.2f}, limit {limits.correlation:g}, {place}: another scene"
        return Judged("rejected", (f"geometry: {said}",), values)
    aligned = warped(hq, found.matrix)
    small = reduced(aligned, lq.shape[1], lq.shape[0])
    tint = colour_cast(lq, small)
    fit = faithful_fit(lq, aligned)
    ours, theirs, large = luma(lq), luma(fit.image), luma(aligned)
    departs = departure(ours, theirs)
    mask = outline(departs, limits.excess, limits.unlike)
    size = hq.shape[1], hq.shape[0]
    residual = dense_residual(local_shifts(band(upscaled(ours, *size), scale), band(large, scale), scale))
    values |= {
        "dense_residual": residual,
        "cast": tint.delta_e,
        "colour_residual": colour_residual(lq, fit.image),
        "blur": fit.blur,
        "excess": float(departs.excess.max()),
        "unlike": float(departs.unlike.max()),
        "hallucinated_share": float(mask.mean()),
        "down_psnr": down_consistency(lq, fit.image),
        "structure_shift": structure_shift(ours, theirs),
        "already_clean": already_clean(ours, luma(small)),
        "texture_gain": texture_gain(ours, large),
        "added_detail": added_detail(ours, large),
    }
    box = _in_hq(worst_box(mask, departs), scale, corner)
    reasons = [
        *_geometry(found, residual, limits, scale, place),
        *_cast(tint, limits, place),
        *_local(values, box, limits, place),
    ]
    return Judged("rejected" if reasons else "accepted", tuple(reasons), values, box, mask)


def _geometry(
    found: Alignment, residual: float | None, limits: Limits, scale: float, place: str
) -> Iterator[str]:
    ratio = max(scale, 2.0) / 4
    if found.shift > limits.shift * ratio:
        said = f"{found.shift:.1f} px, limit {limits.shift * ratio:g}, at the centre {place}"
        yield f"geometry: shift {said} ({found.shift_x:+.1f}, {found.shift_y:+.1f})"
    if found.corner > limits.corner * ratio:
        said = f"{found.corner:.1f} px, limit {limits.corner * ratio:g}, at a corner {place}"
        yield f"geometry: displacement {said} (turned by {found.rotation:+.2f}°)"
    if residual is not None and residual > limits.dense * ratio:
        said = f"{residual:.1f} px, limit {limits.dense * ratio:g}, in a tenth of the blocks {place}"
        yield f"geometry: local shifts {said}"


def _cast(tint: Any, limits: Limits, place: str) -> Iterator[str]:
    if tint.delta_e > limits.cast:
        parts = f"L {tint.lightness:+.1f}, a {tint.a:+.1f}, b {tint.b:+.1f}"
        yield f"cast: ΔE {tint.delta_e:.1f}, limit {limits.cast:g}, median {place} ({parts})"


def _local(values: dict[str, float | None], box: Box | None, limits: Limits, place: str) -> Iterator[str]:
    where = f"at {box[0]},{box[1]}, {box[2]} × {box[3]} px" if box else place
    excess, unlike, down = (values[name] or 0.0 for name in ("excess", "unlike", "down_psnr"))
    if excess > limits.excess:
        yield f"local: error {excess:.1f} times the usual, limit {limits.excess:g}, {where}"
    elif unlike > limits.unlike:
        yield f"local: unlike structure {unlike:.1f}, limit {limits.unlike:g}, {where}"
    if down < limits.down:
        yield f"local: down-consistency {down:.1f} dB, floor {limits.down:g}, {place}"


def _with_smooth(judged: Judged, limits: Limits, scale: float) -> Judged:
    """Rejected, at a small scale only noted, if HQ has no detail beyond LQ: of the whole, since a piece may be sky."""
    detail = judged.values.get("added_detail")
    if detail is None or scale < LEAST_NOTED or detail >= limits.detail:
        return judged
    said = f"smooth: detail beyond LQ {detail:.1f}, limit {limits.detail:g}, of the whole"
    if scale < LEAST_SCALE:
        note = f"{said}; a note, since no limit holds at a scale of {scale:.2g}"
        return replace(judged, reasons=(*judged.reasons, note)) if judged.verdict == "accepted" else judged
    before = judged.reasons if judged.verdict == "rejected" else ()
    return replace(judged, verdict="rejected", reasons=(*before, said))


def _in_hq(box: Box | None, scale: float, corner: tuple[int, int]) -> Box | None:
    if box is None:
        return None
    x, y, width, height = (round(value * scale) for value in box)
    return x + corner[0], y + corner[1], width, height
