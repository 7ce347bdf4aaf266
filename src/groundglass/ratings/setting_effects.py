"""The effect of settings on a score, such as of the guidance of generated images: levels, trends, and what is shown.

Images with settings of another group (another generator) often differ for another reason, so each setting is also
compared with the groups held equal: only images of one group are compared with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from groundglass.ratings.agreement import ranks, srcc
from groundglass.ratings.rank_groups import LEVEL, holm
from groundglass.ratings.rated_images import FEWEST, contents_of
from groundglass.ratings.resampling import Wanted, interval, resample
from groundglass.ratings.setting_levels import Level, Paired, levels_of, paired_of
from groundglass.ratings.setting_values import Setting, settings_of
from groundglass.ratings.shuffled_settings import Shuffled, centred, chances_of, varied
from groundglass.ratings.votes import Flags, Floats, Ints
from groundglass.text.format import some

BOOTSTRAPS = 1_000
FEW = 10
"""Images below which nothing is tested: no p-value of so few could be small after a correction."""

Verdict = Literal["rises", "falls", "differs", "none_shown", "unknown"]
ALL, EQUAL = "all images", "groups held equal"


@dataclass(frozen=True)
class Effect:
    """The effect of a setting among the images of ``scope``: all, with the groups held equal, or those of one group.

    srcc            the rank correlation of setting and score; None for words
    p_trend         of a trend, and p_levels of any difference of the levels, both with Holm's correction over all
                    settings of this scope
    verdict         rises, falls: a trend is shown; differs: the levels differ, and no trend is shown; none_shown;
                    unknown, and ``reason`` says why
    """

    scope: str
    n: int
    contents: int
    srcc: float | None = None
    srcc_ci95: tuple[float, float] | None = None
    p_trend: float | None = None
    p_levels: float | None = None
    verdict: Verdict = "unknown"
    reason: str = ""


@dataclass(frozen=True)
class SettingEffect:
    """One setting. ``equal`` and ``groups`` are there if the images have groups and the setting varies within some."""

    setting: str
    kind: Literal["number", "word"]
    n: int
    missing: int
    levels: tuple[Level, ...]
    all: Effect
    equal: Effect | None = None
    groups: tuple[Effect, ...] = ()
    paired: Paired | None = None
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Effect:
        """The answer: with the groups held equal where that is possible, else over all images."""
        return self.all if self.equal is None else self.equal

    @property
    def reverses(self) -> bool:
        """Whether the trend over all images is opposite to the one with the groups held equal (Simpson's paradox)."""
        return self.equal is not None and {self.all.verdict, self.equal.verdict} == {"rises", "falls"}


@dataclass(frozen=True)
class SettingEffects:
    """The result for one score. ``grouped`` names the column of the groups, such as meta.generator; "" without one."""

    score: str
    images: int
    contents: int
    grouped: str
    settings: tuple[SettingEffect, ...]
    notes: tuple[str, ...]
    bootstrap: int
    seed: int

    def plain(self) -> dict[str, Any]:
        """The same for JSON; null for what is unknown."""
        return {
            "score": self.score,
            "images": self.images,
            "contents": self.contents,
            "grouped": self.grouped or None,
            "settings": [
                _plain(row) | {"main": row.main.scope, "reverses": row.reverses} for row in self.settings
            ],
            "notes": list(self.notes),
            "bootstrap": self.bootstrap,
            "seed": self.seed,
        }


def _plain(record: Any) -> Any:
    """Records as dicts, tuples as lists."""
    if hasattr(record, "__dataclass_fields__"):
        return {name: _plain(value) for name, value in vars(record).items()}
    return [_plain(one) for one in record] if isinstance(record, tuple) else record


def setting_effects(
    score: Sequence[float | None] | Floats,
    settings: Mapping[str, Sequence[Any]],
    content: Sequence[str | None] = (),
    group: Sequence[str | None] = (),
    name: str = "score",
    grouped: str = "group",
    bootstrap: int = BOOTSTRAPS,
    seed: int = 0,
) -> SettingEffects:
    """Compare the scores of N images at different values of each setting.

    score     N numbers; an image without one (None, NaN) does not count
    settings  for each setting N numbers, words or cells of a table; None and "" are missing
    content   what an image shows, such as its prompt: bootstraps draw whole contents, and images of one content are
              compared with each other. Without it, each image is a content of its own
    group     such as the generator: held equal, so that the setting alone differs
    bootstrap resamples of the contents for intervals; 0 leaves these out

    The p-values are of permutations: the scores of images that are alike but for the setting change places. So if no
    setting has an effect, at most 5 % of all tables show one of any setting (Holm 1979). Raises ValueError for
    columns of different lengths.

    >>> found = setting_effects([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], {"steps": [10] * 4 + [20] * 4 + [30] * 4})
    >>> found.settings[0].all.verdict, [level.mean for level in found.settings[0].levels]
    ('rises', [2.5, 6.5, 10.5])
    """
    values = np.array([np.nan if one is None else one for one in score], np.float64)
    lengths = {len(column) for column in (*settings.values(), content, group) if len(column)}
    if lengths - {len(values)}:
        raise ValueError(f"{len(values)} scores, and a column of {min(lengths - {len(values)})} values")
    kept = np.isfinite(values)
    places = np.flatnonzero(kept)
    y = values[kept]
    contents = contents_of([content[at] for at in places.tolist()]) if len(content) else np.arange(len(y))
    groups = [str(group[at] or "") for at in places.tolist()] if len(group) else None
    known = settings_of({key: [cells[at] for at in places.tolist()] for key, cells in settings.items()})
    rows = [_one(y, setting, contents, groups, bootstrap, seed) for setting in known]
    left = len(values) - len(y)
    notes = (
        [f"{some(left, 'images')} without {name} {'does' if left == 1 else 'do'} not count"] if left else []
    )
    return SettingEffects(
        name, len(y), len(np.unique(contents)), grouped if groups else "", tuple(_corrected(rows)), tuple(notes),
        bootstrap, seed,
    )  # fmt: skip


def _one(
    y: Floats, setting: Setting, content: Ints, group: Sequence[str] | None, bootstrap: int, seed: int
) -> SettingEffect:
    """One setting, before Holm's correction."""
    here = setting.known
    y, content = y[here], content[here]
    groups = None if group is None else np.array(group, dtype=object)[here]
    whole = Effect(ALL, len(y), len(np.unique(content)), reason=setting.reason)
    missing, notes = int((~here).sum()), setting.notes
    if missing and len(y):
        notes += (
            f"{setting.name}: {some(missing, 'images')} without a value {'does' if missing == 1 else 'do'} not count",
        )
    row = SettingEffect(setting.name, setting.kind, len(y), missing, (), whole, notes=notes)
    if setting.reason:
        return row
    shared, alike = varied(setting.codes, content), np.zeros(len(y), np.int64)
    names, number = ([], alike) if groups is None else np.unique(groups.astype(str), return_inverse=True)
    inside = varied(setting.codes, number)
    held = len(names) > 1 and bool(inside.any())
    # Within a content, images of another group may be better for another reason: only what a group does not explain.
    within = centred(y, number) if held else y
    row = replace(
        row,
        levels=levels_of(y, within if held else None, setting, content, shared, bootstrap, seed),
        all=_effect(ALL, y, setting, content, alike, bootstrap, seed),
        paired=paired_of(within, setting, content, shared, bootstrap, seed),
    )
    if not held:
        return row
    return replace(
        row,
        equal=_of(EQUAL, y, setting, content, number, inside, bootstrap, seed),
        groups=tuple(
            _of(str(name), y, setting, content, number, number == at, bootstrap, seed)
            for at, name in enumerate(names)
        ),
    )  # fmt: skip


def _of(
    scope: str,
    y: Floats,
    setting: Setting,
    content: Ints,
    group: Ints,
    kept: Flags,
    bootstrap: int,
    seed: int,
) -> Effect:
    return _effect(scope, y[kept], setting.only(kept), content[kept], group[kept], bootstrap, seed)


def _effect(
    scope: str, y: Floats, setting: Setting, content: Ints, group: Ints, bootstrap: int, seed: int
) -> Effect:
    """Trend and differences of levels; images of different groups are never compared."""
    found = Effect(scope, len(y), len(np.unique(content)))
    if len(y) < FEW:
        return replace(found, reason=f"{some(len(y), 'images')} are too few: at least {FEW} are needed")
    if setting.codes.min() == setting.codes.max():
        return replace(found, reason="all images have the same value")
    if y.min() == y.max():
        return replace(found, reason="all scores are equal")
    place, x = centred_ranks(y, group), None
    if setting.numbers is not None:
        x = centred_ranks(setting.numbers, group)
    shuffled = Shuffled(content, group, setting.codes)
    if shuffled.still:
        return replace(found, reason="no two images that differ in it are otherwise alike")
    trend, levels = chances_of(centred(y, group), place, x, setting.codes, shuffled, seed)
    many = len(np.unique(group)) > 1
    if x is None or setting.numbers is None:
        return replace(found, p_levels=levels, verdict="none_shown")
    ci95 = None
    if bootstrap and found.contents >= FEWEST:
        # Within groups the ranks themselves are correlated; a resample must not rank images of different groups.
        drawn = resample(
            place if many else y, content, {"x": Wanted(x if many else setting.numbers, np.ones(len(y), np.bool_))},
            bootstrap, seed,
        )["x"]  # fmt: skip
        ci95 = interval(drawn.plcc[0] if many else drawn.srcc)
    correlation = _cosine(x, place) if many else srcc(setting.numbers, y)
    return replace(
        found, srcc=correlation, srcc_ci95=ci95, p_trend=trend, p_levels=levels, verdict="none_shown"
    )


def _cosine(one: Floats, other: Floats) -> float | None:
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(np.clip(one @ other / size, -1, 1)) if size > 1e-9 else None


def centred_ranks(values: Floats, group: Ints) -> Floats:
    """The mean rank of each value in its group, 0 to 1, minus the group's mean.

    >>> centred_ranks(np.array([1.0, 2.0, 9.0, 5.0]), np.array([0, 0, 1, 1])).tolist()
    [-0.25, 0.25, 0.25, -0.25]
    """
    found = np.empty(len(values))
    for one in np.unique(group):
        here = group == one
        found[here] = ranks(values[here]) / here.sum()
        found[here] -= found[here].mean()
    return found


def _corrected(rows: Sequence[SettingEffect]) -> list[SettingEffect]:
    """The rows with Holm's correction: over the answers, over those of all images, and over those of the groups."""
    whole = _judged([row.all for row in rows])
    # The answers of settings that do not vary within groups are those of all images: one family with the others.
    main = _judged([row.main for row in rows])
    groups = iter(_judged([one for row in rows for one in row.groups]))
    return [
        replace(
            row,
            all=whole[at] if row.equal is not None else main[at],
            equal=None if row.equal is None else main[at],
            groups=tuple(next(groups) for _ in row.groups),
        )
        for at, row in enumerate(rows)
    ]


def _judged(effects: Sequence[Effect]) -> list[Effect]:
    corrected = iter(holm([p for one in effects for p in (one.p_trend, one.p_levels)]))
    return [_verdict(one, next(corrected), next(corrected)) for one in effects]


def _verdict(effect: Effect, trend: float | None, levels: float | None) -> Effect:
    verdict = effect.verdict
    if trend is not None and trend < LEVEL and effect.srcc:
        verdict = "rises" if effect.srcc > 0 else "falls"
    elif levels is not None and levels < LEVEL:
        verdict = "differs"
    return replace(effect, p_trend=trend, p_levels=levels, verdict=verdict)
