"""Releases, file by file: what is where, that it is exact, and what is refused."""

from __future__ import annotations

import csv
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import CONTEXT, make_photographs, make_rows
from PIL import Image
from ruamel.yaml import YAML

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.files.hashes import pixel_hash
from groundglass.image.encode import encode_png
from groundglass.image.resize import resize
from groundglass.releases import write_job
from groundglass.releases.card_notes import MeasureNote, Notes
from groundglass.releases.file_layout import plan_files
from groundglass.releases.release import write_release
from groundglass.releases.verify import verify_release
from groundglass.releases.write_job import Write
from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.writer import LowResolution
from groundglass.tables.step_record import StepRecord

PAIRED = PairedRelease(lr_scales=(2, 4))
LISTS = {
    "README.md",
    "SHA256SUMS",
    "manifest.parquet",
    "meta_info.txt",
    "recipe.lock",
    "recipe.yaml",
    "scores.csv",
}


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def photographs(tmp_path):
    return make_photographs(tmp_path / "in", 3)


def test_one_split_makes_a_folder_of_images(photographs, tmp_path):
    out = tmp_path / "out"
    facts = write_release(out, make_rows(photographs), FolderRelease(), CONTEXT)
    assert files_of(out) == LISTS | {"images/0000.png", "images/0001.png", "images/0002.png"}
    for n, path in enumerate(photographs):
        assert (out / f"images/000{n}.png").read_bytes() == encode_png(np.ascontiguousarray(read(path)))
    assert (out / "meta_info.txt").read_text() == "\n".join(f"000{n}.png (39,50,3)" for n in range(3))
    assert (facts.images, facts.failed, facts.files) == ({"train": 3}, (), 3)
    assert verify_release(out) == []


def test_several_splits_make_a_folder_each_and_validation_gets_its_lr(photographs, tmp_path):
    out = tmp_path / "out"
    rows = make_rows(photographs, split=["train", "validation", "train"])
    low = LowResolution(scales=(2, 4), kernel="box")
    write_release(out, rows, FolderRelease(names="keep", validation_lr=low), CONTEXT)
    pictures = {"train/p0.png", "train/p2.png"}
    pictures |= {f"validation/{kind}/p1.png" for kind in ("hr", "lr_x2", "lr_x4")}
    assert files_of(out) == LISTS | pictures | {"meta_info_validation.txt"}
    assert read(out / "train/p0.png").shape == (39, 50, 3)
    assert read(out / "validation/hr/p1.png").shape == (36, 48, 3)
    assert (out / "meta_info_validation.txt").read_text() == "p1.png (36,48,3)"


@pytest.mark.parametrize("kernel", ["matlab_bicubic", "box", "area", "lanczos"])
def test_lr_is_exactly_the_kernel_of_the_hr_file(photographs, tmp_path, kernel):
    out = tmp_path / "out"
    step = PAIRED.model_copy(update={"kernel": kernel, "lr_scales": (2, 3, 4)})
    write_release(out, make_rows(photographs, ("", "crop(7,3,31,29)")), step, CONTEXT)
    for path in sorted((out / "hr").iterdir()):
        high = read(path)
        assert high.shape[0] % 12 == high.shape[1] % 12 == 0
        for scale in (2, 3, 4):
            low = read(out / f"lr_x{scale}" / path.name)
            expected = resize(
                np.ascontiguousarray(high), high.shape[1] // scale, high.shape[0] // scale, kernel
            )
            np.testing.assert_array_equal(low, expected)


def test_hr_is_the_upper_left_of_its_region(photographs, tmp_path):
    out = tmp_path / "out"
    write_release(out, make_rows(photographs[:1], ("crop(7,3,31,29)",)), PAIRED, CONTEXT)
    np.testing.assert_array_equal(read(out / "hr/0000.png"), read(photographs[0])[3:31, 7:35])


def test_webp_is_lossless_too(photographs, tmp_path):
    out = tmp_path / "out"
    write_release(out, make_rows(photographs), FolderRelease(image="webp"), CONTEXT)
    np.testing.assert_array_equal(read(out / "images/0001.webp"), read(photographs[1]))
    assert verify_release(out) == []


def test_originals_are_copied_and_only_what_was_cut_is_written_anew(tmp_path):
    photo = tmp_path / "photos" / "A b.JPEG"
    photo.parent.mkdir()
    photo.write_bytes(testing.jpeg(testing.photo(50, 39), quality=80))
    rows = make_rows([photo], ("", "crop(8,8,16,16)"), file_format=["JPEG", "JPEG"])
    out = tmp_path / "out"
    facts = write_release(out, rows, FolderRelease(image="original", names="keep"), CONTEXT)
    assert (out / "images/A_b.JPEG").read_bytes() == photo.read_bytes()
    np.testing.assert_array_equal(read(out / "images/A_b_s001.png"), read(photo)[8:24, 8:24])
    assert verify_release(out) == []
    assert facts.files == 2
    assert "byte for byte" in (out / "README.md").read_text()


def test_a_file_is_called_what_it_is(tmp_path):
    photo = tmp_path / "renamed.jpg"
    photo.write_bytes(testing.png(testing.photo(50, 39)))
    rows = make_rows([photo], file_format=["PNG"])
    write_release(tmp_path / "out", rows, FolderRelease(image="original", names="keep"), CONTEXT)
    assert (tmp_path / "out/images/renamed.png").read_bytes() == photo.read_bytes()


def test_the_manifest_knows_every_file(photographs, tmp_path):
    out = tmp_path / "out"
    rows = make_rows(photographs, ("crop(7,3,31,29)",), bytes=[1, 2, 3], format=["PNG"] * 3)
    write_release(out, rows, PAIRED, CONTEXT)
    manifest = pq.read_table(out / "manifest.parquet").to_pylist()
    assert {row["file"] for row in manifest} == files_of(out) - LISTS
    first, low = manifest[0], manifest[1]
    assert (first["file"], first["scale"], first["region"]) == (
        "hr/0000.png",
        1,
        "crop(7,3,31,29)/crop(0,0,28,28)",
    )
    assert (low["file"], low["scale"]) == ("lr_x2/0000.png", 2)
    assert low["region"] == "crop(7,3,31,29)/crop(0,0,28,28)/resize(14x14,matlab_bicubic)"
    assert (first["uri"], first["licence"], first["author"]) == ("p0.png", "CC0-1.0", "A. Tester")
    assert first["pixel_hash"] == pixel_hash(read(out / "hr/0000.png"))
    assert (first["detail"], low["detail"], first["format"]) == (3.0, None, "PNG")
    assert str(tmp_path) not in (out / "manifest.parquet").read_bytes().decode("latin-1")


def test_checksums_are_what_sha256sum_checks(photographs, tmp_path):
    out = tmp_path / "out"
    write_release(out, make_rows(photographs), PAIRED, CONTEXT)
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=out, check=True, capture_output=True).stdout == b""
    listed = {line.split("  ", 1)[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert listed == files_of(out) - {"SHA256SUMS"}


def test_scores_are_sorted_best_first_and_unknown_last(photographs, tmp_path):
    out = tmp_path / "out"
    rows = make_rows(photographs, sharpness=[1.5, None, 2.5])
    write_release(out, rows, FolderRelease(), replace(CONTEXT, ranked_by=("sharpness", "higher")))
    lines = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert [line["file"] for line in lines] == ["images/0002.png", "images/0000.png", "images/0001.png"]
    assert lines[2]["sharpness"] == ""


def test_the_card_has_a_header_that_the_hub_can_read(photographs, tmp_path):
    out = tmp_path / "out"
    funnel = (StepRecord("select-1", "select", "blockiness < 30 | <b>", 5, 3, 2),)
    measures = (MeasureNote("blockiness", 1, "< 30", "Bhardwaj 2018"),)
    rows = make_rows(photographs, licence=["CC0-1.0", "CC-BY-4.0", None])
    step = FolderRelease(allow_unknown_licence=True)
    write_release(out, rows, step, replace(CONTEXT, notes=Notes(funnel, measures)))
    header, body = (out / "README.md").read_text().removeprefix("---\n").split("\n---\n", 1)
    card = YAML(typ="safe").load(header)
    assert (card["license"], card["size_categories"]) == ("other", ["n<1K"])
    for entry in card["configs"][0]["data_files"]:
        assert len(list(out.glob(entry["path"]))) == 3
    assert "| select-1 | select: blockiness < 30".replace("<", "&lt;") in body
    assert "\\| &lt;b>" in body
    assert "| CC-BY-4.0 | 1 |" in body
    assert "| unknown | 1 |" in body
    assert "| blockiness | 1 | &lt; 30 | Bhardwaj 2018 |" in body


@pytest.mark.parametrize("kind", ["zip", "7z"])
def test_an_archive_holds_the_folder_and_is_always_the_same(photographs, tmp_path, kind):
    step = FolderRelease(archive=kind)
    facts = [
        write_release(tmp_path / name / "out", make_rows(photographs), step, CONTEXT) for name in ("a", "b")
    ]
    first, second = (fact.archive for fact in facts)
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()
    unpacked = tmp_path / "unpacked"
    if kind == "zip":
        zipfile.ZipFile(first).extractall(unpacked)
    else:
        py7zr = pytest.importorskip("py7zr", reason="needs the extra 'archive'")
        with py7zr.SevenZipFile(first) as archive:
            archive.extractall(unpacked)
    assert files_of(unpacked / "tiny") == files_of(facts[0].folder)
    assert verify_release(unpacked / "tiny") == []
    for file in files_of(unpacked / "tiny"):
        assert (unpacked / "tiny" / file).read_bytes() == (facts[0].folder / file).read_bytes()


def test_a_photograph_that_fails_is_listed_and_its_name_stays_unused(photographs, tmp_path):
    out = tmp_path / "out"
    paths = [*photographs, *make_photographs(tmp_path / "more", 2)]
    rows = make_rows(
        paths, uri=["a.png", "b.png", "c.png", "d.png", "e.png"], id=list("abcde"), root=list("abcde")
    )
    paths[0].write_bytes(paths[0].read_bytes()[:-60])
    paths[1].unlink()
    facts = write_release(out, rows, PAIRED, CONTEXT)
    assert {(failure.file, failure.reason) for failure in facts.failed} == {
        ("hr/0000.png", "changed"),
        ("hr/0001.png", "vanished"),
    }
    assert {path.name for path in (out / "hr").iterdir()} == {"0002.png", "0003.png", "0004.png"}
    lines = list(csv.DictReader((out / "failed.csv").read_text().splitlines()))
    assert [(line["file"], line["reason"], line["uri"]) for line in lines] == [
        ("hr/0000.png", "changed", "a.png"),
        ("hr/0001.png", "vanished", "b.png"),
    ]
    assert "Not written: 2" in (out / "README.md").read_text()
    assert verify_release(out) == []


def test_a_truncated_photograph_is_an_error_row(photographs, tmp_path):
    photographs[1].write_bytes(photographs[1].read_bytes()[:-1500])
    facts = write_release(tmp_path / "out", make_rows(photographs), FolderRelease(), CONTEXT)
    assert [failure.reason for failure in facts.failed] == ["truncated"]
    assert facts.images == {"train": 2}


def test_a_file_that_does_not_read_back_is_not_released(photographs, tmp_path, monkeypatch):
    """The LR file comes out wrong: neither it nor its HR file stays."""
    out = tmp_path / "out"
    job = Write(out, out / "parts")
    monkeypatch.setattr(
        write_job, "encode_lossless", lambda pixels, _: encode_png(pixels ^ (pixels.shape[0] < 20))
    )
    result = job.one(plan_files(make_rows(photographs), PAIRED)[0])
    assert [(row["file"], row["error"]) for row in result.rows] == [("hr/0000.png", "write_failed")]
    assert files_of(out) == set()


def test_a_picture_smaller_than_its_scales_fails_alone(photographs, tmp_path):
    rows = make_rows(photographs, ("", "crop(0,0,3,3)"))
    facts = write_release(tmp_path / "out", rows, PAIRED, CONTEXT)
    assert {failure.reason for failure in facts.failed} == {"too_small"}
    assert facts.images == {"train": 3}


def test_a_finished_release_is_never_overwritten(photographs, tmp_path):
    out = tmp_path / "out"
    write_release(out, make_rows(photographs), FolderRelease(), CONTEXT)
    before = {file: (out / file).stat().st_mtime_ns for file in files_of(out)}
    with pytest.raises(
        RecipeError, match="contains a finished release; nothing is ever overwritten"
    ) as raised:
        write_release(out, make_rows(photographs), FolderRelease(), CONTEXT)
    assert raised.value.hint
    assert before == {file: (out / file).stat().st_mtime_ns for file in files_of(out)}


def test_a_folder_with_something_else_in_it_is_refused(photographs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(RecipeError, match="is not empty"):
        write_release(tmp_path / "out", make_rows(photographs), FolderRelease(), CONTEXT)
    assert files_of(tmp_path / "out") == {"thesis.tex"}


def test_an_archive_of_another_release_is_never_overwritten(photographs, tmp_path):
    (tmp_path / "out.zip").write_text("mine")
    with pytest.raises(RecipeError, match="already exists"):
        write_release(tmp_path / "out", make_rows(photographs), FolderRelease(archive="zip"), CONTEXT)
    assert (tmp_path / "out.zip").read_text() == "mine"


@pytest.mark.parametrize(
    ("step", "columns", "words"),
    [
        (PairedRelease(lr_scales=(4,), kernel="bicubik"), {}, "'bicubik' is not a kernel"),
        (PairedRelease(lr_scales=(2, 2)), {}, "one occurs twice"),
        (FolderRelease(), {"split": ["../up", "train", "train"]}, "cannot be the name of a split"),
        (FolderRelease(), {"licence": ["CC0-1.0", None, "CC0-1.0"]}, "is unknown"),
        (
            FolderRelease(allow_unknown_licence=True),
            {"licence": ["CC-BY-NC-ND-4.0"] * 3},
            "forbids derivatives",
        ),
        (FolderRelease(), {"id": ["a", "a", "b"]}, "is in the release twice"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(photographs, tmp_path, step, columns, words):
    with pytest.raises(RecipeError, match=words):
        write_release(tmp_path / "out", make_rows(photographs, **columns), step, CONTEXT)
    assert not (tmp_path / "out").exists()


def test_no_rows_are_refused(photographs, tmp_path):
    with pytest.raises(RecipeError, match="no image is left"):
        write_release(tmp_path / "out", make_rows(photographs).slice(0, 0), FolderRelease(), CONTEXT)


def test_awkward_names_of_files_on_disk(tmp_path):
    """The first name is no valid unicode; its uri is whatever the source made of it, its path is bytes."""
    names = ["bad\udcff.png", "--x y.png", "new\nline.png", "Ünïcode.v2.png", "日本 語.png"]
    paths = make_photographs(tmp_path / "in", len(names))
    renamed = [path.rename(path.with_name(name)) for path, name in zip(paths, names, strict=True)]
    out = tmp_path / "out"
    rows = make_rows(renamed, uri=["bad\ufffd.png", *names[1:]], id=list("abcde"), root=list("abcde"))
    facts = write_release(out, rows, PAIRED.model_copy(update={"names": "keep"}), CONTEXT)
    assert facts.failed == ()
    assert {path.stem for path in (out / "hr").iterdir()} == {
        "bad\ufffd",
        "x_y",
        "new_line",
        "Ünïcode_v2",
        "日本_語",
    }
    assert verify_release(out) == []
