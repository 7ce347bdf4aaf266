"""What must be true of every format that a release can be written in."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from groundglass.engines.shards import Settings
from groundglass.releases.release import write_release
from groundglass.releases.verify import verify_release
from groundglass.releases.writers.catalog import FORMATS
from groundglass.releases.writers.writer import Release

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "behaviour" / "releases"))
from making import CONTEXT, make_photographs, make_rows
from members import written

NAMES = {str(release.model_fields["format"].default): release for release in FORMATS}
every = pytest.mark.parametrize("name", NAMES)


def example(name: str) -> Release:
    release = written("release", NAMES[name].example)
    assert isinstance(release, NAMES[name])
    return release


@every
def test_its_record_says_what_it_means(name: str) -> None:
    release = example(name)
    assert release.format == name
    assert name in release.label()
    assert release.summary().endswith(".")
    assert release.reference
    assert all(field.description for field in NAMES[name].model_fields.values())


@every
def test_a_release_is_whole_and_the_same_whoever_writes_it(name: str, tmp_path: Path) -> None:
    photographs = make_photographs(tmp_path / "photographs", 5)
    splits = ["train", "train", "validation", "test", "train"]
    rows = make_rows(photographs, split=splits, file_format=["PNG"] * 5)
    sums = set()
    for workers in (1, 2):
        folder = tmp_path / f"by-{workers}"
        write_release(
            folder, rows, example(name), replace(CONTEXT, settings=Settings(workers=workers, shard=1))
        )
        assert verify_release(folder) == []
        sums.add((folder / "SHA256SUMS").read_text())
    assert len(sums) == 1
