"""The settings of a run's images and the scores that they may change: which columns are compared, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from groundglass.benchmarks.read_run import read_run_scores
from groundglass.errors import RecipeError
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import read_tables
from groundglass.ratings.setting_effects import SettingEffects, setting_effects
from groundglass.tables.rows import META

GENERATOR = "meta.generator"
NOT_SETTINGS = (
    "meta.prompt",
    "meta.prompt_id",
    "meta.seed",
    "meta.revised_prompt",
    "meta.model",
    "meta.caption",
    "meta.prompt_cut",
    "meta.same_bytes_as",
)
"""Columns that name an image or its prompt, or that follow from the generator."""
MOST_SCORES = 3
"""Scores that a report compares."""
MOST_IMAGES = 20_000
"""Images that a report compares; a command takes all."""


@dataclass(frozen=True)
class Compared:
    """The columns of a run to compare; () and "" where there is none."""

    scores: tuple[str, ...]
    settings: tuple[str, ...]
    content: str
    group: str


def columns_to_compare(folder: RunFolder) -> Compared:
    """The columns that a report compares: the scores of studies, else `alignment`; settings that came with the images.

    Columns of measured prompts (their length and category) are settings too. The content is the one that a study's
    recipe or the source names: meta.prompt_id, else meta.prompt.
    """
    record = load_record(folder)
    tables = read_tables(folder, record)
    names = tables.images.column_names
    kinds = {step.step: step.kind for step in record.steps}
    shown = record.shown_columns
    studied = [
        column["name"]
        for column in shown
        if kinds.get(column["step"]) == "study" and column["sql_type"] == "DOUBLE"
        and not column["name"].endswith(("ci_low", "ci_high"))
    ]  # fmt: skip
    aligned = [
        column["name"] for column in shown if column["join"] == "text" and column["column"] == "alignment"
    ]
    prompts = [column["name"] for column in shown if column["column"] in ("prompt_words", "prompt_category")]
    meta = [name for name in names if name.startswith(META) and name not in NOT_SETTINGS]
    generated = GENERATOR in names
    return Compared(
        tuple(dict.fromkeys(studied or (aligned if generated else [])))[:MOST_SCORES],
        tuple(dict.fromkeys([*meta, *prompts])),
        next((name for name in ("meta.prompt_id", "meta.prompt") if name in names), ""),
        GENERATOR if generated else "",
    )


def effects_of_run(
    folder: RunFolder, asked: Compared, bootstrap: int, seed: int = 0, most: int | None = None
) -> list[SettingEffects]:
    """The effects of the settings on each score. Raises RecipeError for a column that the run does not have.

    most  images at most, drawn evenly from the list; a note says so
    """
    names = [*asked.scores, *asked.settings, *filter(None, (asked.content, asked.group))]
    if not asked.scores or not asked.settings:
        return []
    found = read_run_scores(folder, names)
    columns: Mapping[str, Sequence[Any]] = found.columns
    size, notes = len(found.names), tuple(found.notes)
    if most is not None and size > most:
        step = -(-size // most)
        columns = {name: cells[::step] for name, cells in columns.items()}
        notes += (f"one image of {step} is compared; groundglass benchmark settings compares all {size:,}",)
    settings = {one: columns[one] for one in asked.settings}
    return [
        with_notes(
            compare(name, columns[name], settings, columns, asked, bootstrap, seed),
            notes,
        )
        for name in asked.scores
    ]  # fmt: skip


def compare(
    name: str,
    score: Sequence[Any],
    settings: Mapping[str, Sequence[Any]],
    columns: Mapping[str, Sequence[Any]],
    asked: Compared,
    bootstrap: int,
    seed: int,
) -> SettingEffects:
    """The effects on one score; the generator is a setting of its own, compared over all images."""
    return setting_effects(
        [None if value is None else float(value) for value in score],
        settings,
        _texts(columns[asked.content]) if asked.content else (),
        _texts(columns[asked.group]) if asked.group else (),
        name,
        asked.group or "group",
        bootstrap,
        seed,
    )


def _texts(cells: Sequence[Any]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]


def with_notes(found: SettingEffects, notes: Sequence[str]) -> SettingEffects:
    """The same with more notes."""
    return replace(found, notes=(*found.notes, *notes))


BOOTSTRAPS = 500
"""Resamples for the intervals of a report."""


def effects_of_report(folder: RunFolder) -> tuple[SettingEffects, ...]:
    """The effects that a report shows: of settings that have at least two values; () without a score or a setting.

    A run that lost its store or its scores has none.
    """
    try:
        found = effects_of_run(folder, columns_to_compare(folder), BOOTSTRAPS, most=MOST_IMAGES)
    except RecipeError:
        return ()
    shown = [replace(one, settings=tuple(row for row in one.settings if not row.all.reason)) for one in found]
    return tuple(one for one in shown if one.images and one.settings)
