"""Raters are simulated: who gets which trial, and how often each image gets votes."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.recipes.study_model import StudyStep
from groundglass.studies.assign import REPEAT_AFTER, due, left_for, next_trial
from groundglass.studies.design import Design, design_of
from groundglass.studies.handed_out import Draft, History, Tally, pair_of
from groundglass.studies.records import COUNTED, ItemRow


def items(count: int, arms: tuple[str, ...] = ("",), role: str = "rate", **facts: Any) -> list[ItemRow]:
    return [
        ItemRow(
            uuid.uuid4().hex, at, f"{arm}{at}", f"{arm}{at}", "", "", 8, 8,
            arm=arm, content=str(at) if arm else "", role=role, **facts,
        )
        for at in range(count) for arm in arms
    ]  # fmt: skip


def design(count: int, seed: int = 1, more: list[ItemRow] | None = None, **keys: Any) -> Design:
    body = StudyStep.model_validate(keys)
    return design_of(body, items(count, tuple(body.folders) or ("",)) + (more or []), seed)


class Simulation:
    """Raters who take their next trial in any order, as `Progress` counts them."""

    def __init__(self, plan: Design, raters: int) -> None:
        self.design, self.tally = plan, Tally.empty(plan)
        self.raters = [History(f"r{at:02d}") for at in range(1, raters + 1)]

    def step(self, at: int) -> Draft | None:
        history = self.raters[at]
        draft = next_trial(self.design, self.tally, history)
        if draft is None:
            return None
        history.add(draft, self.design)
        if draft.kind in COUNTED:
            if self.design.free:
                self.tally.counts[[draft.left, draft.right]] += 1
                self.tally.edges[pair_of(draft.left, draft.right)] += 1
            else:
                self.tally.counts[draft.unit] += 1
        return draft

    def run(self, order: np.random.Generator) -> None:
        """Until nobody gets anything more."""
        able = set(range(len(self.raters)))
        while able:
            at = int(order.choice(sorted(able)))
            if self.step(at) is None:
                able.discard(at)


def counted(history: History) -> list[Draft]:
    return [draft for draft in history.trials if draft.kind in COUNTED]


PROTOCOLS: list[dict[str, Any]] = [
    {"protocol": "acr"},
    {"protocol": "accept"},
    {"protocol": "pairwise"},
    {"protocol": "pairwise", "folders": {"a": "x", "b": "y", "c": "z"}},
    {"protocol": "pair_accept", "folders": {"lq": "x", "hq": "y"}},
]


@settings(max_examples=25)
@given(
    keys=st.sampled_from(PROTOCOLS),
    count=st.integers(2, 15),
    raters=st.integers(1, 6),
    votes=st.integers(1, 5),
    gap=st.integers(0, 4),
    seed=st.integers(0, 9),
)
def test_votes_are_spread_evenly_and_no_rater_gets_anything_twice(
    keys: dict[str, Any], count: int, raters: int, votes: int, gap: int, seed: int
):
    plan = design(count, seed, votes=votes, gap=gap, **keys)
    simulation = Simulation(plan, raters)
    random = np.random.default_rng(seed)
    for _ in range(40):
        simulation.step(int(random.integers(raters)))
        counts = simulation.tally.counts
        if raters > 1 and not plan.free:
            # Only a rater who has had the least voted ones can be given others.
            unseen = [
                [unit for unit in range(len(counts)) if unit not in rater.seen] for rater in simulation.raters
            ]
            if all(unseen):
                assert counts.max() - min(counts[least].min() for least in unseen) <= raters
    simulation.run(random)
    counts = simulation.tally.counts
    if plan.free:
        assert counts.max() <= max(votes, 2) + 1
    else:
        # A unit gets a vote of every rater, or as many as are wanted.
        assert counts.tolist() == [min(votes, raters)] * len(counts)
    for rater in simulation.raters:
        shown = [pair_of(draft.left, draft.right) for draft in counted(rater)]
        assert len(shown) == len(set(shown))
        assert next_trial(plan, simulation.tally, rater) is None


@settings(max_examples=20)
@given(count=st.integers(4, 30), votes=st.integers(2, 6), seed=st.integers(0, 9))
def test_nothing_gets_two_votes_more_than_another_while_all_raters_have_both_left(
    count: int, votes: int, seed: int
):
    simulation = Simulation(design(count, seed, votes=votes, gap=0), 8)
    random = np.random.default_rng(seed)
    for _ in range(count * votes // 2):
        before = simulation.tally.counts.copy()
        at = int(random.integers(8))
        draft = simulation.step(at)
        if draft is not None and draft.kind in COUNTED:
            left = [
                unit for unit in range(count) if unit not in simulation.raters[at].seen or unit == draft.unit
            ]
            assert before[draft.unit] == before[left].min()
    assert np.ptp(simulation.tally.counts) <= 2


@settings(max_examples=20)
@given(keys=st.sampled_from(PROTOCOLS), gap=st.integers(1, 5), seed=st.integers(0, 9))
def test_no_content_comes_twice_within_the_gap(keys: dict[str, Any], gap: int, seed: int):
    plan = design(30, seed, gap=gap, votes=1, checks={"repeat": 0.2, "trap": 0.1}, **keys)
    simulation = Simulation(plan, 1)
    trials = [draft for draft in (simulation.step(0) for _ in range(20)) if draft]
    contents = [{int(plan.contents[at]) for at in (d.left, d.right) if at >= 0} for d in trials]
    for at, now in enumerate(contents):
        if trials[at].kind != "train":
            for before in contents[max(0, at - gap) : at]:
                assert not now & before


def test_the_gap_gives_way_when_nothing_else_is_left():
    simulation = Simulation(design(2, gap=5, votes=1, checks={"training": 0}), 1)
    assert {simulation.step(0).unit, simulation.step(0).unit} == {0, 1}


@settings(max_examples=15)
@given(share=st.sampled_from([0.03, 0.05, 0.1, 0.3]), seed=st.integers(0, 50), number=st.integers(1, 500))
def test_checks_are_due_at_their_share_and_their_places_cannot_be_predicted(
    share: float, seed: int, number: int
):
    at = due(seed, "trap", "r01", share, number)
    assert int(number * share + 1e-9) <= at <= int(number * share + 1e-9) + 1
    assert at <= due(seed, "trap", "r01", share, number + 1)
    places = {
        rater: [
            n
            for n in range(1, 400)
            if due(seed, "trap", rater, 0.05, n) > due(seed, "trap", rater, 0.05, n - 1)
        ]
        for rater in ("r01", "r02")
    }
    assert places["r01"] != places["r02"]
    assert len({b - a for a, b in pairwise(places["r01"])}) > 1


def test_every_rater_trains_first_then_gets_checks_at_their_shares():
    gold = items(20, role="gold", low=1.0, high=2.0)
    plan = design(
        200, votes=1, gap=5, more=gold, protocol="acr",
        checks={"training": 4, "repeat": 0.1, "trap": 0.05, "gold": 0.05, "answers": "x.csv"},
    )  # fmt: skip
    simulation = Simulation(plan, 1)
    trials = [simulation.step(0) for _ in range(204)]
    assert [draft.kind for draft in trials[:4]] == ["train"] * 4
    kinds = Counter(draft.kind for draft in trials[4:])
    assert abs(kinds["repeat"] - 20) <= 2
    assert abs(kinds["trap"] - 10) <= 2
    assert abs(kinds["gold"] - 10) <= 2
    assert not any(a.kind in plan.shares and b.kind in plan.shares for a, b in pairwise(trials))
    assert all(draft.damaged == "single" for draft in trials if draft.kind == "trap")


@settings(max_examples=15)
@given(seed=st.integers(0, 99), keys=st.sampled_from(PROTOCOLS))
def test_a_repeat_comes_late_once_and_shows_the_same(seed: int, keys: dict[str, Any]):
    simulation = Simulation(design(60, seed, votes=9, checks={"repeat": 0.3}, **keys), 1)
    trials = [draft for draft in (simulation.step(0) for _ in range(50)) if draft]
    repeats = [(at, draft) for at, draft in enumerate(trials) if draft.kind == "repeat"]
    assert len(repeats) >= 5
    for at, draft in repeats:
        first = trials[draft.of - 1]
        assert at + 1 - draft.of >= REPEAT_AFTER
        assert first.kind in COUNTED
        assert pair_of(first.left, first.right) == pair_of(draft.left, draft.right)
    assert len({draft.of for _, draft in repeats}) == len(repeats)


def test_sides_are_balanced_for_each_rater_and_differ_between_raters():
    simulation = Simulation(design(60, protocol="pairwise", folders={"a": "x", "b": "y"}, votes=9), 2)
    orders: list[str] = []
    for at in range(2):
        sides = [
            simulation.design.items[draft.left].arm
            for draft in (simulation.step(at) for _ in range(50))
            if draft.left != draft.right
        ]
        assert abs(sides.count("a") - sides.count("b")) <= 2
        orders.append("".join(sides))
    assert orders[0] != orders[1]


def test_low_and_high_quality_keep_their_places():
    simulation = Simulation(design(20, protocol="pair_accept", folders={"lq": "x", "hq": "y"}), 1)
    for _ in range(20):
        draft = simulation.step(0)
        arms = [simulation.design.items[at].arm for at in (draft.left, draft.right)]
        assert arms == ["lq", "hq"]


@settings(max_examples=15)
@given(count=st.integers(3, 25), raters=st.integers(1, 5), seed=st.integers(0, 9))
def test_free_pairs_join_all_images_before_anything_else(count: int, raters: int, seed: int):
    simulation = Simulation(design(count, seed, protocol="pairwise", votes=4, gap=0), raters)
    random = np.random.default_rng(seed)
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < count:
        draft = simulation.step(int(random.integers(raters)))
        if draft.kind in COUNTED:
            pairs.add(pair_of(draft.left, draft.right))
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)
    reached, new = set[int](), {0}
    while new:
        reached |= new
        new = {other for one in new for other in neighbours[one]} - reached
    assert reached == set(range(count))
    assert {len(of) for of in neighbours.values()} == {2}


def test_free_pairs_stay_within_a_content_and_prefer_near_scores():
    rows = [ItemRow(str(at), at, str(at), str(at), "", "", 8, 8, content="ab"[at % 2]) for at in range(20)]
    body = StudyStep(protocol="pairwise", content="scene", votes=8, gap=0)
    plan = design_of(body, rows, 1)
    simulation = Simulation(plan, 4)
    simulation.tally.scores[:] = np.arange(20)
    for turn in range(60):
        draft = simulation.step(turn % 4)
        if draft.kind in COUNTED:
            assert plan.contents[draft.left] == plan.contents[draft.right]
    ring = set(plan.ring)
    far = [
        abs(d.left - d.right) for history in simulation.raters for d in counted(history)
        if pair_of(d.left, d.right) not in ring
    ]  # fmt: skip
    assert np.mean(far) < 7  # ten images of one content, two apart: any pair would be 7.3 apart on average


def test_a_cap_ends_a_rater_and_a_narrow_interval_an_image():
    simulation = Simulation(design(50, cap=10, votes=3), 1)
    simulation.run(np.random.default_rng(0))
    assert sum(draft.kind != "train" for draft in simulation.raters[0].trials) == 10
    settled = Simulation(design(5, votes=9, checks={"training": 0}), 1)
    settled.tally.settled[2] = True
    settled.run(np.random.default_rng(0))
    assert {draft.unit for draft in counted(settled.raters[0])} == {0, 1, 3, 4}


def test_images_that_cannot_be_read_are_left_out():
    for keys in PROTOCOLS:
        simulation = Simulation(design(12, votes=2, checks={"training": 0}, **keys), 2)
        simulation.tally.aside |= {0, 1}
        simulation.run(np.random.default_rng(0))
        shown = {
            at
            for history in simulation.raters
            for draft in history.trials
            for at in (draft.left, draft.right)
        }
        assert not shown & {0, 1}
        assert len(shown) > 3


@pytest.mark.parametrize("keys", PROTOCOLS)
def test_chance_depends_on_the_seed_and_the_rater_alone(keys: dict[str, Any]):
    def order(seed: int) -> list[Draft | None]:
        simulation = Simulation(design(12, seed, votes=3, **keys), 1)
        return [simulation.step(0) for _ in range(10)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_what_is_left_shrinks_to_nothing():
    simulation = Simulation(design(10, votes=1), 1)
    left = left_for(simulation.design, simulation.tally, simulation.raters[0])
    assert left >= 10
    simulation.run(np.random.default_rng(0))
    assert left_for(simulation.design, simulation.tally, simulation.raters[0]) == 0


@pytest.mark.parametrize("keys", PROTOCOLS)
def test_nobody_trains_when_there_is_nothing_left_to_rate(keys: dict[str, Any]):
    simulated = Simulation(design(4, votes=1, **keys), 2)
    while simulated.step(0):
        pass
    late = simulated.raters[1]
    assert next_trial(simulated.design, simulated.tally, late) is None
