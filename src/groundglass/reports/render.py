"""Writes the report's folder: a page, its data and its sheets, completely or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.errors import cannot_write
from groundglass.reports.assets import (
    REPORT_SCRIPTS,
    Parts,
    parts_beside,
    static_bytes,
    static_names,
)
from groundglass.reports.audit_page import read_audit
from groundglass.reports.benchmark_pages import benchmark_files, write_benchmarks
from groundglass.reports.facts import RunFacts
from groundglass.reports.fill import fill
from groundglass.reports.page_data import script, sheet_order
from groundglass.reports.page_model import (
    headline,
    median_columns,
    summary,
    view_failures,
    view_reasons,
    view_sources,
    view_steps,
    view_warnings,
)
from groundglass.reports.proof_page import view_proofs
from groundglass.reports.qualities import view_qualities
from groundglass.reports.recurring import recurring_overlays
from groundglass.reports.run_status_notice import notice_of
from groundglass.reports.sampling_note import notes_of
from groundglass.reports.settings_view import view_settings
from groundglass.reports.step_pools import Pools
from groundglass.reports.thumbnail_sheets import SheetSettings, write_sheets
from groundglass.text import format

FINE_UP_TO = 2000
"""Up to this many images, sheets have twice the page's resolution, for high-density screens."""

SHEETS = "sheets"
"""The folder of the sprite sheets, next to a page."""


def render_report(facts: RunFacts, folder: Path, settings: SheetSettings | None = None) -> Path:
    """Write the report of a run into ``folder`` and return its ``index.html``.

    It opens from disk and uses no network. Raises UnreachableError if the folder cannot be written.
    """
    settings = settings or default_sheets(len(facts.rows))
    return write_folder(folder, lambda made: _write_all(facts, made, settings))


def write_folder(folder: Path, write: Callable[[Path], None]) -> Path:
    """Let ``write`` make a page in a temporary folder, then move it into ``folder``; returns its ``index.html``.

    The files are moved one by one, the page last: a reader sees the old page or the new one. Raises UnreachableError
    if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
            write(Path(made))
            _move_in(Path(made), folder)
    except OSError as error:
        raise cannot_write(f"the report to {folder}", error) from error
    return folder / "index.html"


def default_sheets(rows: int) -> SheetSettings:
    """Sheets of high resolution for up to `FINE_UP_TO` images, smaller ones for more."""
    settings = SheetSettings()
    return replace(settings, height=2 * settings.height, across=4) if rows <= FINE_UP_TO else settings


def _write_all(facts: RunFacts, folder: Path, settings: SheetSettings) -> None:
    pools = Pools(facts)
    sheets = write_sheets(sheet_order(facts, pools), facts.thumbnails, folder / SHEETS, settings)
    text = script(facts, pools, sheets, settings.height)
    write_beside(folder, REPORT_SCRIPTS, text, page(facts, pools, parts_beside(REPORT_SCRIPTS)))
    _write_audit(facts, folder)
    _write_proofs(facts, folder)
    write_benchmarks(facts, folder)


def _write_audit(facts: RunFacts, folder: Path) -> None:
    """The audit's page and images, if the run was audited."""
    audit = read_audit(Path(facts.folder))
    if audit is not None:
        files = {**audit.images, "audit.css": static_bytes("audit.css")}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / "audit.html").write_text(
            fill("audit.html.j2", {"run": facts, "audit": audit, "proved": _is_proved(facts)}),
            encoding="utf-8",
        )


def _write_proofs(facts: RunFacts, folder: Path) -> None:
    """The page of the run's proofs, if it has any."""
    proofs = view_proofs(Path(facts.folder))
    if proofs:
        context = {"run": facts, "proofs": proofs, "audited": _is_audited(facts), "command": format.command}
        (folder / "proof.css").write_bytes(static_bytes("proof.css"))
        (folder / "proof.html").write_text(fill("proof.html.j2", context), encoding="utf-8")


def _is_audited(facts: RunFacts) -> bool:
    return read_audit(Path(facts.folder)) is not None


def _is_proved(facts: RunFacts) -> bool:
    return bool(view_proofs(Path(facts.folder)))


def write_beside(folder: Path, scripts: Sequence[str], data: str, text: str) -> None:
    """A page, its data, and the scripts and styles that it loads."""
    (folder / "data.js").write_text(data, encoding="ascii")
    for name in static_names(scripts):
        (folder / name).write_bytes(static_bytes(name))
    (folder / "index.html").write_text(text, encoding="utf-8")


def page(facts: RunFacts, pools: Pools, parts: Parts) -> str:
    """The text of ``index.html``. Everything that comes from the run is escaped."""
    return fill("report.html.j2", {**_context(facts, pools), "parts": parts})


def _context(facts: RunFacts, pools: Pools) -> dict[str, Any]:
    return {
        "run": facts,
        "headline": headline(facts),
        "summary": summary(facts),
        "notes": notes_of(facts),
        "notice": notice_of(facts),
        "steps": view_steps(facts, pools),
        "reasons": view_reasons(facts),
        "sources": view_sources(facts, pools),
        "medians": median_columns(pools),
        "recurring": recurring_overlays(facts),
        "qualities": view_qualities(facts.qualities),
        "settings": view_settings(facts.settings),
        "failures": view_failures(facts),
        "warnings": view_warnings(facts),
        "columns": pools.columns,
        "audited": _is_audited(facts),
        "proved": _is_proved(facts),
        "benchmarks": benchmark_files(facts),
        "command": format.command,
        "made_at": facts.made_at.astimezone() if facts.made_at.tzinfo else facts.made_at,
    }


def _move_in(made: Path, folder: Path) -> None:
    """Replace file by file, the page last; then delete sheets that the page no longer uses."""
    (folder / SHEETS).mkdir(exist_ok=True)
    # Sheets have their content's hash in the name, so old and new ones are in the folder at the same time.
    fresh = [path for path in sorted(made.rglob("*")) if path.is_file()]
    for path in sorted(fresh, key=lambda path: path.name == "index.html"):
        target = folder / path.relative_to(made)
        path.replace(target)
    names = {path.name for path in fresh if path.parent.name == SHEETS}
    # Only names that a report writes are deleted: a user's file stays.
    for old in (folder / SHEETS).glob("[0-9][0-9][0-9][0-9]*-*.jpg"):
        if old.name not in names:
            old.unlink()
