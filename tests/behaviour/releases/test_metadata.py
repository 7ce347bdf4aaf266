"""What came with the images and what models answered lies beside the pictures, as `datasets` and trainers read it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import CONTEXT, make_photographs, make_rows
from ruamel.yaml import YAML

from groundglass.errors import RecipeError
from groundglass.releases import release
from groundglass.releases.release import ReleaseFacts, write_release
from groundglass.releases.verify import verify_release
from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.writer import LowResolution, Release

META: dict[str, list[Any]] = {
    "meta.caption": ["a bird", None, "the sea,\nby night"],
    "meta.likes": [3, None, -1],
    "meta.ratio": [1.0, 0.5, float("nan")],
    "meta.tags": [["sea", "sky"], [], None],
    "meta.taken": [date(2024, 2, 1), None, date(2020, 1, 31)],
    "meta.bytes": [b"x", None, b"y"],
}


def released(tmp_path: Path, step: Release | None = None, **columns: list[Any]) -> tuple[Path, ReleaseFacts]:
    """A release of three photographs with these columns."""
    answers = tuple(columns.pop("answers", ()))
    rows = make_rows(make_photographs(tmp_path / "photographs", 3, 48, 36), **columns)
    out = tmp_path / "out"
    facts = write_release(out, rows, step or FolderRelease(), replace(CONTEXT, answers=answers))
    assert verify_release(out) == []
    return out, facts


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def config(out: Path) -> dict[str, Any]:
    """What the card tells `datasets`."""
    return YAML(typ="safe").load((out / "README.md").read_text(encoding="utf-8").split("---\n")[1])[
        "configs"
    ][0]


def test_a_line_a_picture_has_its_file_and_its_columns_with_their_types(tmp_path: Path):
    out, facts = released(tmp_path, **META)
    assert lines(out / "images" / "metadata.jsonl") == [
        {"file_name": "0000.png", "caption": "a bird", "likes": 3, "ratio": 1.0, "tags": ["sea", "sky"]}
        | {"taken": "2024-02-01"},
        {"file_name": "0001.png", "caption": None, "likes": None, "ratio": 0.5, "tags": [], "taken": None},
        {"file_name": "0002.png", "caption": "the sea,\nby night", "likes": -1, "ratio": None, "tags": None}
        | {"taken": "2020-01-31"},
    ]
    manifest = pq.read_table(out / "manifest.parquet")
    assert all(manifest[name].to_pylist() == values for name, values in META.items() if name != "meta.ratio")
    assert manifest["meta.taken"].type == pa.date32()
    assert (out / "scores.csv").read_text().splitlines()[
        0
    ] == "file,split,meta.caption,meta.likes,meta.ratio,detail"
    assert config(out) == {
        "config_name": "default",
        "data_files": [{"split": "train", "path": ["images/*.png", "images/metadata.jsonl"]}],
    }
    assert any("as times" in note and "taken" in note for note in facts.notes)


def test_without_columns_nothing_lies_beside(tmp_path: Path):
    out, facts = released(tmp_path, FolderRelease(metadata="parquet"))
    assert not [*out.rglob("metadata.*"), *out.rglob("images/*.txt")]
    assert config(out)["data_files"] == [{"split": "train", "path": "images/*.png"}]
    assert not [note for note in facts.notes if "metadata" in note]


def test_of_several_splits_each_has_its_own_and_no_folder_is_a_label(tmp_path: Path):
    out, _ = released(
        tmp_path, **{"meta.caption": ["a", "b", "c"], "split": ["train", "validation", "train"]}
    )
    assert lines(out / "train" / "metadata.jsonl") == [
        {"file_name": "0000.png", "caption": "a"},
        {"file_name": "0001.png", "caption": "c"},
    ]
    assert lines(out / "validation" / "metadata.jsonl") == [{"file_name": "0000.png", "caption": "b"}]
    assert config(out) == {
        "config_name": "default",
        "drop_labels": True,
        "data_files": [
            {"split": "train", "path": ["train/*.png", "train/metadata.jsonl"]},
            {"split": "validation", "path": ["validation/*.png", "validation/metadata.jsonl"]},
        ],
    }


def test_where_a_split_has_no_value_it_is_parquet_which_knows_the_type(tmp_path: Path):
    columns = {"meta.caption": ["a", None, "c"], "split": ["train", "validation", "train"]}
    out, facts = released(tmp_path, **columns)
    assert not [*out.rglob("metadata.jsonl")]
    table = pq.read_table(out / "validation" / "metadata.parquet")
    assert table.to_pylist() == [{"file_name": "0000.png", "caption": None}]
    assert table.schema == pq.read_schema(out / "train" / "metadata.parquet")
    assert any(
        note.startswith("metadata.parquet, not metadata.jsonl") and "caption" in note for note in facts.notes
    )


def test_json_lines_that_were_asked_for_are_told_to_be_of_no_use_there(tmp_path: Path):
    columns = {"meta.caption": ["a", None, "c"], "split": ["train", "validation", "train"]}
    out, facts = released(tmp_path, FolderRelease(metadata="jsonl"), **columns)
    assert lines(out / "validation" / "metadata.jsonl") == [{"file_name": "0000.png", "caption": None}]
    assert any("cannot load metadata.jsonl" in note and "`metadata: parquet`" in note for note in facts.notes)


def test_none_and_parquet_do_as_they_say(tmp_path: Path):
    out, _ = released(tmp_path / "none", FolderRelease(metadata="none"), **META)
    assert not [*out.rglob("metadata.*")]
    assert "meta.caption" in pq.read_schema(out / "manifest.parquet").names
    out, _ = released(tmp_path / "parquet", FolderRelease(metadata="parquet"), **META)
    assert pq.read_table(out / "images" / "metadata.parquet")["tags"].to_pylist() == META["meta.tags"]


def test_pairs_name_their_lr_picture_too(tmp_path: Path):
    step = PairedRelease(lr_scales=(2, 4))
    out, _ = released(tmp_path, step, **{"meta.caption": ["a", "b", "c"], "meta.lr_x4": ["x", "y", "z"]})
    assert lines(out / "metadata.jsonl")[1] == {
        "file_name": "hr/0001.png",
        "lr_x2_file_name": "lr_x2/0001.png",
        "lr_x4_file_name": "lr_x4/0001.png",
        "caption": "b",
        "lr_x4_from_source": "y",
    }
    assert config(out)["data_files"] == [{"split": "train", "path": ["hr/*.png", "metadata.jsonl"]}]


def test_lr_of_one_split_only_is_named_in_none(tmp_path: Path):
    step = FolderRelease(validation_lr=LowResolution(scales=(2,)))
    out, _ = released(
        tmp_path, step, **{"meta.caption": ["a", "b", "c"], "split": ["train", "validation", "train"]}
    )
    assert lines(out / "validation" / "metadata.jsonl") == [{"file_name": "hr/0000.png", "caption": "b"}]


def test_names_that_would_clash_are_changed_and_told(tmp_path: Path):
    columns = {
        "meta.file_name": ["x", "y", "z"],
        "meta.image": ["1", "2", "3"],
        "meta.caption": ["a", "b", "c"],
        "caption": ["model a", None, "model c"],
    }
    out, facts = released(tmp_path, answers=["caption", "root.caption"], **columns)
    assert lines(out / "images" / "metadata.jsonl")[0] == {
        "file_name": "0000.png",
        "file_name_from_source": "x",
        "image_from_source": "1",
        "caption": "a",
        "caption_by_model": "model a",
    }
    said = [note for note in facts.notes if "is named" in note]
    assert said == [
        "in metadata.jsonl meta.file_name is named file_name_from_source",
        "in metadata.jsonl meta.image is named image_from_source",
        "in metadata.jsonl caption is named caption_by_model",
    ]


def test_an_answer_of_a_photograph_is_told_of_its_tiles_as_of_itself(tmp_path: Path):
    columns = {"caption": [None, None, "whole"], "root.caption": ["of a tile", "of a tile", None]}
    out, _ = released(
        tmp_path, FolderRelease(captions="root.caption"), answers=["caption", "root.caption"], **columns
    )
    assert [row["caption"] for row in lines(out / "images" / "metadata.jsonl")] == [
        "of a tile",
        "of a tile",
        "whole",
    ]
    assert [(out / f"images/000{n}.txt").read_text() for n in range(3)] == ["of a tile", "of a tile", "whole"]


def test_captions_are_text_files_beside_the_pictures(tmp_path: Path):
    step = FolderRelease(names="keep", captions="meta.caption", archive="zip")
    out, facts = released(tmp_path, step, **META)
    assert {path.name: path.read_bytes().decode() for path in (out / "images").glob("*.txt")} == {
        "p0.txt": "a bird",
        "p2.txt": "the sea,\nby night",
    }
    assert "no text file next to 1 image without meta.caption" in facts.notes
    assert "images/p2.txt" in (out / "SHA256SUMS").read_text()


def test_captions_of_no_column_are_refused(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"no column 'meta\.captoin'") as caught:
        released(tmp_path, FolderRelease(captions="meta.captoin"), **META)
    assert caught.value.hint == "did you mean 'meta.caption'?"
    assert not (tmp_path / "out").exists()


def test_originals_are_told_by_their_own_endings(tmp_path: Path):
    step = FolderRelease(image="original", captions="meta.caption")
    out, _ = released(tmp_path, step, **META, file_format=["PNG"] * 3)
    assert config(out)["data_files"][0]["path"] == ["images/*.png", "images/metadata.jsonl"]


@pytest.mark.parametrize("name", ["0001.png", "metadata.jsonl", "0000.txt"])
def test_what_was_changed_afterwards_is_found(tmp_path: Path, name: str):
    out, _ = released(tmp_path, FolderRelease(captions="meta.caption"), **META)
    path = out / "images" / name
    path.write_bytes(path.read_bytes().replace(b"0002", b"0003") + b" ")
    assert f"images/{name} has changed" in verify_release(out)


def test_metadata_that_names_others_is_found(tmp_path: Path):
    out, _ = released(tmp_path, **META)
    path = out / "images" / "metadata.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert "images/metadata.jsonl does not list the HR images of train" in verify_release(out)


def stopped(monkeypatch: pytest.MonkeyPatch, out: Path, rows: pa.Table, step: Release) -> None:
    """A release that was interrupted when all but the checksums was written."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(release, "write_checksums", stop)
        with pytest.raises(KeyboardInterrupt):
            write_release(out, rows, step, CONTEXT)


def test_a_release_that_was_stopped_comes_out_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole, _ = released(tmp_path / "whole", FolderRelease(captions="meta.caption"), **META)
    paths = make_photographs(tmp_path / "photographs", 3, 48, 36)
    rows, out = make_rows(paths, **META), tmp_path / "out"

    stopped(monkeypatch, out, rows, FolderRelease(captions="meta.caption"))
    assert (out / "images" / "0002.txt").exists()
    write_release(out, rows, FolderRelease(captions="meta.caption"), CONTEXT)
    assert (out / "SHA256SUMS").read_text() == (whole / "SHA256SUMS").read_text()


def test_a_caption_goes_with_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = make_photographs(tmp_path / "photographs", 3, 48, 36)
    rows, out, step = make_rows(paths, **META), tmp_path / "out", FolderRelease(captions="meta.caption")

    stopped(monkeypatch, out, rows, step)
    (out / "images" / "0002.png").unlink()
    paths[2].unlink()
    assert len(write_release(out, rows, step, CONTEXT).failed) == 1
    assert verify_release(out) == []
    assert not (out / "images" / "0002.txt").exists()
    assert len(lines(out / "images" / "metadata.jsonl")) == 2
