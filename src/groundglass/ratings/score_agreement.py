"""How far one score agrees with the MOS: correlations and errors, raw and after a logistic curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from groundglass.ratings.agreement import pearson, scaled
from groundglass.ratings.agreement import srcc as spearman
from groundglass.ratings.logistic_curve import LogisticFit, fit_logistic
from groundglass.ratings.rated_images import FEWEST, RatedImages
from groundglass.ratings.votes import Floats

CI95 = tuple[float, float] | None


@dataclass(frozen=True)
class ScoreResult:
    """The agreement of one score with the MOS. None is a value that does not exist; `notes` say why.

    score        its name
    n            images that have the score and a MOS
    failed       images with a MOS on which the score is empty, NaN, infinite or a text; `failures` counts these
    better       "higher" or "lower": the direction that the score was said to have
    srcc, krcc, plcc, rmse   of the score as it is, with its sign
    plcc_4, rmse_4           after the 4-parameter logistic curve; plcc_5, rmse_5 after the one with 5
    rank_group   1 for the best score and all that are not shown to be different from it
    auc_ds, auc_bw, cc_0, threshold   as in `groundglass.ratings.pair_decisions`
    pair_accuracy, pairs_within       as `pair_decisions.within_content`
    ms, licence  milliseconds an image and the licence of the weights, where known
    """

    score: str
    n: int
    failed: int
    srcc: float | None = None
    srcc_ci95: CI95 = None
    krcc: float | None = None
    plcc: float | None = None
    plcc_ci95: CI95 = None
    plcc_4: float | None = None
    plcc_4_ci95: CI95 = None
    plcc_5: float | None = None
    plcc_5_ci95: CI95 = None
    rmse: float | None = None
    rmse_4: float | None = None
    rmse_5: float | None = None
    rank_group: int | None = None
    auc_ds: float | None = None
    auc_bw: float | None = None
    cc_0: float | None = None
    threshold: float | None = None
    pair_accuracy: float | None = None
    pairs_within: int | None = None
    better: str = "higher"
    failures: Mapping[str, int] = field(default_factory=dict)
    ms: float | None = None
    licence: str | None = None
    notes: tuple[str, ...] = ()
    curve_4: LogisticFit | None = None
    curve_5: LogisticFit | None = None

    @property
    def strength(self) -> float | None:
        """The SRCC in the direction that is better: what scores are ranked by."""
        return self.srcc if self.srcc is None or self.better == "higher" else -self.srcc

    def plain(self) -> dict[str, Any]:
        """The same for JSON and CSV; curves become their parameters."""
        found = {name: value for name, value in vars(self).items() if not name.startswith("curve")}
        found |= {"failures": dict(self.failures), "notes": list(self.notes)}
        found |= {name: list(value) for name, value in found.items() if name.endswith("ci95") and value}
        return found | {
            f"curve_{count}": None
            if fit is None
            else {"parameters": list(fit.parameters), "centre": list(fit.centre), "spread": list(fit.spread)}
            for count, fit in ((4, self.curve_4), (5, self.curve_5))
        }


def agreement_of(images: RatedImages, name: str, better: str = "higher") -> ScoreResult:
    """The correlations and errors of one score, without intervals."""
    from scipy.stats import kendalltau

    kendall: Any = kendalltau  # its result has no type that a checker knows

    values = images.scores[name]
    known = np.isfinite(values)
    x, y = values[known], images.mos[known]
    failed = len(values) - len(x)
    failures = images.failures.get(name, {})
    rank = spearman(x, y)
    if rank is None:
        return ScoreResult(
            name, len(x), failed, better=better, failures=failures, notes=(_why_none(x, y, failed),)
        )
    curves = {count: fit_logistic(x, y, count) for count in (4, 5)}
    after = {count: _after(fit, x, y) for count, fit in curves.items()}
    return ScoreResult(
        name,
        len(x),
        failed,
        srcc=rank,
        krcc=float(kendall(x, y).statistic),
        plcc=pearson(x, y),
        plcc_4=after[4][0],
        plcc_5=after[5][0],
        rmse=rmse(x, y),
        rmse_4=after[4][1],
        rmse_5=after[5][1],
        better=better,
        failures=failures,
        notes=tuple(_notes(x, y, curves)),
        curve_4=curves[4],
        curve_5=curves[5],
    )


def rmse(x: Floats, y: Floats) -> float:
    """The root of the mean squared difference of N values, on the scale of the MOS.

    >>> rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])).__round__(4)
    1.4142
    """
    off, power = scaled(x - y)
    return float(np.ldexp(np.sqrt((off**2).mean()), power))


def _after(fit: LogisticFit | None, x: Floats, y: Floats) -> tuple[float | None, float | None]:
    return (None, None) if fit is None else (pearson(fit(x), y), rmse(fit(x), y))


def _why_none(x: Floats, y: Floats, failed: int) -> str:
    if len(x) < FEWEST:
        return f"it has a value on {len(x):,} of {len(x) + failed:,} images: a correlation needs {FEWEST}"
    if np.ptp(x) == 0:
        which = f"all {len(x):,} images that have it" if failed else "all images"
        return f"it is {x[0]:g} on {which}: a constant cannot be correlated"
    return f"the images that have it all have the MOS {y[0]:g}"


def _notes(x: Floats, y: Floats, curves: Mapping[int, LogisticFit | None]) -> list[str]:
    notes: list[str] = []
    if np.array_equal(x, y):
        notes.append("it equals the MOS on all images: is it the MOS itself?")
    for count, fit in curves.items():
        if len(x) <= count:
            notes.append(
                f"a curve with {count} parameters needs more than {count} images: plcc_{count} is unknown"
            )
        elif fit is None:
            notes.append(f"the curve with {count} parameters did not converge: plcc_{count} is unknown")
        elif pearson(fit(x), y) is None:
            notes.append(
                f"the best curve with {count} parameters is flat, perhaps for an outlier: plcc_{count} is unknown"
            )
        elif fit.bends_back(x):
            notes.append(f"the curve with {count} parameters rises and falls: do not rely on plcc_{count}")
    return notes
