"""The report of a run as one file, small enough to send: fewer and smaller thumbnails until it fits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.reports.assets import REPORT_SCRIPTS, parts_inside
from groundglass.reports.facts import RunFacts
from groundglass.reports.image_outcomes import count_sources, sample
from groundglass.reports.page_data import script, sheet_order
from groundglass.reports.render import FINE_UP_TO, default_sheets, page
from groundglass.reports.step_pools import Pools
from groundglass.reports.thumbnail_sheets import Sheet, SheetSettings, write_sheets
from groundglass.tables.parquet import only
from groundglass.text.format import size

BUDGET = 25_000_000
"""Bytes that mail servers and chats usually accept."""

HEIGHTS = (320, 160, 128, 96)
"""Heights of thumbnails to try, px; smaller ones show nothing."""

FEWEST = 24
"""The number of images in the smallest sample to try."""

_PROBES = 48
"""The number of thumbnails from which the size of all is predicted."""


@dataclass(frozen=True)
class Single:
    """A report that was written as one file: its path and size, its images and the total, and what it leaves out."""

    path: Path
    bytes: int
    images: int
    total: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Rung:
    """One attempt: the number of images, and the height of their thumbnails, px; 0 for none."""

    images: int
    height: int


def render_single(facts: RunFacts, path: Path, budget: int = BUDGET) -> Single:
    """Write the report of a run to ``path`` as one file of at most ``budget`` bytes.

    The paths of the photographs are left out, because the file is made to be shared. Raises RecipeError if not even
    a small sample fits, UnreachableError if the file cannot be written.
    """
    facts = _without_paths(facts)
    text, least = "", 0
    for rung in _promising(facts, budget):
        fewer = _reduced(facts, rung, budget)
        text = _page(fewer, rung)
        # The size is measured on the finished text, because the prediction is only approximate.
        if len(text.encode()) <= budget:
            write_text(text, path)
            total = facts.total or len(facts.rows)
            return Single(path, len(text.encode()), len(fewer.rows), total, fewer.left_out)
        least = len(text.encode())
    raise RecipeError(
        f"the report does not fit into {size(budget)}",
        f"it needs at least {size(least)}; allow more with --budget",
    )


def _without_paths(facts: RunFacts) -> RunFacts:
    kept = [name for name in facts.rows.column_names if name != "path"]
    return replace(facts, rows=facts.rows.select(kept))


def _rungs(images: int) -> Iterator[_Rung]:
    """The attempts in order: smaller thumbnails first, then fewer images, then no thumbnails."""
    for height in HEIGHTS:
        if height <= default_sheets(images).height:
            yield _Rung(images, height)
    fewer = images // 2
    while fewer >= FEWEST:
        yield _Rung(fewer, HEIGHTS[-1])
        fewer //= 2
    yield _Rung(min(images, FEWEST), 0)


def _promising(facts: RunFacts, budget: int) -> Iterator[_Rung]:
    """The attempts without those that would be far too large, as predicted from a few thumbnails."""
    images = len(facts.rows)
    pools = Pools(facts)
    bare = len(_page(facts, _Rung(images, 0)).encode())
    each = {height: _bytes_per_image(facts, pools, height) for height in HEIGHTS}
    for rung in _rungs(images):
        thumbnails = rung.images * each[rung.height] if rung.height else 0
        # A tenth above the budget is still tried, because the prediction is approximate.
        if bare * rung.images / max(1, images) + thumbnails <= 1.1 * budget or not rung.height:
            yield rung


def _bytes_per_image(facts: RunFacts, pools: Pools, height: int) -> float:
    """The bytes that a thumbnail adds to the file, averaged over a few that are spread evenly; 4/3 is for base64."""
    ids = [key for key in sheet_order(facts, pools) if key in facts.thumbnails]
    probes = ids[:: max(1, len(ids) // _PROBES)]
    with tempfile.TemporaryDirectory() as made:
        sheets = write_sheets(probes, facts.thumbnails, Path(made), _settings(height))
        total = sum((Path(made) / sheet.name).stat().st_size for sheet in sheets)
    return 4 / 3 * total / max(1, len(probes)) * len(ids) / max(1, len(facts.rows))


def _settings(height: int) -> SheetSettings:
    usual = default_sheets(FINE_UP_TO if height > SheetSettings().height else FINE_UP_TO + 1)
    return replace(usual, height=height, quality=usual.quality if height >= SheetSettings().height else 80)


def _reduced(facts: RunFacts, rung: _Rung, budget: int) -> RunFacts:
    """The facts of an attempt, with sentences on what they leave out."""
    left_out = [
        "The 1:1 view works only in the report folder: this file does not hold the photographs’ paths."
    ]
    usual = default_sheets(len(facts.rows)).height
    if rung.height < usual:
        how = f"are {rung.height} px high instead of {usual}" if rung.height else "are left out"
        left_out.append(f"Thumbnails {how}, so that this file stays under {size(budget)}.")
    rows, least = facts.rows, min(facts.least or 20, 20, max(1, rung.images // 20))
    if rung.images < len(rows):
        rows = sample(rows, rung.images, least)
    return replace(
        facts,
        rows=rows,
        verdicts=only(facts.verdicts, rows["id"]),
        thumbnails=facts.thumbnails if rung.height else {},
        total=facts.total or (len(facts.rows) if len(rows) < len(facts.rows) else None),
        least=least if len(rows) < len(facts.rows) else facts.least,
        sources=facts.sources or count_sources(facts.rows),
        left_out=tuple(left_out),
    )


def _page(facts: RunFacts, rung: _Rung) -> str:
    """The text of the file."""
    pools = Pools(facts)
    with tempfile.TemporaryDirectory() as made:
        sheets: Sequence[Sheet] = ()
        if rung.height:
            order = sheet_order(facts, pools)
            sheets = write_sheets(order, facts.thumbnails, Path(made), _settings(rung.height))
        encoded = [(Path(made) / sheet.name).read_bytes() for sheet in sheets]
    data = script(facts, pools, sheets, rung.height)
    return page(facts, pools, parts_inside(REPORT_SCRIPTS, data, encoded))
