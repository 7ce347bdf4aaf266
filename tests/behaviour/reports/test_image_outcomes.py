"""What became of every image, and a sample that is fair to all that became of them."""

from __future__ import annotations

import hashlib
from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.reports.compare import pair_steps
from groundglass.reports.facts import VERDICTS, HeldOut
from groundglass.reports.image_outcomes import count_held, count_sources, sample
from groundglass.tables.step_record import StepRecord, Threshold

GROUPS = st.lists(st.integers(1, 400), min_size=1, max_size=6)


def fates(sizes: list[int]) -> pa.Table:
    """Groups of these sizes: images that left at one step each."""
    rows = [
        {
            "id": hashlib.sha256(f"{group}/{n}".encode()).hexdigest()[:20],
            "uri": f"{group}/{n}.jpg",
            "region": "",
        }
        | {"born_at": "source", "left_at": f"select-{group}" if group else None}
        | {"status": "dropped" if group else "kept", "source": "photos", "parent": None}
        for group, size in enumerate(sizes)
        for n in range(size)
    ]
    return pa.Table.from_pylist(rows)


@settings(max_examples=30)
@given(GROUPS, st.integers(20, 600), st.integers(1, 40))
def test_every_group_has_its_share_and_at_least_the_least(sizes: list[int], most: int, least: int):
    whole = fates(sizes)
    chosen = sample(whole, most, least)
    counts = Counter(chosen["left_at"].to_pylist())
    if whole.num_rows <= most:
        assert chosen.num_rows == whole.num_rows
        return
    for group, size in enumerate(sizes):
        expected = max(least, most / whole.num_rows * size)
        assert abs(counts[f"select-{group}" if group else None] - min(size, expected)) <= 1
    assert chosen.num_rows <= most + least * len(sizes)


def test_a_smaller_sample_lies_within_a_larger_one():
    whole = fates([500, 80, 3])
    small, large = (set(sample(whole, most, 5)["id"].to_pylist()) for most in (50, 200))
    assert small < large


def test_sources_are_counted_whole():
    (photos,) = count_sources(fates([70, 20, 10]))
    assert (photos.photographs, photos.dropped, photos.failed) == (100, 30, 0)


def rule(column: str, limit: float, name: str) -> StepRecord:
    line = Threshold(column, "<", limit)
    facts = {"rule": "where", "exact": True}
    return StepRecord(name, "select", str(line), 9, 9, thresholds=(line,), facts=facts)


def test_a_rule_put_in_before_another_is_not_taken_for_it():
    before = (rule("blockiness", 30, "select-1"),)
    after = (rule("entropy", 4, "select-1"), rule("blockiness", 20, "select-2"))
    pairs = pair_steps(before, after)
    assert [(pair.a and pair.a.label, pair.b and pair.b.label) for pair in pairs] == [
        (None, "entropy < 4"),
        ("blockiness < 30", "blockiness < 20"),
    ]
    assert pairs[1].limits == (("blockiness <", 30, 20),)


def test_a_rule_left_out_stands_alone_and_nothing_is_lost():
    before = (rule("noise", 3, "a"), rule("blockiness", 30, "b"), rule("entropy", 4, "c"))
    pairs = pair_steps(before, before[1:])
    assert [pair.changed for pair in pairs] == [True, False, False]
    assert [pair.a for pair in pairs] == list(before)


def test_what_is_held_out_is_counted_by_unit_and_by_whether_it_had_been_dropped():
    born = {"a": "photos", "b": "photos", "c": "photos", "t": "tiles", "u": "tiles"}
    images = [
        {"id": key, "born_at": step, "status": "held_out" if key != "u" else "kept"}
        for key, step in born.items()
    ]
    said = [("best", "a", "not among the best 8"), ("best", "b", "not among the best 8")]
    said += [("held", key, "held out for validation") for key in "abct"]
    verdicts = [
        {"step": step, "id": key, "kept": False, "failed": False, "reason": reason, "margin": None}
        for step, key, reason in said
    ]
    found = count_held(
        pa.Table.from_pylist(images),
        pa.Table.from_pylist(verdicts, VERDICTS),
        {"photos": "photographs", "tiles": "tiles"},
    )
    assert found == (HeldOut("photographs", 3, 2), HeldOut("tiles", 1, 0))
