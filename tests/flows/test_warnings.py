"""What is odd about a file that can be used all the same reaches everyone who could want to know."""

from __future__ import annotations

import html
import io
import json
from pathlib import Path

import pytest
from flow_tools import groundglass
from PIL import Image

from groundglass import testing
from groundglass.image.header import WARNINGS
from shared_data import shared

RECIPE = """name: odd
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [header]
  - select: {where: "%s"}
  - release: {format: folder, image: png}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "plain.png").write_bytes(testing.png(testing.photo(64, 48, 1)))
    (photos / "tail.jpg").write_bytes(testing.jpeg(testing.photo(64, 48, 2), quality=90) + b"something else")
    frames = [Image.fromarray(testing.photo(64, 48, seed)) for seed in (3, 4)]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    (photos / "moving.gif").write_bytes(moving.getvalue())
    return tmp_path


def run(folder: Path, where: str = "width > 8") -> dict[str, object]:
    (folder / "odd.yaml").write_text(RECIPE % where)
    return json.loads(groundglass(folder, "run", "odd.yaml", "--json").stdout)


def test_a_warning_is_told_by_the_step_the_report_and_the_card(folder: Path) -> None:
    source = run(folder)["steps"][0]
    assert source["notes"] == ["2 photos with a warning: animated 1, trailing_bytes 1"]
    report = html.unescape((folder / "runs/odd/0001/report/index.html").read_text())
    card = (folder / "runs/odd/0001/release/README.md").read_text()
    for word in ("animated", "trailing_bytes"):
        assert f"<h3>{word} <" in report
        assert WARNINGS[word] in report
        assert f"| {word} | {WARNINGS[word]} | 1 |" in card


def test_why_names_the_warning_and_what_it_means(folder: Path) -> None:
    run(folder)
    told = " ".join(groundglass(folder, "why", "odd", "tail.jpg").stdout.split())
    assert f"warning trailing_bytes: {WARNINGS['trailing_bytes']}" in told
    story = json.loads(groundglass(folder, "why", "odd", "tail.jpg", "--json").stdout)
    assert story["facts"]["warning"] == "trailing_bytes"
    assert "warning" not in groundglass(folder, "why", "odd", "plain.png").stdout


def test_measure_tells_the_warning(folder: Path) -> None:
    files = [str(path) for path in sorted((folder / "photos").iterdir())]
    rows = json.loads(groundglass(folder, "measure", "header", *files, "--json").stdout)
    assert [row["warning"] for row in rows] == ["animated", None, "trailing_bytes"]
    assert all(row["error"] is None for row in rows)
    assert "  warning " in groundglass(folder, "measure", "header", files[0]).stdout
    assert "  warning " not in groundglass(folder, "measure", "header", files[1]).stdout


def test_a_selection_can_name_the_warning(folder: Path) -> None:
    steps = run(folder, "warning is null or warning not like '%animated%'")["steps"]
    assert [(step["kind"], step["out"]) for step in steps][2] == ("select", 2)


def test_a_card_without_odd_files_has_no_table_of_them(folder: Path) -> None:
    run(folder, "warning is null")
    assert "Warnings about" not in (folder / "runs/odd/0001/release/README.md").read_text()


def test_the_scan_tells_what_decoding_would(tmp_path: Path) -> None:
    """The column holds every word, also those that need the pixels; the word is there before a measure has run."""
    import numpy as np

    photo = testing.photo(64, 48, 5)
    grey = photo[..., 0].astype(np.float32) / 255
    (tmp_path / "photos").mkdir()
    grey[0, 0] = 1.02
    Image.fromarray(grey).save(tmp_path / "photos/float.tif")
    whole = testing.jpeg(photo, quality=90)
    (tmp_path / "photos/filled.jpg").write_bytes(whole[:-2] + b"\0" * 500 + whole[-2:])
    Image.fromarray(photo).convert("CMYK").save(tmp_path / "photos/inks.jpg")
    Image.fromarray(np.dstack([photo, photo[..., :1]])).save(tmp_path / "photos/glass.png")
    Image.fromarray(photo[..., 0].astype(np.uint16) * 257).save(tmp_path / "photos/deep.png")
    run(tmp_path)
    found = {
        name: json.loads(groundglass(tmp_path, "why", "odd", name, "--json").stdout)["facts"]["warning"]
        for name in ("float.tif", "filled.jpg", "inks.jpg", "glass.png", "deep.png")
    }
    assert found == {
        "float.tif": "rounded_to_8_bits; range_guessed; clipped",
        "filled.jpg": "padded_scan",
        "inks.jpg": "cmyk_without_profile",
        "glass.png": "alpha_on_white",
        "deep.png": "rounded_to_8_bits",
    }


def test_no_file_of_the_torture_set_has_a_warning_that_only_decoding_tells() -> None:
    from groundglass.errors import ImageError
    from groundglass.image.decode import all_warnings
    from groundglass.image.frame import open_frame

    for path in sorted(path for path in shared("torture").rglob("*") if path.is_file()):
        try:
            frame = open_frame(path)
            _ = frame.rgb
        except ImageError:
            continue
        assert set(frame.warnings) <= set(all_warnings(frame.data, frame.header)), path
