"""Splits of exact counts: as many as were asked for wherever that can be, and what belongs together stays together."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_split import by_id, make_rows, sets

from groundglass.errors import RecipeError
from groundglass.releases.split import Group
from groundglass.releases.split_counts import assign_counts, groups_for

sizes = st.lists(st.integers(1, 6), max_size=9)


def groups_of(sizes: list[int]) -> list[Group]:
    return [Group(str(place), frozenset(), rows, "") for place, rows in enumerate(sizes)]


@given(sizes, st.integers(0, 40))
def test_the_most_that_groups_can_add_up_to_is_taken(sizes: list[int], wanted: int):
    sums = {sum(some) for many in range(len(sizes) + 1) for some in combinations(sizes, many)}
    taken = groups_for(groups_of(sizes), wanted)
    assert len({part.key for part in taken}) == len(taken)
    assert sum(part.rows for part in taken) == max(one for one in sums if one <= wanted)


@given(st.lists(st.integers(1, 6), min_size=20, max_size=60), st.integers(6, 20))
def test_the_first_groups_are_taken_as_far_as_the_count_allows(sizes: list[int], wanted: int):
    taken = groups_for(groups_of(sizes), wanted)
    first = min(int(part.key) for part in taken)  # they come in no order
    assert first <= 1 or sizes[0] == wanted == sum(part.rows for part in taken)


@given(sets, st.integers(0, 30), st.integers(0, 30), st.booleans(), st.booleans())
def test_no_photograph_no_copy_and_no_group_is_parted(photographs, validation, test, stratify, group):
    rows = make_rows(photographs)
    splits = assign_counts(
        rows, {"validation": validation, "test": test}, 7, "split-1",
        stratify="kind" if stratify else None, group="person" if group else None,
    )  # fmt: skip
    of = splits["split"].to_pylist()
    assert of.count("validation") <= validation
    assert of.count("test") <= test
    for column in ["root", "sha256", *(["person"] if group else [])]:
        sides: dict[str, set[str]] = {}
        for value, split in zip(rows[column].to_pylist(), of, strict=True):
            if value is not None:
                sides.setdefault(value, set()).add(split)
        assert all(len(found) == 1 for found in sides.values())


@given(st.integers(0, 60), st.integers(0, 60), st.booleans(), st.integers(0, 5))
def test_counts_of_single_photographs_are_exact(validation: int, test: int, stratify: bool, seed: int):
    rows = make_rows([(n, None, 1) for n in range(120)])
    counts = {"validation": validation, "test": test}
    of = assign_counts(rows, counts, seed, "s", stratify="kind" if stratify else None)["split"].to_pylist()
    assert (of.count("validation"), of.count("test")) == (validation, test)
    assert of.count("train") == 120 - validation - test


def test_each_stratum_gives_its_share_of_a_count():
    rows = make_rows([(n, None, 1) for n in range(90)])
    of = assign_counts(rows, {"validation": 30, "test": 15}, 7, "s", stratify="kind")["split"].to_pylist()
    kinds = list(zip(rows["kind"].to_pylist(), of, strict=True))
    for kind in ("k0", "k1", "k2"):
        assert abs(kinds.count((kind, "validation")) - 10) <= 1
        assert abs(kinds.count((kind, "test")) - 5) <= 1


@given(st.integers(1, 30))
def test_a_set_that_grows_moves_nothing_from_one_count_to_the_other(more: int):
    counts = {"validation": 20, "test": 10}
    before = by_id(assign_counts(make_rows([(n, None, 1) for n in range(60)]), counts, 7, "s"))
    after = by_id(assign_counts(make_rows([(n, None, 1) for n in range(60 + more)]), counts, 7, "s"))
    moved = {(before[name], after[name]) for name in before if before[name] != after[name]}
    assert moved <= {("validation", "train"), ("test", "train")}


@given(sets, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(photographs, random):
    rows = make_rows(photographs)
    order = list(range(rows.num_rows))
    random.shuffle(order)
    one = assign_counts(rows, {"test": 9}, 7, "s", group="person")
    assert by_id(one) == by_id(assign_counts(rows.take(order), {"test": 9}, 7, "s", group="person"))


def test_seed_and_step_change_the_draw():
    rows = make_rows([(n, None, 1) for n in range(60)])
    draws = [
        by_id(assign_counts(rows, {"test": 20}, seed, step)) for seed, step in ((1, "a"), (2, "a"), (1, "b"))
    ]
    assert draws[0] != draws[1] != draws[2] != draws[0]


def test_many_groups_of_one_size_leave_a_gap_of_less_than_one():
    rows = make_rows([(n, None, 4) for n in range(3000)])
    of = assign_counts(rows, {"test": 2001}, 7, "s")["split"].to_pylist()
    assert of.count("test") == 2000


def test_an_unknown_column_is_refused():
    with pytest.raises(RecipeError, match="no column 'generator'"):
        assign_counts(make_rows([(1, None, 1)]), {"test": 1}, 7, "s", stratify="generator")
