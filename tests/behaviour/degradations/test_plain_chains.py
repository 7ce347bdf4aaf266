"""A chain as plain data and back: nothing is lost, and what has no meaning is refused at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.degradations.chains import (
    Chain,
    Choose,
    Maybe,
    OneOf,
    Poisson,
    ResizeBy,
    Step,
    Uniform,
    Whole,
)
from groundglass.degradations.plain_chains import ChainError, plain_chain, read_chain, resizes
from groundglass.degradations.presets import PRESETS

sigmas = st.one_of(
    st.floats(0.1, 4),
    st.tuples(st.floats(0.1, 2), st.floats(2, 4)).map(lambda ends: Uniform(*ends)),
    st.just(OneOf((1.0, Uniform(2.0, 3.0)), (1.0, 3.0))),
)
qualities = st.one_of(
    st.integers(5, 95),
    st.just(Whole(30, 95)),
    st.just(Whole(30, 90, 10)),
    st.just(OneOf((40, 90))),
)
plain_steps = st.one_of(
    sigmas.map(lambda sigma: Step("gaussian_blur", {"sigma": sigma})),
    qualities.map(lambda quality: Step("jpeg", {"quality": quality})),
    st.just(Step("mirror", {})),
    st.builds(
        ResizeBy,
        sigmas,
        st.sampled_from(["area", OneOf(("area", "bicubic"))]),
        st.sampled_from(["photo", "current"]),
    ),
    st.builds(Poisson, sigmas, st.sampled_from([False, True, OneOf((False, True), (0.6, 0.4))])),
)
parts = st.recursive(
    plain_steps,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: Chain(tuple(found))),
        st.builds(Maybe, st.floats(0, 1), inner),
        st.lists(st.one_of(inner, st.none()), min_size=1, max_size=3).map(lambda found: Choose(tuple(found))),
        st.tuples(inner, inner).map(lambda pair: Choose(pair, (0.25, 0.75))),
    ),
    max_leaves=8,
)


@given(st.lists(parts, min_size=1, max_size=4))
def test_a_chain_survives_json(found: list[Any]):
    chain = Chain(tuple(found))
    assert read_chain(json.loads(json.dumps(plain_chain(chain)))) == chain


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str):
    chain = PRESETS[name].chain
    assert read_chain(json.loads(json.dumps(plain_chain(chain)))) == chain
    assert resizes(chain) or PRESETS[name].scale == 1


WRONG: dict[str, tuple[Any, tuple[str | int, ...]]] = {
    "nothing": ([], ()),
    "a mapping": ({"jpeg": {}}, ()),
    "a misspelt name": (["jpg"], (0, "jpg")),
    "a misspelt setting": ([{"jpeg": {"qualty": 3}}], (0, "jpeg", "qualty")),
    "a value out of range": (["mirror", {"jpeg": {"quality": 400}}], (1, "jpeg")),
    "a range upside down": ([{"jpeg": {"quality": [90, 30]}}], (0, "jpeg", "quality")),
    "three numbers": ([{"jpeg": {"quality": [1, 2, 3]}}], (0, "jpeg", "quality")),
    "two steps in one": ([{"jpeg": {}, "webp": {}}], (0, "webp")),
    "a probability of 2": ([{"maybe": 2, "do": "jpeg"}], (0, "maybe")),
    "maybe what?": ([{"maybe": 0.5}], (0,)),
    "a choice of nothing": ([{"choose": []}], (0, "choose")),
    "too few weights": ([{"choose": ["jpeg", "webp"], "weights": [1]}], (0, "choose")),
    "deep inside": (
        [{"maybe": 0.5, "do": [{"choose": ["jpeg", {"webp": {"kwality": 1}}]}]}],
        (0, "do", 0, "choose", 1, "webp", "kwality"),
    ),
    "a resize without a kernel": ([{"resize_by": {"factor": 0.5}}], (0, "resize_by")),
    "a number in place of a step": ([7], (0,)),
    "text in place of settings": ([{"jpeg": "60"}], (0, "jpeg")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_meaning_is_refused_at_its_place(name: str):
    plain, path = WRONG[name]
    with pytest.raises(ChainError) as refused:
        read_chain(plain)
    assert refused.value.path == path
    assert refused.value.message
