"""The job that scores pairs of images: PSNR and SSIM, and measures of the SR image alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.catalog import Value
from groundglass.engines.shards import Summary
from groundglass.errors import ImageError
from groundglass.files.atomic import part_name
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.measure_job import Ask, reason_of, take
from groundglass.measures.pairs.open_pair import Opened, Pair, Pixels, open_pair
from groundglass.measures.pairs.psnr_ssim import WINDOW, Fidelity, bicubic_score, rgb_score, score
from groundglass.tables.parts import parts_in, write_part

FIDELITY = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb")
"""Columns of every row: of luma under the protocol, and of all three channels."""


@dataclass(frozen=True)
class ScorePairs:
    """Scores pairs; a finished shard is a part below ``folder``.

    border  px that are cut off every side
    asks    measures of the SR image, all without a network
    """

    scale: int
    border: int
    protocol: str
    folder: Path
    limits: ImageLimits
    asks: tuple[Ask, ...] = ()

    def one(self, item: Pair) -> dict[str, Any]:
        """The row of a pair, with values or a reason."""
        try:
            pair = open_pair(item, self.scale, self.protocol, self.limits)
            values = self._fidelity(item, pair)
        except Exception as error:  # a decoder may raise anything, and one bad file must not end the shard
            return self.lost(item, *reason_and_detail(error))
        row = {"number": item.number, "width": pair.hr.shape[1], "height": pair.hr.shape[0], **values}
        return row | {"warning": pair.warning} | self._measured(pair)

    def lost(self, item: Pair, reason: str, detail: str) -> dict[str, Any]:
        """A row without values."""
        return {"number": item.number, "error": f"{reason}: {detail}" if detail else reason}

    def name(self, item: Pair) -> str:
        """The pair's name."""
        return item.name

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        """One part of all rows."""
        return save_rows(results, self._schema(), self.folder)

    def _fidelity(self, item: Pair, pair: Opened) -> dict[str, float]:
        least = min(pair.hr.shape[:2]) - 2 * self.border
        if least < WINDOW:
            said = f"{pair.hr.shape[1]} × {pair.hr.shape[0]} px, {self.border} px cut off every side"
            raise ImageError("too_small", f"{said}: SSIM needs {WINDOW} px")
        luma = self._luma(item, pair)
        colours = rgb_score(pair.hr, pair.sr, self.border, self.protocol)
        return dict(zip(FIDELITY, (luma.psnr, luma.ssim, colours.psnr, colours.ssim), strict=True))

    def _luma(self, item: Pair, pair: Opened) -> Fidelity:
        if item.sr is None:
            return bicubic_score(pair.hr, self.scale, self.protocol, self.border)
        return score(pair.hr, _like(pair.hr, pair), self.border, self.protocol)

    def _measured(self, pair: Opened) -> dict[str, Any]:
        """The asks' values of the SR image, and a reason if one of them has none."""
        if not self.asks:
            return {}
        frame = pair.frame or open_frame(encode_png(as_rgb(pair.sr)))
        found: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for ask in self.asks:
            values, reason = take(ask, frame)
            found |= values
            if reason:
                errors[ask.measure] = reason
        return found | {"error": "; ".join(f"{name}: {reason}" for name, reason in errors.items()) or None}

    def _schema(self) -> pa.Schema:
        columns: dict[str, type] = {"width": int, "height": int, **dict.fromkeys(FIDELITY, float)}
        for ask in self.asks:
            columns |= {name: column.kind for name, column in ask.definition.columns.items()}
        return schema_of({**columns, "warning": str})


def _like(hr: Pixels, pair: Opened) -> Pixels:
    """The SR image, grey where HR is: by its luma of the full range 0 to 255, which leaves equal channels unchanged."""
    if hr.ndim == 2 and pair.sr.ndim == 3:
        assert pair.frame is not None
        return pair.frame.luma
    return pair.sr if hr.ndim == pair.sr.ndim else as_rgb(pair.sr)


def as_rgb(image: Pixels) -> Pixels:
    """H×W as three equal channels; H×W×3 as it is."""
    return image.repeat(3).reshape(*image.shape, 3) if image.ndim == 2 else image


def reason_and_detail(error: Exception) -> tuple[str, str]:
    """A word of `groundglass.errors.REASONS` and what it is about."""
    if isinstance(error, ImageError):
        return error.reason, error.detail
    reason, _, detail = reason_of(error).partition(": ")
    return reason, detail


_TYPES: Mapping[type, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def schema_of(columns: Mapping[str, type]) -> pa.Schema:
    """The columns of a part, between a row's number and its error."""
    typed = [(name, _TYPES[kind]) for name, kind in columns.items()]
    return pa.schema([("number", pa.int64()), *typed, ("error", pa.string())])


def save_rows(rows: Sequence[dict[str, Any]], schema: pa.Schema, folder: Path) -> Summary:
    """Write a part, and count its rows by the first word of their errors."""
    write_part(pa.Table.from_pylist(list(rows), schema), folder / part_name())
    failed = Counter(row["error"].partition(":")[0] for row in rows if row.get("error"))
    return Summary(len(rows), dict(failed))


def read_rows(folder: Path) -> dict[int, dict[str, Any]]:
    """All rows of a folder's parts by their numbers."""
    rows = (row for part in parts_in(folder) for row in pq.read_table(part).to_pylist())
    return {row.pop("number"): row for row in rows}


def finite(values: Iterable[Value]) -> list[float]:
    """The numbers among values.

    >>> finite([1, None, "a", True, 2.5])
    [1.0, 2.5]
    """
    return [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v == v]


def is_identical(row: Mapping[str, Any]) -> bool:
    """Whether the two images of a row have equal luma."""
    return row.get("psnr_y") is not None and math.isinf(row["psnr_y"])
