"""Splits: nothing that belongs together is separated, and what was assigned stays assigned."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.releases.split import assign_splits

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_rows(photographs: list[tuple[int, int | None, int]], kinds: int = 3) -> pa.Table:
    """Rows of photographs, each (content, user's group or None, tiles); equal content is the same bytes."""
    rows = [
        {
            "id": f"{number}-{tile}",
            "root": f"r{number}",
            "sha256": digest(str(content)),
            "phash": None,
            "phash_mirror": None,
            "kind": f"k{content % kinds}",
            "person": None if person is None else f"p{person}",
        }
        for number, (content, person, tiles) in enumerate(photographs)
        for tile in range(tiles)
    ]
    words = [(name, pa.string()) for name in ("id", "root", "sha256", "kind", "person")]
    schema = pa.schema([*words, ("phash", pa.uint64()), ("phash_mirror", pa.uint64())])
    return pa.Table.from_pylist(rows, schema=schema)


def by_id(table: pa.Table) -> dict[str, str]:
    return dict(zip(table["id"].to_pylist(), table["split"].to_pylist(), strict=True))


sets = st.lists(
    st.tuples(st.integers(0, 30), st.none() | st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=40
)


@given(sets, st.booleans(), st.booleans())
def test_no_photograph_no_copy_and_no_group_is_separated(photographs, stratify, group):
    rows = make_rows(photographs)
    splits = assign_splits(
        rows, SHARES, 7, "split-1", stratify="kind" if stratify else None, group="person" if group else None
    )
    for column in ["root", "sha256", *(["person"] if group else [])]:
        sides: dict[str, set[str]] = {}
        for value, split in zip(rows[column].to_pylist(), splits["split"].to_pylist(), strict=True):
            if value is not None:
                sides.setdefault(value, set()).add(split)
        assert all(len(found) == 1 for found in sides.values())


@given(sets, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_the_rows_does_not_matter(photographs, random, stratify):
    rows = make_rows(photographs)
    order = list(range(rows.num_rows))
    random.shuffle(order)
    stratum = "kind" if stratify else None
    one = assign_splits(rows, SHARES, 7, "split-1", stratify=stratum, group="person")
    other = assign_splits(rows.take(order), SHARES, 7, "split-1", stratify=stratum, group="person")
    assert by_id(one) == by_id(other)


@given(sets, sets)
def test_photographs_added_later_move_none(first, more):
    """New contents, so none of them joins an old group but by the user's group column."""
    later = [*first, *((content + 1000, person, tiles) for content, person, tiles in more)]
    before = by_id(assign_splits(make_rows(first), SHARES, 7, "split-1", group="person"))
    after = by_id(assign_splits(make_rows(later), SHARES, 7, "split-1", group="person"))
    assert {image: after[image] for image in before} == before


def test_a_copy_added_later_goes_where_its_original_is():
    first = [(content, None, 2) for content in range(200)]
    before = by_id(assign_splits(make_rows(first), SHARES, 7, "split-1"))
    after = by_id(assign_splits(make_rows([*first, (17, None, 1)]), SHARES, 7, "split-1"))
    assert after["200-0"] == before["17-0"]
    assert {image: after[image] for image in before} == before


def test_shares_come_near_what_was_asked_for():
    splits = assign_splits(make_rows([(n, None, 1) for n in range(5000)]), SHARES, 7, "split-1")
    counts = splits["split"].to_pylist()
    for split, share in SHARES.items():
        off = (share * (1 - share) / 5000) ** 0.5
        assert abs(counts.count(split) / 5000 - share) < 4 * off


def test_stratified_shares_are_exact_to_one_group():
    """AIGIQA's generators: 7:1:2 of each, whatever their sizes."""
    shares = {"train": 0.7, "validation": 0.1, "test": 0.2}
    rows = make_rows([(n, None, 1) for n in range(2000)])
    splits = assign_splits(rows, shares, 7, "split-1", stratify="kind")["split"].to_pylist()
    kinds = rows["kind"].to_pylist()
    for kind in set(kinds):
        members = [split for split, own in zip(splits, kinds, strict=True) if own == kind]
        for split, share in shares.items():
            assert abs(members.count(split) - share * len(members)) <= 1


def test_a_stratum_that_grows_leaves_the_others_alone():
    first = make_rows([(3 * n + n % 2, None, 1) for n in range(300)])
    later = make_rows(
        [*((3 * n + n % 2, None, 1) for n in range(300)), *((3 * n, None, 1) for n in range(400, 450))]
    )
    before = by_id(assign_splits(first, SHARES, 7, "s", stratify="kind"))
    after = by_id(assign_splits(later, SHARES, 7, "s", stratify="kind"))
    kinds = dict(zip(first["id"].to_pylist(), first["kind"].to_pylist(), strict=True))
    moved = [image for image in before if after[image] != before[image]]
    assert all(kinds[image] == "k0" for image in moved)
    assert len(moved) <= 10


def test_seed_and_step_change_the_draw():
    rows = make_rows([(n, None, 1) for n in range(200)])
    draws = [by_id(assign_splits(rows, SHARES, seed, step)) for seed, step in ((1, "a"), (2, "a"), (1, "b"))]
    assert draws[0] != draws[1]
    assert draws[0] != draws[2]


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_near_duplicates_stay_together(seed):
    """A chain: each differs from the next in 4 bits, its ends in more than the distance."""
    hashes = [0, 0b1111, 0b1111_1111, 0b1111_1111_1111, 2**63 + 2**40 - 1, 0x5555_5555_5555_5555]
    rows = pa.table(
        {
            "id": [f"i{n}" for n in range(6)],
            "root": [f"r{n}" for n in range(6)],
            "sha256": [digest(str(n)) for n in range(6)],
            "phash": pa.array(hashes, pa.uint64()),
            "phash_mirror": pa.array([value ^ 0xAAAA_AAAA_0000_0000 for value in hashes], pa.uint64()),
        }
    )
    splits = assign_splits(rows, {"train": 0.5, "test": 0.5}, seed, "split-1", distance=4)[
        "split"
    ].to_pylist()
    assert len(set(splits[:4])) == 1


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(RecipeError, match="sum to"):
        assign_splits(make_rows([(1, None, 1)]), {"train": 0.8, "test": 0.1}, 7, "split-1")


def test_an_unknown_column_is_refused():
    with pytest.raises(RecipeError, match="'generator'"):
        assign_splits(make_rows([(1, None, 1)]), SHARES, 7, "split-1", stratify="generator")
