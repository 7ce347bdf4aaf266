"""All transforms that a recipe may name. Reading, planning and running a recipe use this list."""

from __future__ import annotations

from groundglass.transforms.best_tile import BestTile
from groundglass.transforms.degrade import Degrade
from groundglass.transforms.downscale import Downscale
from groundglass.transforms.multiscale import Multiscale
from groundglass.transforms.restore import Restore
from groundglass.transforms.tile import Tile
from groundglass.transforms.to_effective_resolution import ToEffectiveResolution
from groundglass.transforms.transform import Transform

TRANSFORMS: tuple[type[Transform], ...] = (
    Multiscale,
    Tile,
    BestTile,
    Downscale,
    ToEffectiveResolution,
    Degrade,
    Restore,
)
