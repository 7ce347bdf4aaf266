"""Images from files, bytes and arrays, and their measures: the values of the command, or a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
from flow_tools import groundglass as command
from flow_tools import make_photos
from hypothesis import given, settings
from hypothesis import strategies as st
from test_face import OF_ARRAYS

import groundglass
from groundglass import testing
from groundglass.api.images import check_pixels
from groundglass.catalog import Measure
from groundglass.errors import ImageError, NoValue, RecipeError
from groundglass.image.color_management import luma
from groundglass.measures.catalog import MEASURES

PHOTO = testing.photo(96, 80)
SEVERAL = ["header", "blockiness", "sharpness", "colour"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of all kinds, a flat one, and no file at all."""
    place = tmp_path_factory.mktemp("images")
    make_photos(place / "photos", count=3, size=(96, 80))
    (place / "photos" / "flat.png").write_bytes(testing.png(testing.flat(96, 80)))
    return place


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inline")


def files_of(folder: Path) -> list[str]:
    return [*sorted(map(str, (folder / "photos").iterdir())), str(folder / "no such.png"), str(folder)]


def test_an_image_is_the_same_from_a_path_bytes_and_pixels(folder: Path):
    path = folder / "photos" / "00.png"
    pixels = groundglass.open_image(path).rgb
    for given_as in (path, str(path), path.read_bytes(), pixels, groundglass.open_image(path)):
        image = groundglass.open_image(given_as)
        assert np.array_equal(image.rgb, pixels)
        assert np.array_equal(image.luma, luma(pixels))
        assert (image.width, image.height) == (96, 80)
        assert image.warnings == ()


def test_a_file_has_a_header_and_an_array_has_none():
    coded = testing.jpeg(PHOTO, quality=87)
    header = groundglass.open_image(coded).header
    assert header is not None
    assert (header.format, header.width, header.height) == ("JPEG", 96, 80)
    assert groundglass.open_image(PHOTO).header is None


def test_warnings_name_what_only_the_pixels_show():
    whole = testing.jpeg(PHOTO, quality=87)
    assert "no_end_marker" in groundglass.open_image(whole[:-2]).warnings


def test_an_image_keeps_its_own_pixels():
    array = PHOTO.copy()
    image = groundglass.open_image(array)
    array[:] = 0
    assert np.array_equal(image.rgb, PHOTO)


@pytest.mark.parametrize(("name", "reason"), [("broken.png", "truncated"), ("page.jpg", "not_an_image")])
def test_a_bad_file_raises_its_reason(folder: Path, name: str, reason: str):
    with pytest.raises(ImageError) as said:
        _ = groundglass.open_image(folder / "photos" / name).rgb
    assert said.value.reason == reason
    with pytest.raises(ImageError) as said:
        groundglass.measure(folder / "photos" / name, ["sharpness"])
    assert said.value.reason == reason


def test_a_file_that_is_not_there_raises_its_reason(folder: Path):
    with pytest.raises(ImageError) as said:
        groundglass.open_image(folder / "no such.png")
    assert said.value.reason == "vanished"
    assert str(said.value) == f"vanished: {folder / 'no such.png'}: No such file or directory"


@pytest.mark.parametrize(
    ("array", "what_to_do"),
    [
        (PHOTO / 255.0, "array * 255"),
        (PHOTO.astype(np.uint16) * 257, "array / 257"),
        (PHOTO > 100, "astype(np.uint8) * 255"),
        (np.dstack([PHOTO, PHOTO[:, :, :1]]), "array[:, :, :3]"),
        (PHOTO[:, :, :1], "array[:, :, 0]"),
        (PHOTO.transpose(2, 0, 1), "array.transpose(1, 2, 0)"),
        (PHOTO[None], "array[0]"),
        (PHOTO[:0], "no pixels"),
        (PHOTO[0, 0], "the first axis is the height"),
    ],
)
def test_an_array_that_is_not_pixels_says_how_to_convert_it(array: np.ndarray, what_to_do: str):
    with pytest.raises(RecipeError) as said:
        groundglass.open_image(array)
    assert what_to_do in said.value.hint
    assert said.value.__notes__ == [f"→ {said.value.hint}"], "a notebook shows the hint under the message"


@pytest.mark.parametrize("value", [None, 3, [[1, 2], [3, 4]], Path])
def test_what_is_not_an_image_is_refused(value: object):
    with pytest.raises(RecipeError, match="is not an image"):
        groundglass.open_image(value)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_grey_pixels_are_three_equal_channels_and_their_own_luma(width: int, height: int, seed: int):
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    image = groundglass.open_image(grey)
    assert np.array_equal(image.luma, grey)
    assert np.array_equal(image.rgb, np.dstack([grey] * 3))
    assert check_pixels(grey) is grey


def test_a_region_is_measured_as_a_tile_of_a_run_is():
    coded = groundglass.open_image(testing.jpeg(testing.photo(160, 160), quality=50))
    on_its_grid = groundglass.measure(coded.at("crop(3,5,96,96)"), "blockiness")["blockiness"]
    as_an_array = groundglass.measure(coded.rgb[5:101, 3:99], "blockiness")["blockiness"]
    assert as_an_array < on_its_grid / 2


def test_a_notebook_shows_an_image_and_not_a_broken_one(folder: Path):
    shown = groundglass.open_image(testing.photo(900, 600))._repr_png_()
    assert shown is not None
    assert groundglass.open_image(shown).rgb.shape == (341, 512, 3)
    assert groundglass.open_image(folder / "photos" / "broken.png")._repr_png_() is None


@pytest.mark.parametrize("measure", OF_ARRAYS.values(), ids=lambda measure: measure.name)
def test_an_array_measures_as_the_png_that_holds_it(measure: Measure):
    photo = testing.photo(256, 224)
    of_array = getattr(groundglass, measure.name)(photo)
    assert list(of_array) == list(measure.columns)
    assert of_array == groundglass.measure(testing.png(photo), [measure.name])


def test_measure_gives_the_values_of_the_command(folder: Path):
    path = str(folder / "photos" / "blocky.jpg")
    (row,) = json.loads(command(folder, "measure", ",".join(SEVERAL), path, "--json").stdout)
    found = groundglass.measure(path, SEVERAL)
    assert found == {name: row[name] for name in found}
    assert list(found) == [name for name in row if name not in ("uri", "warning", "error")]


def test_measure_files_gives_the_rows_of_the_command(folder: Path):
    said = command(folder, "measure", ",".join(SEVERAL), *files_of(folder), "--json")
    table = groundglass.measure_files(files_of(folder), SEVERAL)
    assert table.to_pylist() == json.loads(said.stdout)
    assert table.column_names[0] == "uri"
    assert table.column_names[-1] == "error"
    assert table["error"].null_count == 6


def test_measure_files_opens_in_pandas_and_polars(folder: Path):
    table = groundglass.measure_files(files_of(folder), "sharpness")
    assert table.to_pandas()["tenengrad"].count() == 7
    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    assert frame["tenengrad"].null_count() == table.num_rows - 7
    assert isinstance(table.to_pandas(), pandas.DataFrame)


def test_measure_files_takes_one_path_a_glob_and_none(folder: Path):
    one = groundglass.measure_files(folder / "photos" / "00.png", "noise")
    assert one.num_rows == 1
    assert groundglass.measure_files(str(folder / "photos" / "00.png"), "noise") == one
    assert groundglass.measure_files((folder / "photos").glob("0*.png"), "noise").num_rows == 3
    none = groundglass.measure_files([], "noise")
    assert none.num_rows == 0
    assert none.schema == one.schema


def test_settings_go_to_the_measure_that_has_them(folder: Path):
    path = str(folder / "photos" / "00.png")
    said = command(folder, "measure", "blockiness,sharpness", path, "--set", "flat_below=100", "--json")
    found = groundglass.measure(path, ["blockiness", "sharpness"], flat_below=100)
    assert found == {name: json.loads(said.stdout)[0][name] for name in found}
    assert groundglass.measure(path, ["blockiness", {"sharpness": {"flat_below": 100}}]) == found
    assert groundglass.measure(path, {"blockiness": {}, "sharpness": {"flat_below": np.int64(100)}}) == found
    (row,) = groundglass.measure_files([path], ["blockiness", "sharpness"], flat_below=100).to_pylist()
    assert found == {name: row[name] for name in found}


@pytest.mark.parametrize(
    ("measures", "given_settings", "said"),
    [
        (["blokiness"], {}, "there is no measure 'blokiness'. Did you mean 'blockiness'?"),
        (["sharpness"], {"flat_bellow": 1}, "has a setting 'flat_bellow'. Did you mean 'flat_below'?"),
        (["sharpness"], {"flat_below": -1}, "must be at least 0"),
        (["sharpness"], {"flat_below": "much"}, "must be a number"),
        ([{"sharpness": {"tolerance": 1}}], {}, "sharpness has no setting 'tolerance'"),
        (["tags", "classify"], {"labels": "a,b"}, "'labels' is a setting of tags and classify"),
        (["sharpness", {"sharpness": {"flat_below": 1}}], {}, "asked for twice"),
        ([], {}, "no measure is asked for"),
        ([3], {}, "3 is not a measure"),
        (["alignment"], {}, "a text that came with it"),
    ],
)
def test_a_wrong_measure_or_setting_says_what_is_meant(measures: list, given_settings: dict, said: str):
    for ask in (
        lambda: groundglass.measure(PHOTO, measures, **given_settings),
        lambda: groundglass.measure_files(["a.png"], measures, **given_settings),
    ):
        with pytest.raises(RecipeError) as error:
            ask()
        assert said in error.value.message


def test_the_device_goes_to_every_network():
    from groundglass.runs.asked_measures import _owners

    measures = {name: MEASURES[name] for name in ("hyperiqa", "tags", "sharpness")}
    owners = _owners(measures, {name: {} for name in measures}, "device")
    assert [measure.name for measure in owners] == ["hyperiqa", "tags"]


def test_an_array_has_no_header_to_measure():
    with pytest.raises(RecipeError, match="an array of pixels has none") as said:
        groundglass.measure(PHOTO, ["sharpness", "header"])
    assert "path or the bytes" in said.value.hint


@pytest.mark.parametrize(
    ("image", "reason"), [(testing.flat(96, 80), "flat"), (testing.photo(20, 20), "too_small")]
)
def test_a_measure_without_a_value_raises_which_and_why(image: np.ndarray, reason: str):
    with pytest.raises(NoValue) as said:
        groundglass.measure(image, ["sharpness", "blockiness"])
    assert said.value.reason == reason
    assert "blockiness" in str(said.value)
    assert isinstance(said.value, ImageError)


def test_a_measure_that_fails_says_so_and_keeps_its_cause(monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    def broken(frame: object) -> dict:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(MEASURES, "noise", replace(MEASURES["noise"], compute=broken))
    with pytest.raises(ImageError, match="measure_failed: noise: ZeroDivisionError: by nothing") as said:
        groundglass.noise(PHOTO)
    assert isinstance(said.value.__cause__, ZeroDivisionError)


@settings(max_examples=20)
@given(st.integers(36, 60), st.integers(36, 60), st.integers(0, 99))
def test_equal_pixels_have_equal_values(width: int, height: int, seed: int):
    photo = testing.photo(width, height, seed)
    coded = testing.png(photo)
    assert groundglass.sharpness(photo) == groundglass.sharpness(coded)
    assert groundglass.pixels(photo) == groundglass.pixels(coded)
