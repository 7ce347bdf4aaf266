"""`verify_release` finds what was done to a finished release."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import CONTEXT, make_photographs, make_rows

from groundglass.releases.manifest import write_checksums
from groundglass.releases.release import write_release
from groundglass.releases.verify import verify_release
from groundglass.releases.writers.paired import PairedRelease


@pytest.fixture
def release(tmp_path):
    rows = make_rows(make_photographs(tmp_path / "in", 3), split=["train", "train", "validation"])
    write_release(tmp_path / "out", rows, PairedRelease(lr_scales=(4,)), CONTEXT)
    assert verify_release(tmp_path / "out") == []
    return tmp_path / "out"


def test_a_changed_file(release):
    (release / "README.md").write_text("other")
    assert verify_release(release) == ["README.md has changed"]


def test_a_missing_and_a_strange_file(release):
    (release / "train/hr/0000.png").rename(release / "train/hr/9999.png")
    assert verify_release(release) == [
        "train/hr/0000.png is missing",
        "train/hr/9999.png is not in SHA256SUMS",
    ]


def test_no_manifest(release):
    (release / "manifest.parquet").unlink()
    assert verify_release(release) == ["manifest.parquet is missing"]


def test_no_folder(tmp_path):
    assert verify_release(tmp_path / "nowhere") != []


def change(release, **columns):
    """Rewrite the manifest with other columns, and the checksums over it."""
    manifest = pq.read_table(release / "manifest.parquet")
    for name, values in columns.items():
        at = manifest.column_names.index(name)
        manifest = manifest.set_column(
            at, name, pa.array(values(manifest[name].to_pylist()), manifest[name].type)
        )
    pq.write_table(manifest, release / "manifest.parquet")
    write_checksums(manifest, release)


def test_a_photograph_on_both_sides(release):
    change(release, root=lambda roots: ["r"] * len(roots))
    assert verify_release(release) == ["photo r is in train and validation"]


def test_an_lr_picture_of_the_wrong_size(release):
    change(release, width=lambda widths: [width + (width == 12) for width in widths])
    assert "train/lr_x4/0000.png is not train/hr/0000.png / 4" in verify_release(release)


def test_a_meta_info_with_an_empty_last_line(release):
    path = release / "meta_info.txt"
    path.write_text(path.read_text() + "\n")
    change(release)
    assert verify_release(release) == ["meta_info.txt does not list the HR images of train"]
