"""Upscaled images brought back to their true size, so that they are kept instead of lost."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import pyarrow as pa
from pydantic import Field

from groundglass.image.region import Resize, Step
from groundglass.image.resize import find_kernel
from groundglass.tables.parquet import compute, connect
from groundglass.transforms.derived import REFUSED, Derived, derive, sizes, whole_boxes
from groundglass.transforms.transform import AnyScale, Measured, Transform

SOUND = ("flat", "too_small")
"""Reasons why a sound image has no effective resolution; such images pass unchanged."""


class ToEffectiveResolution(Transform):
    """Every upscaled image downscaled to its true size; all others unchanged."""

    keys: ClassVar = ("to_effective_resolution",)
    reference: ClassVar = (
        "the measure resolution; upscaled images are kept in their true size instead of dropped"
    )
    example: ClassVar = "{to_effective_resolution: true}"
    resizes: ClassVar = True

    to_effective_resolution: Annotated[
        Literal[True], Field(description="true: downscale upscaled images to their true size")
    ]
    kernel: Annotated[
        AnyScale | None,
        Field(description="resize kernel; default: lanczos"),
    ] = None

    def measured(self) -> Measured:
        return Measured("resolution")

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        assert found is not None
        return to_effective_resolution(rows, found, kernel=self.kernel or "lanczos")

    def at_most(self, rows: pa.Table) -> None:
        return None

    def label(self) -> str:
        return "to effective resolution"


def to_effective_resolution(rows: pa.Table, found: pa.Table, kernel: str = "lanczos") -> Derived:
    """Every upscaled image, downscaled to its true size; all others unchanged, with their ids.

    ``found`` holds the columns of the measure `resolution`: sha256, region, resolution_state, effective_scale and
    error. Only the state ``upscaled`` has an effect: width and height times effective_scale, rounded, at least
    1 px, by an antialiasing ``kernel``. ``native``, ``unknown``, flat and tiny images pass. An image that
    could not be measured is refused with that error, or as `measure_failed` if nothing was measured.

    Raises RecipeError for an unknown kernel.
    """
    find_kernel(kernel)
    known = _scales(rows, found)
    broken = compute.is_valid(known["reason"])
    refused = known.filter(broken).select(REFUSED.names).cast(REFUSED)
    good = known.filter(compute.invert(broken))
    of = good["number"].to_numpy().astype(np.int64)
    scale = good["scale"].to_numpy()
    width, height = (np.maximum(1, np.rint(side[of] * scale)).astype(np.int64) for side in sizes(rows))
    boxes = whole_boxes(rows, of)
    same = ((width == boxes.width) & (height == boxes.height)).tolist()
    steps: list[tuple[Step, ...]] = [
        () if unchanged else (Resize(w, h, kernel),)
        for unchanged, w, h in zip(same, width.tolist(), height.tolist(), strict=True)
    ]
    return Derived(derive(rows, "to_effective_resolution", boxes, steps, scale, (width, height)), refused)


def _scales(rows: pa.Table, found: pa.Table) -> pa.Table:
    """For every row in order: number, id, the scale (1 if unchanged), and the reason if it cannot be used."""
    connection = connect()
    connection.register("current", rows.append_column("number", pa.array(range(rows.num_rows), pa.int64())))
    connection.register("found", found)
    sound = f"any_value(f.resolution_state) IS NOT NULL OR any_value(f.error) IN {SOUND}"
    scales = connection.sql(
        "SELECT number, any_value(id) AS id, "
        "CASE WHEN any_value(f.resolution_state) = 'upscaled' THEN any_value(f.effective_scale) ELSE 1.0 END "
        f"AS scale, CASE WHEN {sound} THEN NULL "
        "ELSE coalesce(string_split(any_value(f.error), ':')[1], 'measure_failed') END AS reason "
        "FROM current LEFT JOIN found f USING (sha256, region) GROUP BY number ORDER BY number"
    ).to_arrow_table()
    return cast(pa.Table, scales)
