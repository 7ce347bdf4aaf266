"""Files of fingerprints: written and read whole, refused where they are something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.plans.leak_reference import leaks_ask
from groundglass.similarity.test_images.fingerprints import (
    SCHEMA,
    Print,
    make_print,
    pixel_hash,
    read_prints,
    to_row,
    write_prints,
)
from groundglass.similarity.test_images.known_sets import SETS, digest_of, resolve, words_of


def made(seed: int = 1) -> Print:
    luma = np.ascontiguousarray(testing.photo(300, 200, seed)[..., 1])
    return replace(make_print(luma), set="mine", name=f"{seed}.png")


def written(path: Path, *seeds: int) -> Path:
    rows = [{**to_row(made(seed)), "set": "mine", "name": f"{seed}.png"} for seed in seeds]
    write_prints([*rows, {"set": "mine", "name": "cut.png", "error": "truncated"}], path)
    return path


def test_a_fingerprint_comes_back_as_it_was(tmp_path: Path) -> None:
    one, other = read_prints(written(tmp_path / "a.parquet", 1, 2))
    before = made(1)
    assert (one.label, other.label) == ("mine/1.png", "mine/2.png")
    assert (one.sha256, one.width, one.height) == (before.sha256, 300, 200)
    assert np.array_equal(one.relief, before.relief)
    assert np.array_equal(one.mirrored.descriptors, before.mirrored.descriptors)
    assert np.allclose(one.features.points[:, :2], before.features.points[:, :2], atol=0.02)
    assert np.allclose(one.features.points[:, 2], before.features.points[:, 2], rtol=1e-4)
    turned = np.angle(np.exp(1j * (one.features.points[:, 3] - before.features.points[:, 3])))
    assert np.abs(turned).max() < 0.02


def test_the_file_holds_its_bad_pictures_and_stays_small(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path / "a.parquet", 1, 2, 3))
    assert table.schema.names == SCHEMA.names
    assert table["error"].to_pylist() == [None, None, None, "truncated"]
    assert (tmp_path / "a.parquet").stat().st_size < 4 * 60_000


def test_the_hash_is_of_pixels_and_size() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert pixel_hash(picture) == pixel_hash(picture.copy())
    assert len({pixel_hash(p) for p in (picture, picture.reshape(4, 3), picture[::-1])}) == 3


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no table")
    table = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": [1]}), table)
    older = tmp_path / "older.parquet"
    pq.write_table(pa.table({"a": [1]}, metadata={"groundglass.fingerprints": "0"}), older)
    for path, said in ((text, "cannot read"), (table, "holds no fingerprints"), (older, "version 0, not 1")):
        with pytest.raises(RecipeError, match=said):
            read_prints(path)


def test_words_name_sets_and_files(tmp_path: Path) -> None:
    file = written(tmp_path / "a, b.parquet", 1)
    assert words_of(str(file)) == (str(file),)
    assert words_of(f"Set5\n{file}") == ("Set5", str(file))
    assert resolve(["Urban100", "Set5", str(file), "Set5"]) == (("Set5", "Urban100"), (file,))
    assert resolve(["all"])[0] == SETS
    with pytest.raises(RecipeError, match="Did you mean 'Urban100'"):
        resolve(["urban100"])


def test_leaks_are_stored_by_what_files_hold_not_what_they_are_called(tmp_path: Path) -> None:
    one, other = written(tmp_path / "a.parquet", 1), tmp_path / "b.parquet"
    other.write_bytes(one.read_bytes())
    assert digest_of(one) == digest_of(other)
    assert leaks_ask([str(one)]).key == leaks_ask([str(other)]).key != leaks_ask([]).key
    assert leaks_ask([str(one), "Set5"]).key != leaks_ask([str(one)]).key
    assert leaks_ask([str(written(other, 1, 2))]).key != leaks_ask([str(one)]).key
    assert leaks_ask(["Set14", "Set5"]) == leaks_ask(["Set5", "Set14"])
    assert leaks_ask(["all"]).key == "leaks-1"
