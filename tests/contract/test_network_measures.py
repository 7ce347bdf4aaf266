"""What must be true of the values of measures that ask a network, each on a tiny one with random weights.

What is true of their records stands in `test_measures`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import tiny_networks
from groundglass import testing
from groundglass.catalog import Value
from groundglass.errors import NoValue
from groundglass.image.frame import open_frame
from groundglass.measures.catalog import find
from groundglass.models.loaded import answer

NAMES = list(tiny_networks.MAKERS)
PICTURES = {
    "photo": testing.png(testing.photo(300, 260)),
    "grey": testing.png(testing.photo(120, 90)[..., 0]),
    "jpeg": testing.jpeg(testing.photo(120, 90), 30),
    "noise": testing.png(testing.noise(241, 251)),
    "flat": testing.png(testing.flat(64, 64)),
    "pixel": testing.png(testing.flat(1, 1)),
    "line": testing.png(testing.photo(333, 1)),
    "column": testing.png(testing.photo(1, 47)),
}


def values(name: str, data: bytes) -> dict[str, Value]:
    try:
        return dict(tiny_networks.take(find(name), open_frame(data)))
    except NoValue:
        return dict.fromkeys(tiny_networks.asked(name).definition.columns)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("name", NAMES)
def test_columns_are_there_of_their_kind_and_in_range(name: str, picture: str):
    found = values(name, PICTURES[picture])
    columns = tiny_networks.asked(name).definition.columns
    assert found.keys() == columns.keys() >= find(name).columns.keys()
    for key, value in found.items():
        column = columns[key]
        if value is None:
            continue
        assert type(value) is column.kind, key
        if isinstance(value, float):
            assert np.isfinite(value), key
            assert column.low is None or value >= column.low, key
            assert column.high is None or value <= column.high, key


@pytest.mark.parametrize("name", NAMES)
def test_pictures_differ_and_the_same_one_gives_the_same(name: str):
    """A network that is not asked would give every picture one answer."""
    answers = [values(name, data) for data in (PICTURES["photo"], PICTURES["noise"], PICTURES["flat"])]
    assert all(before != after for before, after in pairwise(answers))
    assert values(name, PICTURES["photo"]) == answers[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_untouched(name: str):
    frame = open_frame(PICTURES["photo"])
    before = frame.rgb.copy()
    tiny_networks.take(find(name), frame)
    assert np.array_equal(frame.rgb, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_each_picture_what_it_gives_alone(name: str):
    network = tiny_networks.network_of(name)
    frames = [open_frame(testing.png(testing.photo(96, 96, seed))) for seed in range(5)]
    together = network.answers([network.scorer.prepare(frame) for frame in frames])
    for frame, found in zip(frames, together, strict=True):
        assert not isinstance(found, Exception), found
        alone = answer(network, frame)
        numbers = {key: value for key, value in alone.items() if isinstance(value, float)}
        assert {key: found[key] for key in numbers} == pytest.approx(numbers, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_librarys_call_says_the_same_and_defaults_are_those_of_the_record(name: str):
    measure, told = find(name), tiny_networks.told(name)
    frame = open_frame(PICTURES["photo"])
    spelt_out = {key: parameter.default for key, parameter in measure.parameters.items()}
    assert measure.compute(frame, **spelt_out | dict(told)) == measure.compute(frame, **told)
    assert measure.compute(frame, **told) == tiny_networks.take(measure, frame)


@pytest.mark.parametrize("name", NAMES)
def test_where_weights_lie_is_no_part_of_the_key(name: str, tmp_path_factory: pytest.TempPathFactory):
    tiny_networks.told(name)
    again = tiny_networks.MAKERS[name](tmp_path_factory.mktemp(name))
    assert tiny_networks.key_of(name, again) == tiny_networks.asked(name).key
