"""The defects that an audit plants into pairs, written out: the damage to HQ, and its strengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.audits.pairs import plants

Image = NDArray[Any]


@dataclass(frozen=True)
class Site:
    """A pair that gets a defect: uint8 RGB, H×W×3. ``other`` is the HQ image of another pair; None if there is none."""

    lq: Image
    hq: Image
    other: Image | None

    @property
    def ratio(self) -> float:
        """By this factor, px are more than at ×4; the limits of the gates follow the scale in the same way."""
        return max(self.hq.shape[1] / self.lq.shape[1], 2.0) / 4

    def px(self, at_x4: float) -> int:
        """Whole px of HQ, from px at ×4."""
        return max(1, round(at_x4 * self.ratio))


Plant = Callable[[Site, float, np.random.Generator], Image | None]
"""From a site, a strength and a random stream to a damaged HQ; None if it has no room for it."""


@dataclass(frozen=True)
class PairDefect:
    """A defect of a pair.

    what       the damage, in a few words
    strengths  name and number of each, from weak to strong; px are of HQ at ×4, in proportion elsewhere
    """

    name: str
    what: str
    strengths: tuple[tuple[str, float], ...]
    plant: Plant


def _shift(site: Site, px: float, random: np.random.Generator) -> Image:
    angle = random.uniform(0, 2 * np.pi)
    return plants.shifted(site.hq, px * site.ratio * np.cos(angle), px * site.ratio * np.sin(angle))


def _turn(site: Site, degrees: float, random: np.random.Generator) -> Image:
    return plants.turned(site.hq, degrees * random.choice((-1, 1)))


def _elastic(site: Site, px: float, random: np.random.Generator) -> Image:
    return plants.bent(site.hq, random, px * site.ratio, 96 * site.ratio)


def _cast(site: Site, delta_e: float, random: np.random.Generator) -> Image:
    return plants.cast_in_total(site.hq, site.lq, random, delta_e)


def _texture(site: Site, side: float, random: np.random.Generator) -> Image | None:
    px, border = site.px(side), site.px(plants.BORDER)
    if site.other is None or min(*site.hq.shape[:2], *site.other.shape[:2]) < px + 2 * border:
        return None
    return plants.pasted(site.hq, site.other, px, random, border)[0]


def _text(site: Site, height: float, random: np.random.Generator) -> Image | None:
    px, border = site.px(height), site.px(plants.BORDER)
    if min(site.hq.shape[:2]) < 4 * px + 2 * border:
        return None
    return plants.lettered(site.hq, px, random, border)[0]


def _blurred(site: Site, sigma: float, _random: np.random.Generator) -> Image:
    return plants.blurred(site.hq, sigma * site.ratio)


def _painted(site: Site, levels: float, _random: np.random.Generator) -> Image:
    return plants.painted(site.hq, levels, 5 * site.ratio)


def _copy(site: Site, sharpened: float, _random: np.random.Generator) -> Image:
    height, width = site.hq.shape[:2]
    copy = plants.copied(site.lq, width, height)
    return plants.sharpened(copy, sharpened, 2 * site.ratio) if sharpened else copy


def _another(site: Site, _strength: float, _random: np.random.Generator) -> Image | None:
    height, width = site.hq.shape[:2]
    return None if site.other is None else plants.fitted(site.other, width, height)


PAIR_DEFECTS: tuple[PairDefect, ...] = (
    PairDefect("shift", "HQ is moved", (("1 px", 1), ("2 px", 2), ("3 px", 3)), _shift),
    PairDefect("turn", "HQ is turned", ((".3°", 0.3), (".6°", 0.6), ("1°", 1)), _turn),
    PairDefect("elastic", "HQ is bent like rubber", (("3 px", 3), ("6 px", 6)), _elastic),
    PairDefect("cast", "all colours differ, ΔE in total", (("ΔE 4", 4), ("ΔE 6", 6), ("ΔE 8", 8)), _cast),
    PairDefect(
        "texture", "a square shows the texture of another HQ", (("32 px", 32), ("48 px", 48)), _texture
    ),
    PairDefect("text", "four letters that LQ does not have", (("16 px", 16), ("32 px", 32)), _text),
    PairDefect("blur", "HQ is blurred", (("σ 1 px", 1), ("σ 2 px", 2)), _blurred),
    PairDefect(
        "painted",
        "textures are smoothed, edges stay sharp",
        (("20 levels", 20), ("60 levels", 60)),
        _painted,
    ),
    PairDefect("copy", "HQ is LQ upscaled by bicubic", (("plain", 0), ("sharpened", 1)), _copy),
    PairDefect("another image", "HQ is that of another pair", (("whole", 1),), _another),
)
"""All defects, in the order of the table."""
