"""Arms that cannot be compared fail alone, with a reason, and cost the others nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from groundglass.proofs.arms import Arm, Comparison, Trial
from groundglass.proofs.preset import QUICK
from groundglass.proofs.prove import ArmResult, prove
from groundglass.proofs.units import Ready
from groundglass.tables.rows import ROWS

UNITS, SCORED = 80, 12


@dataclass
class Counting:
    """Scores a set by the mean worth of its units, and counts the trainings."""

    trainings: int = 0
    sizes: set[int] = field(default_factory=set)

    def __call__(self, shares: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:
        self.trainings += len(seeds)
        self.sizes |= set(shares.sum(1).astype(int).tolist())
        random = np.random.default_rng(0)
        worth, taste = random.normal(0, 0.1, UNITS), random.normal(0, 0.01, (UNITS, SCORED))
        return shares @ (worth[:, None] + taste) / shares.sum(1, keepdims=True)


def proved(
    arms: Mapping[str, range], unknown: Mapping[str, str] | None = None
) -> tuple[dict[str, ArmResult], Counting]:
    """The results of all arms against `all`."""
    score = Counting()
    places = {name: np.array(units) for name, units in {"all": range(UNITS), **arms}.items()}
    ready = Ready(score, np.arange(UNITS), places, SCORED, None, ())
    compared = tuple(Comparison(name, "all") for name in arms)
    rows = {name: Arm(ROWS.empty_table()) for name in places}
    proof = prove(Trial(rows, compared, unknown=unknown or {}), ready, QUICK, "crops", 0)
    return {arm.arm: arm for arm in proof.arms}, score


def test_an_arm_that_is_too_small_fails_alone_and_the_others_keep_their_null():
    alone, trained = proved({"one": range(30), "two": range(20, 60)})
    found, more = proved({"one": range(30), "two": range(20, 60), "few": range(3)})
    assert found["few"].verdict == "failed"
    assert found["few"].reason == "few has 3 usable images; at least 8 are needed"
    assert more.trainings == trained.trainings
    assert more.sizes == trained.sizes
    for name in ("one", "two"):
        assert found[name] == alone[name], "a failed arm does not raise the bar"


def test_an_arm_with_rows_that_cannot_be_known_fails_with_that_reason():
    found, score = proved({"one": range(30), "two": range(9)}, {"two": "nobody asked"})
    assert (found["two"].verdict, found["two"].reason) == ("failed", "nobody asked")
    assert found["one"].verdict != "failed"
    assert 9 not in score.sizes


@pytest.mark.parametrize("unknown", [{}, {"few": "nobody asked"}])
def test_a_proof_without_any_comparison_trains_nothing(unknown: dict[str, str]):
    found, score = proved({"few": range(2)}, unknown)
    assert found["few"].verdict == "failed"
    assert score.trainings == 0
