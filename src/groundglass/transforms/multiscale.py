"""The same image at several smaller sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, PositiveInt, model_validator

from groundglass.errors import RecipeError
from groundglass.image.region import Resize, Step
from groundglass.image.resize import find_kernel
from groundglass.settings.field_types import Factors
from groundglass.settings.key_rules import refuse as refuse_key
from groundglass.transforms.derived import Derived, derive, refuse, sizes, whole_boxes
from groundglass.transforms.transform import AnyScale, Transform

Size = tuple[int, int]


class Multiscale(Transform):
    """Every image at several smaller sizes, each size once; never upscaled."""

    keys: ClassVar = ("multiscale",)
    reference: ClassVar = "Real-ESRGAN, scripts/generate_multiscale_DF2K.py"
    example: ClassVar = "{multiscale: [1.0, 0.75, 0.5], shortest_edge: 512}"
    resizes: ClassVar = True

    multiscale: Annotated[Factors, Field(description="scales, at most 1")]
    shortest_edge: Annotated[
        PositiveInt | None, Field(description="one more scale, with this shortest side in px")
    ] = None
    kernel: Annotated[AnyScale | None, Field(description="resize kernel; default: lanczos")] = None

    @model_validator(mode="after")
    def _check(self) -> Multiscale:
        if not self.multiscale:
            hint = "write for example `multiscale: [1.0, 0.75]`"
            refuse_key("multiscale", "`multiscale` lists no scale", hint)
        return self

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        return multiscale(rows, self.multiscale, self.shortest_edge, self.kernel or "lanczos")

    def label(self) -> str:
        edge = f", shortest edge {self.shortest_edge}" if self.shortest_edge else ""
        return f"scales {', '.join(f'{scale:g}' for scale in self.multiscale)}{edge}"


def multiscale(
    rows: pa.Table,
    scales: Sequence[float] = (1.0, 0.75),
    shortest_edge: int | None = None,
    kernel: str = "lanczos",
) -> Derived:
    """Every image at each of ``scales`` (0..1], and once with its shortest side at ``shortest_edge`` px.

    Sizes are rounded down to whole px, as in Real-ESRGAN's generate_multiscale_DF2K.py. Nothing is ever upscaled,
    and no image occurs twice in one size: a shortest edge that the image does not exceed adds nothing.
    Scale 1 is the image itself, its id unchanged. An image without any possible size is refused as
    `too_small`.

    Raises RecipeError for scales outside (0, 1], a shortest edge below 1 px, or an unknown kernel.
    """
    find_kernel(kernel)
    if not all(0 < scale <= 1 for scale in scales):
        raise RecipeError(
            f"scales {list(scales)} are not all above 0 and at most 1", "nothing is ever upscaled"
        )
    if shortest_edge is not None and shortest_edge < 1:
        raise RecipeError(f"a shortest edge of {shortest_edge} px cannot be made", "use at least 1 px")
    width, height = sizes(rows)
    of: list[int] = []
    made: list[Size] = []
    factors: list[float] = []
    for index, size in enumerate(zip(width.tolist(), height.tolist(), strict=True)):
        for factor, new in _sizes_of(size, scales, shortest_edge):
            of.append(index)
            made.append(new)
            factors.append(factor)
    return _derived(rows, np.array(of, np.int64), made, factors, kernel)


def _sizes_of(size: Size, scales: Sequence[float], shortest_edge: int | None) -> Iterator[tuple[float, Size]]:
    """The scales and sizes made of one image, each size once."""
    width, height = size
    wanted = [(scale, (int(width * scale), int(height * scale))) for scale in scales]
    if shortest_edge is not None and shortest_edge < min(size):
        wanted.append((shortest_edge / min(size), _with_shortest_edge(size, shortest_edge)))
    seen: set[Size] = set()
    for scale, new in wanted:
        if min(new) >= 1 and new not in seen:
            seen.add(new)
            yield scale, new


def _with_shortest_edge(size: Size, edge: int) -> Size:
    width, height = size
    return (edge, int(edge * (height / width))) if width < height else (int(edge * (width / height)), edge)


def _derived(rows: pa.Table, of: np.ndarray, made: list[Size], factors: list[float], kernel: str) -> Derived:
    new = np.array(made, np.int64).reshape(-1, 2)
    boxes = whole_boxes(rows, of)
    same = (new[:, 0] == boxes.width) & (new[:, 1] == boxes.height)
    steps: list[tuple[Step, ...]] = [
        () if unchanged else (Resize(*size, kernel),) for unchanged, size in zip(same, made, strict=True)
    ]
    none_left = ~np.isin(np.arange(rows.num_rows), of)
    table = derive(rows, "multiscale", boxes, steps, factors, (new[:, 0], new[:, 1]))
    return Derived(table, refuse(rows, none_left))
