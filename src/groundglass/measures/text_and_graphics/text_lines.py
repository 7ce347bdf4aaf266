"""Lines of lettering: thin strokes of one tone, side by side and alike, found without a network.

Strokes are the result of a morphological hat: thinner than the hat's window and lighter, or darker, than their
surroundings. A pixel belongs to a stroke when it has at least half of the greatest contrast around it, so
letters stay apart from weaker texture. Connected strokes of a letter's proportions are linked to neighbours
of similar height, width of stroke and tone; a chain of three or more is a line, and its evenness shows how much
it looks like lettering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import cv2, njit

Luma = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]

WINDOW = 15
"""Side of the hat's square, px: wider strokes are not found."""
LEAST_CONTRAST = 24
"""Grey levels by which a stroke must differ from its surroundings."""
LOWEST, TALLEST = 6, 0.25
"""Height of a letter: from this many px to this share of the image's height."""
FEWEST = 3
"""Letters of a line."""


@dataclass(frozen=True)
class Line:
    """A chain of letter-like strokes in px of the image.

    letters      number of strokes
    confidence   log-odds that it is lettering: positive is more likely than not
    tone_spread  standard deviation of the letters' extreme tones, grey levels: 0 for print of one colour
    """

    x: int
    y: int
    width: int
    height: int
    letters: int
    confidence: float
    tone_spread: float


@dataclass(frozen=True)
class _Letters:
    """Strokes of one polarity, from left to right; one entry each.

    box       x, y, width, height
    area      px
    stroke    width of the stroke, px
    tone      mean luma
    spread    deviation of luma inside
    contrast  mean height of the hat
    extreme   the lightest luma of a light one, the darkest of a dark one
    """

    box: npt.NDArray[np.int64]
    area: Numbers
    stroke: Numbers
    tone: Numbers
    spread: Numbers
    contrast: Numbers
    extreme: Numbers


def find_lines(luma: Luma) -> list[Line]:
    """Every chain of letter-like strokes in H×W uint8 ``luma``, light ones first; judge by ``confidence``.

    The insides of letters may make a line of the other polarity over the same place.

    Source: the hats of Serra, 1982; chaining after Epshtein, Ofek and Wexler, "Detecting text in natural
    scenes with stroke width transform", CVPR 2010, with mean distance to the border for their width.

    >>> image = np.full((120, 200), 200, np.uint8)
    >>> _ = cv2.putText(image, "Hello", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 20, 2)
    >>> dark = find_lines(image)[-1]
    >>> dark.letters, dark.confidence > 0
    (5, True)
    """
    return [line for dark in (False, True) for line in _lines_of(luma, dark)]


def _lines_of(luma: Luma, dark: bool) -> list[Line]:
    hat, strokes = _strokes(luma, dark)
    letters = _letters(luma, hat, strokes, dark)
    if len(letters.area) < FEWEST:
        return []
    chains = _link(letters.box, letters.stroke, letters.tone)
    _, first, counts = np.unique(chains, return_index=True, return_counts=True)
    return [_line(letters, chains == chains[n], strokes) for n in first[counts >= FEWEST]]


def _strokes(luma: Luma, dark: bool) -> tuple[Luma, Luma]:
    """The hat, and 1 where it has half of the greatest height around."""
    window = np.ones((WINDOW, WINDOW), np.uint8)
    hat = cv2.morphologyEx(luma, cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT, window)
    half = cv2.dilate(hat, window) // 2
    mask = hat > np.maximum(half, LEAST_CONTRAST)
    return np.asarray(hat, np.uint8), mask.astype(np.uint8)


def _letters(luma: Luma, hat: Luma, strokes: Luma, dark: bool) -> _Letters:
    """Connected strokes of a letter's height, proportions and thinness."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    inside = cv2.distanceTransform(strokes, cv2.DIST_L2, 3)
    sums, extremes = _sums(labels, luma, hat, inside, len(stats), dark)
    width, height, area = (stats[:, column].astype(np.float64) for column in (2, 3, 4))
    mean = sums / area[:, None]
    filled, stroke = area / (width * height), 4 * mean[:, 3]  # a stroke of width w is w/4 from its border
    good = (height >= LOWEST) & (height <= TALLEST * luma.shape[0]) & (width <= 3 * height)
    good &= (filled > 0.12) & ((filled < 0.95) | (width < 0.35 * height)) & (stroke < 0.45 * height + 2)
    # Component 0 is the background.
    good[0] = False
    found = np.flatnonzero(good)
    found = found[np.argsort(stats[found, 0], kind="stable")]
    spread = np.sqrt(np.maximum(0, mean[:, 1] - mean[:, 0] ** 2))
    values = (area, stroke, mean[:, 0], spread, mean[:, 2], extremes)
    return _Letters(stats[found, :4].astype(np.int64), *(value[found] for value in values))


@njit(cache=True, nogil=True)
def _sums(labels: Any, luma: Any, hat: Any, inside: Any, count: int, dark: bool) -> Any:
    """For each label: sums of luma, its square, the hat and the distance to the border; its extreme luma."""
    sums = np.zeros((count, 4))
    extremes = np.full(count, 255.0 if dark else 0.0)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label == 0:
                continue
            value = np.float64(luma[y, x])
            sums[label, 0] += value
            sums[label, 1] += value * value
            sums[label, 2] += hat[y, x]
            sums[label, 3] += inside[y, x]
            extremes[label] = min(extremes[label], value) if dark else max(extremes[label], value)
    return sums, extremes


@njit(cache=True, nogil=True)
def _alike(one: Any, other: Any, strokes: Any, tones: Any) -> bool:
    """Whether two letters, the first further left, can be neighbours in a line."""
    tall, low = max(one[3], other[3]), min(one[3], other[3])
    gap = other[0] - one[0] - one[2]
    shared = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return (
        -0.5 * min(one[2], other[2]) <= gap <= tall
        and low >= 0.5 * tall
        and shared >= 0.5 * low
        and abs(tones[0] - tones[1]) <= 30
        and max(strokes) <= 1.8 * min(strokes)
    )


@njit(cache=True, nogil=True)
def _link(box: Any, stroke: Any, tone: Any) -> Any:
    """The number of the chain that each letter belongs to. Letters come from left to right."""
    count = len(box)
    chain = np.arange(count)
    reach = box[:, 3].max()
    for i in range(count):
        for j in range(i + 1, count):
            # Letters come from left to right, so all further ones are too far away as well.
            if box[j, 0] - box[i, 0] - box[i, 2] > reach:
                break
            if chain[i] == chain[j]:
                continue
            if _alike(box[i], box[j], (stroke[i], stroke[j]), (tone[i], tone[j])):
                chain[chain == chain[j]] = chain[i]
    return chain


def _line(letters: _Letters, mine: Any, strokes: Luma) -> Line:
    box = letters.box[mine]
    x, y = int(box[:, 0].min()), int(box[:, 1].min())
    right, bottom = int((box[:, 0] + box[:, 2]).max()), int((box[:, 1] + box[:, 3]).max())
    ink = int(strokes[y:bottom, x:right].sum())
    return Line(
        x=x,
        y=y,
        width=right - x,
        height=bottom - y,
        letters=len(box),
        confidence=_confidence(letters, mine, bottom - y, ink),
        tone_spread=float(letters.extreme[mine].std()),
    )


def _confidence(letters: _Letters, mine: Any, height: int, ink: int) -> float:
    """Log-odds from six signs of print; ``ink`` is the number of stroke pixels in the line's box.

    A logistic regression, its weights rounded, on chains found in half of the test photos (the half with an
    even first byte in the SHA-256 of their names), with and without words written over them.
    """
    box, area = letters.box[mine], letters.area[mine]
    contrast = max(8.0, float(np.median(letters.contrast[mine])))
    usual = float(np.median(box[:, 3]))
    unevenness = float(np.median(letters.spread[mine])) / contrast
    wobble = min(_wobble(box, box[:, 1]), _wobble(box, box[:, 1] + box[:, 3])) / usual
    clutter = ink / float(area.sum()) - 1
    return float(
        1.6 * np.log2(contrast)
        + 2.2 * np.log2(len(box))
        - 26 * min(1.0, unevenness)
        - 9 * min(0.4, wobble)
        - 2 * min(3.0, height / usual)
        - 3 * min(1.0, clutter)
        - 9
    )


def _wobble(box: npt.NDArray[np.int64], edge: npt.NDArray[np.int64]) -> float:
    """Median distance, px, of the letters' upper or lower edges from the straight line through them."""
    x, y = box[:, 0] + box[:, 2] / 2, edge - edge.mean()
    x = x - x.mean()
    slope = (x @ y) / max(1.0, float(x @ x))
    return float(np.median(np.abs(y - slope * x)))


def share_of(lines: list[Line], shape: tuple[int, ...]) -> float:
    """The share of an image of this shape that the boxes cover together, 0 to 1.

    >>> share_of([Line(0, 0, 10, 5, 3, 1.0, 0.0), Line(0, 0, 10, 5, 3, 1.0, 0.0)], (10, 10))
    0.5
    """
    covered = np.zeros(shape, np.bool_)
    for line in lines:
        covered[line.y : line.y + line.height, line.x : line.x + line.width] = True
    return float(covered.mean())
