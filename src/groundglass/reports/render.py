"""The report folder: a page, its data, its sheets; complete or as it was before."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from groundglass.kernel.errors import UnreachableError
from groundglass.kernel.svg import Axis
from groundglass.reports import words
from groundglass.reports.charts import axis_data
from groundglass.reports.data import safe_json, script, sheet_order
from groundglass.reports.facts import RunFacts
from groundglass.reports.notice import notice_of
from groundglass.reports.pools import Pools
from groundglass.reports.sheets import SheetSettings, write_sheets
from groundglass.reports.view import (
    headline,
    median_columns,
    plain_reason,
    summary,
    view_failures,
    view_reasons,
    view_sources,
    view_steps,
)

FINE_UP_TO = 2000
"""Up to this many images, sheets are made at twice the page's size, for fine screens."""

_SHEETS = "sheets"
_PACKAGE = "groundglass.reports"


def render_report(facts: RunFacts, folder: Path, settings: SheetSettings | None = None) -> Path:
    """Write the report of a run into ``folder`` and return its ``index.html``.

    The report is made in a temporary folder beside it, then moved in file by file, the page last: a reader sees
    the old report or the new one. It opens from disk and reaches no network. Raises UnreachableError when the
    place cannot be written.
    """
    settings = settings or default_sheets(len(facts.rows))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
            _write_all(facts, Path(made), settings)
            _move_in(Path(made), folder)
    except OSError as error:
        raise UnreachableError(
            f"cannot write the report to {folder}: {error.strerror or error}",
            "free some space or choose another place, then make the report again",
        ) from error
    return folder / "index.html"


def default_sheets(rows: int) -> SheetSettings:
    """Fine sheets for some thousand images, lighter ones for more."""
    settings = SheetSettings()
    return replace(settings, height=2 * settings.height, shelves=2) if rows <= FINE_UP_TO else settings


def _write_all(facts: RunFacts, folder: Path, settings: SheetSettings) -> None:
    pools = Pools(facts)
    sheets = write_sheets(sheet_order(facts, pools), facts.thumbnails, folder / _SHEETS, settings)
    (folder / "data.js").write_text(script(facts, pools, sheets, settings.height), encoding="ascii")
    for name in static_files():
        (folder / name).write_bytes(files(_PACKAGE).joinpath("static", name).read_bytes())
    (folder / "index.html").write_text(page(facts, pools), encoding="utf-8")


def static_files() -> list[str]:
    """The style sheets and scripts that every report holds a copy of."""
    return sorted(entry.name for entry in files(_PACKAGE).joinpath("static").iterdir() if entry.is_file())


def page(facts: RunFacts, pools: Pools) -> str:
    """The text of ``index.html``. Everything that comes from the run is escaped."""
    return _environment().get_template("report.html.j2").render(**_context(facts, pools))


def _context(facts: RunFacts, pools: Pools) -> dict[str, Any]:
    scripts = [name for name in static_files() if name.endswith(".js") and name != "theme.js"]
    return {
        "run": facts,
        "headline": headline(facts),
        "summary": summary(facts),
        "notice": notice_of(facts),
        "steps": view_steps(facts, pools),
        "reasons": view_reasons(facts),
        "sources": view_sources(facts, pools),
        "medians": median_columns(pools),
        "failures": view_failures(facts),
        "columns": pools.columns,
        "scripts": scripts,
        "command": words.command,
        "made_at": facts.made_at.astimezone() if facts.made_at.tzinfo else facts.made_at,
    }


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "count": words.count,
        "some": words.some,
        "number": words.number,
        "drawn": Markup,
        "axis": _axis_json,
        "plain": plain_reason,
        "tail": words.tail,
    }
    environment.filters.update(filters)
    return environment


def _axis_json(axis: Axis) -> str:
    return safe_json(axis_data(axis))


def _move_in(made: Path, folder: Path) -> None:
    """Replace file by file, the page last; then clear away sheets that no page names any more."""
    (folder / _SHEETS).mkdir(exist_ok=True)
    fresh = [path for path in sorted(made.rglob("*")) if path.is_file()]
    for path in sorted(fresh, key=lambda path: path.name == "index.html"):
        target = folder / path.relative_to(made)
        path.replace(target)
    names = {path.name for path in fresh if path.parent.name == _SHEETS}
    for old in (folder / _SHEETS).glob("[0-9][0-9][0-9][0-9]*-*.jpg"):
        if old.name not in names:
            old.unlink()
