"""The report's data file: all images and numbers as columns, in one script that the page loads from disk.

A page that is opened from disk may not fetch a JSON file, but may load a script; so the file assigns one global.
Numbers are stored as base64 of float64, so that the page has exactly the values by which the run judged.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.reports.borrowed_thumbnails import shown_by
from groundglass.reports.charts import axis_data, lines_of
from groundglass.reports.charts_svg import choose_axis, distribution
from groundglass.reports.facts import EXTRAS, STATUSES, RunFacts
from groundglass.reports.step_pools import Pools
from groundglass.reports.thumbnail_sheets import Sheet
from groundglass.tables.reasons import OTHERS, kinds_of
from groundglass.tables.step_record import StepRecord

_AT_LEAST = 5
"""With fewer values, a distribution is not drawn."""


def script(
    facts: RunFacts,
    pools: Pools,
    sheets: Sequence[Sheet],
    sheet_height: int,
    more: Mapping[str, Any] | None = None,
) -> str:
    """The text of ``data.js``: pure ASCII without ``<``, so that it is safe in any page. ``more`` is added to it."""
    data = {
        "run": _run(facts),
        "statuses": STATUSES,
        "steps": [step_data(step, pools) for step in facts.steps],
        "columns": [_column(name, pools) for name in pools.columns],
        "rows": _rows(facts, pools),
        "sheets": _sheets(facts, pools, sheets, sheet_height),
        **(more or {}),
    }
    return f"window.GROUNDGLASS = {safe_json(data)};\n"


def safe_json(data: Any) -> str:
    r"""JSON that is safe inside any script or page.

    >>> safe_json("</script>é")
    '"\\u003c/script\\u003e\\u00e9"'
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    # A text such as </script> in a file name would end the script.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def packed(numbers: NDArray[Any], kind: str) -> str:
    """Numbers as base64 of little-endian ``kind`` ("f8", "i4", "u1")."""
    return _base64(np.ascontiguousarray(numbers, f"<{kind}").tobytes())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def coded(words: Sequence[str | None]) -> dict[str, Any]:
    """Repeated words as a list of distinct words, and for each word its index in the list; -1 for None.

    >>> coded(["a", None, "b", "a"])
    {'words': ['a', 'b'], 'codes': [0, -1, 1, 0]}
    """
    places: dict[str, int] = {}
    codes = [-1 if word is None else places.setdefault(word, len(places)) for word in words]
    return {"words": list(places), "codes": codes}


def _run(facts: RunFacts) -> dict[str, Any]:
    names = ("name", "number", "state", "seed", "lock", "folder", "recipe")
    return {name: getattr(facts, name) for name in names}


def step_data(step: StepRecord, pools: Pools) -> dict[str, Any]:
    """A step with the rows that it judged, for the page's script; ``counted`` has the kind of each reason."""
    pool = pools.of(step)
    place = {name: index for index, name in enumerate(pools.columns)}
    lines = lines_of(step, pool, pools)
    whole = len(pool) == len(pools.facts.rows)
    return {
        "name": step.step,
        "kind": step.kind,
        "label": step.label,
        "unit": pools.facts.unit(step),
        "rowsIn": step.into,
        "rowsOut": step.out,
        "rule": step.ranking.rule if step.ranking else "where",
        "lines": [{"column": place[line.column], "op": line.op, "limit": line.limit} for line in lines],
        "rows": None if whole else packed(pool.rows, "i4"),
        "status": packed(pool.status, "u1"),
        "margin": packed(pool.margin, "f8") if np.isfinite(pool.margin).any() else None,
        "reason": (reason := coded(pool.reasons)),
        "counted": coded([kind if kind in step.reasons else OTHERS for kind in kinds_of(reason["words"])]),
    }


def _column(name: str, pools: Pools) -> dict[str, Any]:
    column = pools.columns[name]
    values = pools.values(name)
    return {
        "name": name,
        "unit": column.unit,
        "better": column.better,
        "meaning": column.meaning,
        "values": packed(values, "f8"),
        "pools": [_spread(values[~pools.derived]), _spread(values[pools.derived])],
    }


def _spread(values: NDArray[np.float64]) -> dict[str, Any] | None:
    """The distribution of a column. Photographs and derived images have one each: their values are not comparable."""
    finite = values[np.isfinite(values)]
    if finite.size < _AT_LEAST:
        return None
    axis = choose_axis(finite)
    return {"axis": axis_data(axis), "path": distribution(finite, axis)}


def _rows(facts: RunFacts, pools: Pools) -> dict[str, Any]:
    rows = facts.rows
    extras = [name for name in EXTRAS if name in rows.column_names]
    return {
        "count": len(rows),
        "id": rows["id"].to_pylist(),
        "uri": rows["uri"].to_pylist(),
        "parent": packed(
            np.array([pools.place_of.get(key, -1) for key in rows["parent"].to_pylist()], np.int32), "i4"
        ),
        "born": packed(pools.born, "i4"),
        "left": packed(pools.left, "i4"),
        "shownBy": packed(shown_by(facts), "i4"),
        "pairs": [columns._asdict() for columns in facts.pairs],
        "maps": {pools.place_of[key]: _base64(data) for key, data in facts.pair_maps.items()},
        "status": packed(pools.status, "u1"),
        "said": {name: coded(texts) for name, texts in facts.said.items()},
        **{name: coded(rows[name].to_pylist()) for name in ("source", "region", "reason", *extras)},
    }


def _sheets(facts: RunFacts, pools: Pools, sheets: Sequence[Sheet], height: int) -> dict[str, Any]:
    boxes = np.zeros((len(facts.rows), 5), np.int32)
    boxes[:, 0] = -1
    for index, sheet in enumerate(sheets):
        for key, box in sheet.boxes.items():
            boxes[pools.place_of[key]] = (index, *box)
    return {
        "height": height,
        "files": [{"name": sheet.name, "width": sheet.width, "height": sheet.height} for sheet in sheets],
        "boxes": packed(boxes, "i4"),
    }


def sheet_order(facts: RunFacts, pools: Pools) -> list[str]:
    """Ids in the order of the sheets: by the step at which they left, and there by the value that decided.

    So images that are shown next to each other are on the same sheet, and a page loads few sheets.
    """
    # NaN sorts last: images without a deciding value come after the others.
    value = np.full(len(facts.rows), np.nan)
    for index, step in enumerate(facts.steps):
        line = next(iter(lines_of(step, pools.of(step), pools)), None)
        if line is not None:
            mine = (pools.left == index) | ((pools.left > index) & (pools.born <= index))
            value[mine] = pools.values(line.column)[mine]
    ids: list[str] = facts.rows["id"].to_pylist()
    return [ids[place] for place in np.lexsort((value, pools.left)).tolist()]
