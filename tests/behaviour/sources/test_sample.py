"""The sample: real photographs, and faults that are what they are said to be."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from groundglass.sources.sample import FAULTS, ORIGINALS, make_sample
from groundglass.tables.parquet import bytes_to_path

pytest.importorskip("skimage", reason="the sample photos come with scikit-image")


def test_every_photograph_has_every_fault_and_planted_csv_says_so(tmp_path: Path):
    listing = make_sample(tmp_path / "photographs")
    assert Counter(listing["fault"].to_pylist()) == dict.fromkeys(FAULTS, len(ORIGINALS))
    with (tmp_path / "planted.csv").open(encoding="utf-8") as file:
        planted = {row["uri"]: row["fault"] for row in csv.DictReader(file)}
    assert planted == dict(zip(listing["uri"].to_pylist(), listing["fault"].to_pylist(), strict=True))


def test_faults_are_real(tmp_path: Path):
    listing = {row["uri"]: row for row in make_sample(tmp_path / "photographs").to_pylist()}
    content = {uri: bytes_to_path(row["path"]).read_bytes() for uri, row in listing.items()}
    assert content["chelsea_duplicate.png"] == content["chelsea.png"]
    assert content["chelsea.png"].startswith(content["chelsea_truncated.png"])
    assert len(content["chelsea_jpeg_q20.jpg"]) < len(content["chelsea_jpeg_q60.jpg"])


def test_a_second_call_writes_nothing(tmp_path: Path):
    first = make_sample(tmp_path / "photographs")
    assert make_sample(tmp_path / "photographs").equals(first)


def test_what_an_older_version_left_behind_is_not_listed(tmp_path: Path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "grass.png").write_bytes(b"of a sample that had other photographs")
    listing = make_sample(folder)
    assert "grass.png" not in listing["uri"].to_pylist()
    assert (folder / "grass.png").exists()


def test_every_photograph_says_its_licence_and_whom_to_credit(tmp_path: Path):
    rows = make_sample(tmp_path / "photographs").to_pylist()
    assert all(row["licence"] and row["author"] for row in rows)
    assert {row["photograph"] for row in rows} == {original.file for original in ORIGINALS}
