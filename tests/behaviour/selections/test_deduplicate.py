"""`deduplicate`: which one stays, and that real copies are found and unlike photographs left alone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.kernel.errors import RecipeError
from groundglass.selections.deduplicate import deduplicate
from shared_data import shared


def prints(*hashes: int | None, **more: list[object]) -> pa.Table:
    phash = pa.array(hashes, pa.uint64())
    ids = [f"{i}" for i in range(len(hashes))]
    return pa.table(
        {"id": ids, "uri": [f"{i}.jpg" for i in ids], "phash": phash, "phash_mirror": phash} | more
    )


def test_the_best_copy_stays_and_the_others_name_it() -> None:
    pool = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "uri": ["1", "2", "3", "4"],
            "sha256": ["x", "x", "y", None],
            "q": [1.0, 2.0, 0.0, 9.0],
        }
    )
    assert deduplicate(pool, "exact", by="q")["reason"].to_pylist() == [
        "same bytes as 2",
        None,
        None,
        "sha256 is unknown",
    ]
    assert deduplicate(pool, "exact", by="q", order="lower")["kept"].to_pylist() == [True, False, True, False]
    assert deduplicate(pool, "exact")["kept"].to_pylist() == [True, False, True, False]


def test_near_duplicates_do_not_chain() -> None:
    pool = prints(0b0001, 0b0011, 0b0111, 0b1111, q=[4.0, 3.0, 2.0, 1.0])
    assert deduplicate(pool, "near", 1, by="q")["reason"].to_pylist() == [
        None,
        "near duplicate of 0.jpg (distance 1)",
        None,
        "near duplicate of 2.jpg (distance 1)",
    ]


def test_a_row_without_a_score_ranks_last_and_one_without_a_hash_is_dropped() -> None:
    pool = prints(5, 5, None, q=[None, 0.1, 9.0]).append_column("error:phash", pa.array([None, None, "flat"]))
    verdicts = deduplicate(pool, "near", by="q")
    assert verdicts["kept"].to_pylist() == [False, True, False]
    assert verdicts["failed"].to_pylist() == [False, False, True]
    assert verdicts["reason"].to_pylist()[2] == "no fingerprint: flat"


def test_an_unknown_mode_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError):
        deduplicate(prints(1), "similar")  # type: ignore[arg-type]


def test_finds_real_copies_and_leaves_unlike_photographs_alone() -> None:
    from groundglass.kernel.errors import ImageError
    from groundglass.kernel.image.frame import open_frame
    from groundglass.measures.fingerprint import fingerprint

    files = [
        *shared("dedup", "imagededup").rglob("*.jpg"),
        *sorted(shared("train_photos", "bsds500").glob("*.jpg"))[:60],
    ]
    rows = []
    for path in files:
        try:
            rows.append({"id": str(path), "uri": path.name} | fingerprint(open_frame(path.read_bytes())))
        except ImageError:
            assert "corrupt" in path.name
    schema = pa.schema(
        [("id", pa.string()), ("uri", pa.string()), ("phash", pa.uint64()), ("phash_mirror", pa.uint64())]
    )
    dropped = deduplicate(pa.Table.from_pylist(rows, schema), "near").to_pylist()
    copies = [row for row in dropped if not row["kept"]]
    assert sorted(row["id"].rsplit("/", 1)[-1] for row in copies) == [
        "ukbench00120.jpg",
        "ukbench00120_hflip.jpg",
        "ukbench00120_resize.jpg",
        "ukbench09268.jpg",
    ]
    assert all("near duplicate of ukbench" in row["reason"] for row in copies)


def test_the_same_pixels_in_other_files_are_copies() -> None:
    pool = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "uri": ["a.png", "b.bmp", "c.png", "d.jpg"],
            "sha256": ["1", "2", "3", "4"],
            "pixels_sha256": ["ff", "ff", "ee", None],
        }
    )
    verdicts = deduplicate(pool, "pixels")
    assert verdicts["kept"].to_pylist() == [True, False, True, False]
    assert verdicts["reason"].to_pylist()[1::2] == ["same pixels as a.png", "pixel hash is unknown"]
    assert deduplicate(pool, "exact")["kept"].to_pylist() == [True] * 4
