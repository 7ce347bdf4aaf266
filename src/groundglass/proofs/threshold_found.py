"""The result of a threshold search: the threshold to use, how sure that is, and the curve over all candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundglass.text.format import exact, some

BETTER, WORSE, SAME = "better", "worse", "no difference shown"
NOT_COMPARED = "not compared"


@dataclass(frozen=True)
class Half:
    """An effect on one half of the scored images.

    effect  dB of PSNR, luma; above 0 the candidate trains better than the loosest one
    ci95    the interval that holds the effect in 95 of 100 cases
    needed  dB, the smallest effect that would have been shown
    """

    effect: float
    ci95: tuple[float, float]
    needed: float


@dataclass(frozen=True)
class Point:
    """One candidate.

    kept      rows that it keeps
    images    images in each set that was trained on; 0 where it was not compared
    pick      on the half of the scored images that picks a candidate
    check     on the other half
    whole     dB that all of its images score; None where that was not measured
    left_out  why it was not compared
    """

    theta: float
    kept: int
    images: int = 0
    pick: Half | None = None
    check: Half | None = None
    whole: float | None = None
    left_out: str = ""


@dataclass(frozen=True)
class Found:
    """The threshold to use.

    theta       the number
    verdict     "better": `theta` was picked, and the check shows that it trains better than the loosest candidate;
                else `theta` is the loosest candidate, and "worse" says that the check shows the opposite
    points      from the loosest candidate to the strictest
    tried       the candidate that was picked and checked; None where nothing was compared
    why         why nothing was compared
    n_picking   scored images that picked the candidate
    n_checking  scored images that checked it
    """

    theta: float
    verdict: str
    preset: str
    points: tuple[Point, ...]
    tried: float | None = None
    why: str = ""
    n_picking: int = 0
    n_checking: int = 0
    notes: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """Words that follow the threshold in the reason of a dropped row."""
        if self.verdict == BETTER:
            return "theta chosen by proof"
        return f"the loosest theta: {'others are worse' if self.verdict == WORSE else self.verdict}"

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    def sentences(self) -> tuple[str, ...]:
        """The result in words, the outcome first."""
        loosest = self.points[0]
        left = (f"theta {exact(point.theta)} is not compared: it {point.left_out}" for point in self.points)
        outs = tuple(said for said, point in zip(left, self.points, strict=True) if point.left_out)
        return (self._outcome(loosest), *self._smaller(loosest), *outs, *self.notes)

    def _outcome(self, loosest: Point) -> str:
        kept = f"theta {exact(loosest.theta)} is kept, it keeps the most images"
        tried = next((point for point in self.points if point.theta == self.tried), None)
        if tried is None or tried.check is None:
            return f"{self.why or 'fewer than two candidates can be compared'}: {kept}"
        check, name = tried.check, f"theta {exact(tried.theta)}"
        found = f"{check.effect:+.3f} dB on {some(self.n_checking, 'images')} that had no part in the choice"
        if self.verdict == BETTER:
            return (
                f"{name} is chosen: at equal counts it trains better than theta {exact(loosest.theta)} ({found}; "
                f"{check.needed:.3f} was needed)"
            )
        if self.verdict == WORSE:
            return f"{kept}: even the best other candidate, {name}, trains worse ({found})"
        return f"no difference shown: {kept} (the best other candidate, {name}: {found}; {check.needed:.3f} was needed)"

    def _smaller(self, loosest: Point) -> tuple[str, ...]:
        """Whether fewer but better images cost more than they bring: the verdict is at equal counts."""
        used = next(point for point in self.points if point.theta == self.theta)
        if self.verdict != BETTER or used.whole is None or loosest.whole is None:
            return ()
        more = used.whole - loosest.whole
        every = f"all {some(used.kept, 'images')} of theta {exact(used.theta)}"
        said = f"{every} against all {loosest.kept:,}: {more:+.3f} dB"
        if more < 0:
            return (f"{said}; so few images are left that keeping more may serve better",)
        return (said,)


def read_found(plain: Mapping[str, Any]) -> Found:
    """The result of which `Found.plain` was written.

    >>> found = Found(5, BETTER, "instant", (Point(5, 9, pick=Half(0.1, (0.0, 0.2), 0.05)),))
    >>> read_found(found.plain()) == found
    True
    """
    points = tuple(map(_point, plain["points"]))
    more: dict[str, Any] = {"points": points, "notes": tuple(plain["notes"])}
    return Found(**dict(plain) | more)


def _point(plain: Mapping[str, Any]) -> Point:
    halves: dict[str, Any] = {name: _half(plain[name]) for name in ("pick", "check")}
    return Point(**dict(plain) | halves)


def _half(plain: Mapping[str, Any] | None) -> Half | None:
    return None if plain is None else Half(plain["effect"], tuple(plain["ci95"]), plain["needed"])
