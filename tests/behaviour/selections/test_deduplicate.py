"""`deduplicate`: which one stays, and that real copies are found and unlike photographs left alone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
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


def copies(**columns: list[object]) -> pa.Table:
    """Near-duplicates of one photograph, all of one size unless said."""
    count = len(next(iter(columns.values())))
    like = {"width": [600] * count, "height": [400] * count}
    like |= {"jpeg_quality": [None] * count, "laplacian_variance": [500.0] * count}
    return prints(*[5] * count, **(like | columns))


def kept(pool: pa.Table) -> str:
    rows = deduplicate(pool, "near").to_pylist()
    return "".join(row["id"] for row in rows if row["kept"])


@pytest.mark.parametrize(
    ("pool", "stays", "reason"),
    [
        # A thumbnail looks crisper by the pixel, and its file may be compressed less.
        (
            copies(
                width=[200, 600], height=[133, 400], laplacian_variance=[9000.0, 500.0], jpeg_quality=[98, 80]
            ),
            "1",
            "which is larger: 600×400 px, not 200×133",
        ),
        (copies(jpeg_quality=[60, 85]), "1", "which is less compressed: this one has JPEG quality 60"),
        (copies(jpeg_quality=[75, None]), "1", "which is less compressed: this one has JPEG quality 75"),
        # Blocks of JPEG are detail, too: compression is asked first.
        (copies(jpeg_quality=[20, 90], laplacian_variance=[900.0, 500.0]), "1", "which is less compressed"),
        # What was blurred, or halved and brought back, and saved without loss, is not the better one for that.
        (copies(jpeg_quality=[None, 95], laplacian_variance=[90.0, 500.0]), "1", "which has more detail"),
        # A PNG may have been saved from the JPEG, or the JPEG of a high quality from it: the name decides.
        (copies(jpeg_quality=[95, None], laplacian_variance=[501.0, 500.0]), "0", "which is as good"),
        (copies(jpeg_quality=[None, 95], laplacian_variance=[501.0, 500.0]), "0", "which is as good"),
        (copies(jpeg_quality=[92, None], laplacian_variance=[501.0, 500.0]), "1", "which is as good"),
        (copies(jpeg_quality=[91, 98]), "1", "which is as good"),
        (copies(width=[None, 600]), "1", "which has a higher true resolution"),
    ],
)
def test_without_a_column_the_original_stays(pool: pa.Table, stays: str, reason: str) -> None:
    for rows in (pool, pool.take([1, 0])):
        assert kept(rows) == stays
        (said,) = [row["reason"] for row in deduplicate(rows, "near").to_pylist() if not row["kept"]]
        assert said.startswith(f"near duplicate of {stays}.jpg (distance 0), {reason}")


def test_an_enlarged_copy_is_no_original_where_its_true_resolution_is_known() -> None:
    sizes = {"width": [600, 1200], "height": [400, 800]}
    assert kept(copies(**sizes)) == "1"
    assert kept(copies(**sizes, effective_scale=[1.0, None])) == "1"
    assert kept(copies(**sizes, effective_scale=[1.0, 0.4])) == "0"


def test_copies_that_are_equal_go_by_name_whatever_their_ids() -> None:
    pool = pa.table(
        {
            "id": ["a", "b", "c"],
            "uri": ["IMG_1 (1).jpg", "IMG_1.jpg", "copies/IMG_1.jpg"],
            "sha256": ["x"] * 3,
            "pixels_sha256": ["x"] * 3,
        }
    )
    for mode in ("exact", "pixels"):
        assert deduplicate(pool, mode)["kept"].to_pylist() == [False, True, False]


def test_of_files_with_the_same_pixels_the_jpeg_stays_that_they_came_from() -> None:
    pool = pa.table(
        {
            "id": ["a", "b"],
            "uri": ["1.png", "original.jpg"],
            "pixels_sha256": ["x", "x"],
            "jpeg_quality": [None, 80],
        }
    )
    assert deduplicate(pool, "pixels")["reason"].to_pylist() == ["same pixels as original.jpg", None]


def test_an_unknown_mode_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError):
        deduplicate(prints(1), "similar")  # type: ignore[arg-type]


def test_finds_real_copies_and_leaves_unlike_photographs_alone() -> None:
    from groundglass.errors import ImageError
    from groundglass.image.frame import open_frame
    from groundglass.measures.perceptual_hash import fingerprint

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
