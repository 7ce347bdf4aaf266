"""What must be true of every measure in the catalog."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.catalog import NETWORK_PARAMETERS, Measure, Value
from groundglass.errors import NoValue, RecipeError
from groundglass.extras import MODULES
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.catalog import MEASURES, find
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.models.weights import parse_hub

PLAIN = {name: measure for name, measure in MEASURES.items() if measure.network is None}
EVERY = [pytest.param(measure, id=name) for name, measure in PLAIN.items()]
NETWORKS = [pytest.param(measure, id=name) for name, measure in MEASURES.items() if measure.network]
"""What is true of their values is tested beside each of them, on networks made for it."""
HIDDEN = pytest.param(THUMBNAIL, id="thumbnail")
Values = Mapping[str, Value]


@cache
def pictures() -> dict[str, bytes]:
    """All kinds of pictures, small ones."""
    photo = testing.photo(300, 260)
    return {
        "photo": testing.png(photo),
        "grey": testing.png(photo[..., 0]),
        "jpeg": testing.jpeg(photo, 75),
        "coarse": testing.jpeg(photo, 5, subsampling=0),
        "progressive": testing.jpeg(photo, 90, progressive=True),
        "noise": testing.png(testing.noise(241, 251)),
        "flat": testing.png(testing.flat(64, 64)),
        "gradient": testing.png(testing.gradient(100, 70)),
        "pixel": testing.png(testing.flat(1, 1)),
        "line": testing.png(testing.photo(333, 1)),
        "column": testing.png(testing.photo(1, 47)),
        "alpha": testing.png(np.dstack([photo, photo[..., 0]])),
    }


def values_of(measure: Measure, frame: Frame) -> Values:
    """The values, or none of them where there is none."""
    try:
        return measure.compute(frame)
    except NoValue:
        return dict.fromkeys(measure.columns)


@pytest.mark.parametrize("measure", [*EVERY, *NETWORKS, HIDDEN])
def test_record_is_complete(measure: Measure):
    text = measure.compute.__doc__ or ""
    assert measure.version >= 1
    assert measure.reference
    assert measure.summary.endswith(".")
    assert ">>>" in text, "an example"
    for column in measure.columns.values():
        assert column.meaning
        assert column.low is None or column.high is None or column.low < column.high
    for parameter in measure.parameters.values():
        assert parameter.meaning


def test_names_are_the_keys_and_columns_belong_to_one_measure():
    assert [measure.name for measure in MEASURES.values()] == list(MEASURES)
    columns = [column for measure in MEASURES.values() for column in measure.columns]
    assert len(columns) == len(set(columns))


def test_defaults_are_those_of_the_function():
    frame = open_frame(testing.png(testing.photo(192, 192)))
    for measure in PLAIN.values():
        spelt_out = {name: parameter.default for name, parameter in measure.parameters.items()}
        if not measure.of_pairs:
            assert measure.compute(frame, **spelt_out) == measure.compute(frame)


@pytest.mark.parametrize("picture", pictures())
@pytest.mark.parametrize("measure", [*EVERY, HIDDEN])
def test_columns_are_there_and_in_range(measure: Measure, picture: str):
    check_values(measure, values_of(measure, open_frame(pictures()[picture])))


def check_values(measure: Measure, values: Values) -> None:
    """Exactly the columns of the record, of their kind, finite and in range."""
    assert values.keys() == measure.columns.keys()
    for name, value in values.items():
        column = measure.columns[name]
        if value is None:
            continue
        assert type(value) is column.kind, name
        if isinstance(value, (int, float)):
            assert np.isfinite(value), name
            assert column.low is None or value >= column.low, name
            assert column.high is None or value <= column.high, name


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 9),
    levels=st.sampled_from([1, 2, 256]),
)
def test_any_size_and_content(width: int, height: int, seed: int, levels: int):
    rgb = np.random.default_rng(seed).integers(0, levels, (height, width, 3), dtype=np.uint8)
    frame = open_frame(testing.png(rgb))
    for measure in PLAIN.values():
        check_values(measure, values_of(measure, frame))


@pytest.mark.parametrize("measure", [*EVERY, HIDDEN])
def test_input_is_untouched_and_the_result_always_the_same(measure: Measure):
    data = testing.jpeg(testing.photo(120, 90), 80)
    frame = open_frame(data)
    before = [plane.copy() for plane in (frame.rgb, frame.luma, frame.grid_luma)]
    first = values_of(measure, frame)
    for plane, copy in zip((frame.rgb, frame.luma, frame.grid_luma), before, strict=True):
        assert np.array_equal(plane, copy)
    assert frame.data == data
    assert values_of(measure, frame) == first == values_of(measure, open_frame(data))


@pytest.mark.parametrize("measure", EVERY)
def test_what_was_measured_before_changes_nothing(measure: Measure):
    data = testing.jpeg(testing.photo(120, 90), 80)
    crowded = open_frame(data)
    for other in PLAIN.values():
        values_of(other, crowded)
    assert values_of(measure, crowded) == values_of(measure, open_frame(data))


def same(before: Values, after: Values) -> None:
    assert after == pytest.approx(before, rel=1e-9)


def same_but_for_the_file(before: Values, after: Values) -> None:
    of_the_file = {"bytes", "bits_per_pixel"}
    assert {k: v for k, v in after.items() if k not in of_the_file} == {
        k: v for k, v in before.items() if k not in of_the_file
    }


def nearly_the_same(before: Values, after: Values) -> None:
    """The grid falls on itself; but the blocks left out at the left and the right are others."""
    assert after["blockiness"] == pytest.approx(before["blockiness"], rel=0.1)


def nearly_as_well_compressed(before: Values, after: Values) -> None:
    """A JPEG codes the blocks in another order."""
    assert after["compression_ratio"] == pytest.approx(before["compression_ratio"], rel=0.02)
    same({**before, "compression_ratio": 0}, {**after, "compression_ratio": 0})


def nearly_as_large(before: Values, after: Values) -> None:
    """Each sample is foretold from its left neighbour, which is another one now."""
    assert after["encoded_bytes"] == pytest.approx(before["encoded_bytes"], rel=0.02)


def sides_change_places(before: Values, after: Values) -> None:
    same({**before, "border_left": before["border_right"], "border_right": before["border_left"]}, after)


def hashes_change_places(before: Values, after: Values) -> None:
    assert (after["phash"], after["phash_mirror"]) == (before["phash_mirror"], before["phash"])
    rows = [str(before["phash_detail"])[start : start + 16] for start in range(0, 256, 16)]
    assert after["phash_detail"] == "".join(row[::-1] for row in rows)


def another_hash(before: Values, after: Values) -> None:
    assert before["pixels_sha256"] != after["pixels_sha256"]


def same_regions(before: Values, after: Values) -> None:
    """Minima just at the limit fall to either side, as the reduction rounds."""
    assert after["objects_fast"] == pytest.approx(before["objects_fast"], rel=0.03)


def same_drawing(before: Values, after: Values) -> None:
    """Steps are taken to the right, and the last column is left out; the edges of lines are rounded."""
    assert after == pytest.approx(before, abs=0.005)


def as_resolved(before: Values, after: Values) -> None:
    """Blocks begin elsewhere."""
    assert after["resolution_state"] == before["resolution_state"]
    assert after["upscaled_score"] == pytest.approx(before["upscaled_score"], abs=0.1)


def no_leak(before: Values, after: Values) -> None:
    assert set(before.values()) == set(after.values()) == {None}


def as_natural(before: Values, after: Values) -> None:
    """Sums of single precision are taken in another order."""
    assert after == pytest.approx(before, rel=1e-4)


FLIPPED: dict[str, Callable[[Values, Values], Any]] = {
    "header": same_but_for_the_file,
    "blockiness": nearly_the_same,
    "complexity": nearly_as_well_compressed,
    "borders": sides_change_places,
    "encoded_bytes": nearly_as_large,
    "fingerprint": hashes_change_places,
    "pixels": another_hash,
    "leaks": no_leak,
    "objects_fast": same_regions,
    "resolution": as_resolved,
    "naturalness": as_natural,
    "text_and_graphics": same_drawing,
}
"""What a flip from left to right changes, on a picture of whole patches and blocks; all other measures stay."""


@pytest.mark.parametrize("measure", EVERY)
def test_flips(measure: Measure):
    coarse = open_frame(testing.jpeg(testing.photo(480, 240, seed=3), 60)).rgb
    before, after = (open_frame(testing.png(rgb)) for rgb in (coarse, np.ascontiguousarray(coarse[:, ::-1])))
    if measure.of_pairs:
        pytest.skip("there is no pair: behaviour/measures/test_measure_pair.py flips some")
    FLIPPED.get(measure.name, same)(measure.compute(before), measure.compute(after))


def test_only_measures_that_a_flip_changes_are_listed():
    assert FLIPPED.keys() <= PLAIN.keys()
    assert same not in FLIPPED.values()


@pytest.mark.parametrize("measure", NETWORKS)
def test_a_loader_takes_what_a_recipe_may_say(measure: Measure):
    assert measure.network is not None
    taken = list(inspect.signature(measure.network.load).parameters.values())[2:]
    own = {name: known for name, known in measure.parameters.items() if name not in NETWORK_PARAMETERS}
    assert {one.name for one in taken} <= own.keys()
    for one in taken:
        assert one.default in (inspect.Parameter.empty, own[one.name].default), one.name


@pytest.mark.parametrize("measure", NETWORKS)
def test_a_network_measure_says_which_extra_it_needs_and_what_it_loads(measure: Measure):
    assert measure.network is not None
    assert measure.extra in MODULES or not measure.network.weights
    assert parse_hub(measure.network.weights) or measure.network.weights == ""
    assert measure.needs == "pixels"


def test_importing_the_catalog_is_light():
    code = "import sys, groundglass.measures.catalog, groundglass.measures.measure_job; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numba", "cv2", "scipy", "PIL", "simplejpeg", "torch", "transformers"} & set(loaded)


def test_unknown_name():
    with pytest.raises(RecipeError, match="Did you mean 'sharpness'") as caught:
        find("sharpnes")
    assert caught.value.hint == "groundglass measures"
