"""The effect of a setting in words, for terminals and pages."""

from __future__ import annotations

from groundglass.ratings.setting_effects import ALL, EQUAL, Effect, SettingEffect, SettingEffects
from groundglass.text.format import plain_line, some


def setting_in_words(row: SettingEffect, found: SettingEffects) -> str:
    """The answer in a sentence or two, with its numbers.

    >>> from groundglass.ratings.setting_effects import setting_effects
    >>> found = setting_effects(range(1, 13), {"steps": [10] * 4 + [20] * 4 + [30] * 4})
    >>> setting_in_words(found.settings[0], found)
    'It rises with steps (rank correlation +0.95, 95 % interval +0.85 to +0.96), over all images.'
    """
    name = short(row.setting)
    if row.main.verdict == "unknown":
        return f"Not compared: {row.main.reason}."
    said = f"{_said(row.main, row, name)}, {_scope(row.main, found)}."
    if row.reverses:
        word = "rises" if row.all.verdict == "rises" else "falls"
        said += (
            f" Over all images it {word} with {name} ({_correlation(row.all)}): the values differ between the groups, "
            f"and so do their scores."
        )
    elif (
        row.equal is not None
        and row.equal.verdict == "none_shown"
        and row.all.verdict in ("rises", "falls", "differs")
    ):
        said += (
            " Over all images it differs: perhaps only because groups with other values have other scores."
        )
    return said


def paired_in_words(row: SettingEffect) -> str:
    """A sentence on images of one content; "" if no content has images with different values of a number."""
    if row.paired is None:
        return ""
    pair, held = row.paired, "" if row.equal is None else " (against the mean of their group)"
    ends = f" (95 % interval {pair.ci95[0]:+.2g} to {pair.ci95[1]:+.2g})" if pair.ci95 else ""
    return (
        f"Of {some(pair.contents, 'contents')} with several values, {100 * pair.higher:.0f} % score more at the "
        f"higher ones{held}; the mean difference is {pair.difference:+.2g}{ends}."
    ).replace("-", "−")


def _said(effect: Effect, row: SettingEffect, name: str) -> str:
    if effect.verdict in ("rises", "falls"):
        return f"It {effect.verdict} with {name} ({_correlation(effect)})"
    if effect.verdict == "differs":
        best = max(row.levels, key=lambda level: level.mean if effect.scope == ALL else level.above or 0.0)
        trend = ", and no trend is shown" if row.kind == "number" else ""
        return f"It differs with {name}{trend}: the mean is highest at {short(best.level)}"
    ends = f" ({_correlation(effect)})" if effect.srcc is not None else ""
    return f"No difference shown{ends}"


def _scope(effect: Effect, found: SettingEffects) -> str:
    if effect.scope == EQUAL:
        return f"comparing only images of the same {short(found.grouped)}"
    return "over all images"


def _correlation(effect: Effect) -> str:
    ends = ""
    if effect.srcc_ci95 is not None:
        ends = f", 95 % interval {effect.srcc_ci95[0]:+.2f} to {effect.srcc_ci95[1]:+.2f}"
    return f"rank correlation {effect.srcc or 0.0:+.2f}{ends}".replace("-", "−")


def short(name: str) -> str:
    """A column or value without "meta.", on one line.

    >>> short("meta.guidance")
    'guidance'
    """
    plain = plain_line(name.removeprefix("meta."))
    return plain if len(plain) <= 40 else f"{plain[:39]}…"
