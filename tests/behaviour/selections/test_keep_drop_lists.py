"""List files: what a line may be, and what they keep and drop."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.keep_drop_lists import drop, keep, read_list, select_by_list, unmatched

POOL = pa.table(
    {"id": ["1", "2", "3"], "uri": ["a.jpg", "sub/b c.jpg", "#c.jpg"], "sha256": ["aa" * 32, "bb" * 32, None]}
)


def test_reads_any_text_editors_list(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffa.jpg\r\n\r\n  sub/b c.jpg  \n# a note\nü.jpg\ra.jpg".encode())
    assert read_list(path) == ("a.jpg", "sub/b c.jpg", "ü.jpg")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_reads_a_list_in_any_encoding_of_editors(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("café.jpg\r\nplain.jpg".encode(encoding))
    assert read_list(path) == ("café.jpg", "plain.jpg")


def test_an_unreadable_list_is_a_recipe_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.txt"):
        read_list(tmp_path / "gone.txt")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    with pytest.raises(RecipeError, match=r"the list .*binary\.txt is not a text file"):
        read_list(tmp_path / "binary.txt")


def test_an_entry_is_an_id_a_uri_or_a_hash() -> None:
    for entry in ("2", "sub/b c.jpg", "bb" * 32, "BB" * 32):
        assert keep(POOL, [entry])["kept"].to_pylist() == [False, True, False]
        assert drop(POOL, [entry])["kept"].to_pylist() == [True, False, True]
    assert keep(POOL, [])["kept"].to_pylist() == [False] * 3
    assert keep(POOL.select(["id"]), ["3"])["kept"].to_pylist() == [False, False, True]


def test_what_matches_nothing_is_told() -> None:
    assert unmatched(POOL, ["gone", "a.jpg", "BB" * 32, "x'; drop"]) == ("gone", "x'; drop")


def test_keep_and_drop_together(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("1\n2\nmissing.jpg\n")
    (tmp_path / "bad's.txt").write_text("2\n")
    listed = select_by_list(POOL, tmp_path / "good.txt", tmp_path / "bad's.txt")
    assert listed.verdicts["kept"].to_pylist() == [True, False, False]
    assert listed.verdicts["reason"].to_pylist() == [None, "listed in bad's.txt", "not in good.txt"]
    assert listed.warnings == ("'missing.jpg' in good.txt names no image here",)
