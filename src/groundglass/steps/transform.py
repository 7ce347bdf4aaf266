"""The transform step: rows become rows of virtual images."""

from __future__ import annotations

import pyarrow as pa

from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.recipes.transform_model import TransformStep
from groundglass.transforms.best_tile import best_tile
from groundglass.transforms.derived import Derived
from groundglass.transforms.downscale import downscale
from groundglass.transforms.multiscale import multiscale
from groundglass.transforms.tile import tile
from groundglass.transforms.to_effective_resolution import to_effective_resolution


def derive_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Derived:
    """The virtual images that a transform step makes of ``rows``, and the rows that gave none."""
    body = planned.step.body
    assert isinstance(body, TransformStep)
    if body.multiscale is not None:
        return multiscale(rows, body.multiscale, body.shortest_edge, body.kernel or "lanczos")
    if body.tile is not None:
        return tile(rows, body.tile, body.stride, body.edges or "drop")
    if body.downscale is not None:
        return downscale(rows, body.downscale, body.kernel or "matlab_bicubic")
    measure_rows(state, rows, planned.asks, planned.step.name)
    found = state.store.read(planned.asks[0].key)
    if body.to_effective_resolution:
        return to_effective_resolution(rows, found, kernel=body.kernel or "lanczos")
    assert body.best_tile is not None
    return best_tile(rows, found, body.best_tile)
