"""The position of one image in another: the similarity (scale, turn, shift) that most pairs of features agree on.

Every pair of features, with its sizes and angles, is a guess at the complete similarity. Every guess is tried, so the
result is not random (Lowe, Distinctive image features, 2004, section 7.4, without the histogram).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Points = npt.NDArray[np.float32]
Complex = npt.NDArray[np.complex128]

APART = 0.035
"""The largest distance of a point from its predicted position, as a share of the test image's longer side."""
TURN = 0.4
"""The largest difference of a feature's angle from the similarity's, in radians."""
STRETCH = 0.45
"""The largest difference of the logarithm of a feature's scale from the similarity's."""
SPOTS = 16
"""The test image is divided into this many cells per side. A cell counts once, and so does a repeated corner."""
ROUNDS = 3


@dataclass(frozen=True)
class Similarity:
    """``z ↦ turn·z + shift`` maps a point x + iy of the photo to one of the test image.

    inliers  pairs of features, in different cells of the test image, that agree with it
    """

    turn: complex
    shift: complex
    inliers: int

    @property
    def scale(self) -> float:
        """Px of the test image per px of the photo."""
        return abs(self.turn)

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The same as a 2×3 matrix, for points as columns."""
        a, b, c = self.turn.real, self.turn.imag, self.shift
        return np.array([[a, -b, c.real], [b, a, c.imag]])


def fit(source: Points, target: Points, side: float) -> Similarity | None:
    """The similarity that most pairs of n×4 features agree on; None if fewer than 3 do.

    ``side`` is the longer side of the target image in px.

    >>> a = np.array([[10, 10, 31, 0], [60, 20, 31, 0], [30, 90, 31, 0], [5, 60, 31, 0]], np.float32)
    >>> b = a * np.array([2, 2, 2, 1], np.float32) + np.array([7, 3, 0, 0], np.float32)
    >>> found = fit(a, b, 200)
    >>> round(found.scale, 3), found.inliers
    (2.0, 4)
    """
    if len(source) < 3:
        return None
    z, w = (points[:, 0].astype(np.float64) + 1j * points[:, 1] for points in (source, target))
    log = np.log(target[:, 2].astype(np.float64) / source[:, 2])
    turned = target[:, 3].astype(np.float64) - source[:, 3]
    turns = np.exp(log + 1j * turned)
    best = _best_guess(source, target, side)
    turn, shift = complex(turns[best]), complex(w[best] - turns[best] * z[best])
    for _ in range(ROUNDS):
        agree = _agreeing(z, w, log, turned, turn, shift, APART * side)
        if np.count_nonzero(agree) < 3:
            return None
        turn, shift = _least_squares(z[agree], w[agree])
        # A fit to points that nearly coincide can collapse or explode.
        if not 1e-3 < abs(turn) < 1e3:
            return None
    agree = _agreeing(z, w, log, turned, turn, shift, APART * side)
    return Similarity(turn, shift, _spots(w[agree], side))


def _least_squares(z: Complex, w: Complex) -> tuple[complex, complex]:
    """The turn and shift with the smallest sum of squared distances."""
    middle, target = z.mean(), w.mean()
    offset = z - middle
    spread = (offset.conj() @ offset).real
    turn = complex((offset.conj() @ (w - target)) / spread) if spread > 0 else 0j
    return turn, complex(target - turn * middle)


def _agreeing(
    z: Complex, w: Complex, log: npt.NDArray[np.float64], turned: npt.NDArray[np.float64],
    turn: complex, shift: complex, apart: float,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    near = np.abs(turn * z + shift - w) <= apart
    scale = np.abs(log - np.log(abs(turn))) <= STRETCH
    angle = np.abs(np.angle(np.exp(1j * (turned - np.angle(turn))))) <= TURN
    return near & scale & angle


def _spots(w: Complex, side: float) -> int:
    cells = np.floor(np.stack([w.real, w.imag]) * (SPOTS / side)).astype(np.int64)
    return len(np.unique(cells[0] * 1000 + cells[1]))


@njit(cache=True, nogil=True)
def _best_guess(source: Points, target: Points, side: float) -> int:
    best, most = 0, -1
    for i in range(len(source)):
        agree = count_agreeing(source, target, i, side)
        if agree > most:
            best, most = i, agree
    return best


@njit(cache=True, nogil=True)
def count_agreeing(source: Points, target: Points, i: int, side: float) -> int:
    """The number of pairs that agree with the similarity that pair ``i`` implies."""
    log, turned = np.log(target[i, 2] / source[i, 2]), target[i, 3] - source[i, 3]
    scale = target[i, 2] / source[i, 2]
    a, b = scale * np.cos(turned), scale * np.sin(turned)
    agree, limit = 0, (APART * side) ** 2
    for j in range(len(source)):
        x, y = source[j, 0] - source[i, 0], source[j, 1] - source[i, 1]
        across, down = (
            a * x - b * y + target[i, 0] - target[j, 0],
            b * x + a * y + target[i, 1] - target[j, 1],
        )
        if across * across + down * down > limit:
            continue
        if abs(np.log(target[j, 2] / source[j, 2]) - log) > STRETCH:
            continue
        angle = abs(target[j, 3] - source[j, 3] - turned) % (2 * np.pi)
        agree += min(angle, 2 * np.pi - angle) <= TURN
    return agree
