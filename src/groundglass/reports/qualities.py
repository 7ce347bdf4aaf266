"""The estimated JPEG quality of each source, if a step judged whole sources by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 160
"""Width of the bar that shows a mixture, px."""


@dataclass(frozen=True)
class QualityView:
    """One source, as a step judged it.

    quality   q̂ as text, or why there is none
    interval  its 95 % interval; "" without one
    images    the number of photographs in the estimate
    parts     (left, width, words, blocky) of the mixture's bar, px, from the worst quality to the best
    """

    step: str
    source: str
    quality: str
    interval: str
    images: int
    parts: tuple[tuple[float, float, str, bool], ...]


def view_qualities(steps: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[QualityView, ...]:
    """Every source of every step that judged sources, from ``SourceQuality.plain`` in the steps' facts.

    >>> found = {"quality": 0.75, "ci95": [0.74, 0.76], "mixture": {"0.5": 0.25, "0.95": 0.75}, "images": 40}
    >>> view = view_qualities([("clean", {"web": found | {"abstained": None}})])[0]
    >>> view.quality, view.interval, view.parts[0]
    ('0.75', '0.74–0.76', (0.0, 40.0, '25 % like JPEG quality 50', True))
    """
    return tuple(_view(step, name, found) for step, sources in steps for name, found in sources.items())


def _view(step: str, name: str, found: Mapping[str, Any]) -> QualityView:
    ends = found["ci95"]
    return QualityView(
        step,
        name,
        found["abstained"] or f"{found['quality']:.2f}",
        f"{ends[0]:.2f}–{ends[1]:.2f}" if ends else "",
        found["images"],
        tuple(_parts(found["mixture"])),
    )


def _parts(mixture: Mapping[str, float]) -> Iterable[tuple[float, float, str, bool]]:
    from groundglass.source_quality.divergence import BLOCKY

    left = 0.0
    for quality, share in sorted((float(quality), share) for quality, share in mixture.items()):
        what = "clean photographs" if quality >= 1 else f"JPEG quality {100 * quality:g}"
        if share > 0:
            yield left, WIDTH * share, f"{share:.0%} like {what}".replace("%", " %"), quality < BLOCKY
        left += WIDTH * share
