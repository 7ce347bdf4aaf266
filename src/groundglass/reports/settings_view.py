"""The report's view of settings: for each score and setting a sentence, its levels as a plot, and each group's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundglass.ratings.setting_effects import Effect, SettingEffect, SettingEffects
from groundglass.reports.setting_words import paired_in_words, setting_in_words, short
from groundglass.reports.study_charts import axis_around, interval_strip, scale
from groundglass.text.format import some

WORDS = {"rises": "rises", "falls": "falls", "differs": "differs", "none_shown": "none shown"}


@dataclass(frozen=True)
class LevelRow:
    """A level with its strip.

    above, paired  its distance from the means of its groups, and from those of the same contents; "" if unknown
    """

    name: str
    strip: str
    mean: str
    interval: str
    above: str
    paired: str
    n: int


@dataclass(frozen=True)
class GroupRow:
    """The effect in one group."""

    name: str
    strip: str
    srcc: str
    interval: str
    n: int
    said: str


@dataclass(frozen=True)
class SettingView:
    """A setting. ``groups`` is empty if the images have no groups, or the setting does not vary within them."""

    name: str
    shown: bool
    said: str
    paired: str
    scale: str
    levels: tuple[LevelRow, ...]
    pairs: bool
    groups_scale: str
    groups: tuple[GroupRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ScoreView:
    """All settings for one score."""

    name: str
    counts: str
    grouped: str
    settings: tuple[SettingView, ...]
    notes: tuple[str, ...]


def view_settings(effects: Sequence[SettingEffects]) -> tuple[ScoreView, ...]:
    """The view; () without any effect."""
    return tuple(
        ScoreView(
            one.score,
            f"{some(one.images, 'images')}, {some(one.contents, 'contents')}",
            short(one.grouped),
            tuple(_setting(row, one) for row in one.settings),
            one.notes,
        )
        for one in effects
    )


def _setting(row: SettingEffect, found: SettingEffects) -> SettingView:
    ends = [end for level in row.levels for end in (level.mean, *(level.ci95 or ()))]
    axis = axis_around(np.array(ends))
    levels = tuple(
        LevelRow(
            short(level.level),
            interval_strip(level.mean, level.ci95, axis, f"{short(level.level)}: {level.mean:.3g}"),
            f"{level.mean:.3g}",
            _interval(level.ci95, "{:.3g}"),
            _distance(level.above),
            _distance(level.paired),
            level.n,
        )
        for level in row.levels
    )
    groups, groups_scale = _groups(row.groups)
    return SettingView(
        short(row.setting),
        row.main.verdict in ("rises", "falls", "differs"),
        setting_in_words(row, found),
        paired_in_words(row),
        scale(axis),
        levels,
        any(level.paired for level in levels),
        groups_scale,
        groups,
        row.notes,
    )


def _groups(effects: Sequence[Effect]) -> tuple[tuple[GroupRow, ...], str]:
    known = [end for one in effects if one.srcc is not None for end in (one.srcc, *(one.srcc_ci95 or ()))]
    axis = axis_around(np.array(known), (0.0,))
    rows = tuple(
        GroupRow(
            short(one.scope),
            interval_strip(
                one.srcc, one.srcc_ci95, axis, f"{short(one.scope)}: {_signed(one.srcc)}", zero=True
            ),
            _signed(one.srcc),
            _interval(one.srcc_ci95, "{:+.2f}"),
            one.n,
            WORDS.get(one.verdict, "–"),
        )
        for one in effects
    )
    return rows, scale(axis) if known else ""


def _distance(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}".replace("-", "−")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def _interval(ci95: tuple[float, float] | None, form: str) -> str:
    return "–" if ci95 is None else f"{form.format(ci95[0])} to {form.format(ci95[1])}".replace("-", "−")
