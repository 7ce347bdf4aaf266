"""Chains draw what they say, and what was applied makes the same pixels again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from degradation_tools import needs_video
from groundglass import testing
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
    as_applied,
    degrade,
    replay,
)
from groundglass.degradations.presets import PRESETS, find_preset
from groundglass.errors import RecipeError
from groundglass.random_streams import stream

PHOTO = testing.photo(96, 72, 5)
NOTHING = Chain(())


def applied(part: Any, seed: int = 0) -> list[Any]:
    return degrade(PHOTO, part, stream(seed))[1]


OF_VIDEOS = ("streamed-video", "old-video")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_video) if name in OF_VIDEOS else name for name in PRESETS]
)
def test_a_record_in_json_makes_the_same_pixels_again(name: str):
    preset = find_preset(name)
    for seed in range(6):
        made, steps = degrade(PHOTO, preset.chain, stream(seed))
        plain = json.loads(json.dumps([asdict(one) for one in steps]))
        assert np.array_equal(replay(PHOTO, as_applied(plain)), made)
        assert made.shape == (72 // preset.scale, 96 // preset.scale, 3)


def test_equal_streams_give_equal_pixels_and_others_do_not():
    chain = find_preset("realesrgan-x4plus").chain
    first, second, third = (degrade(PHOTO, chain, stream(seed))[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_a_replay_needs_no_step_before_it():
    """Each step has its own stream: a part of a record can be replayed."""
    part = Chain((Step("gaussian_noise", {"sigma": 9}), Step("film_grain", {"strength": 9})))
    made, steps = degrade(PHOTO, part, stream(1))
    assert np.array_equal(replay(replay(PHOTO, steps[:1]), steps[1:]), made)


def test_a_record_has_every_setting_as_it_was_applied():
    (one,) = applied(Step("jpeg", {"quality": Whole(30, 40)}))
    assert one.name == "jpeg"
    assert 30 <= one.settings.pop("quality") <= 40
    assert one.settings == {"subsampling": "4:2:0", "shift_x": 0, "shift_y": 0}


def test_draws_keep_their_ranges_and_weights():
    part = Choose(
        (Maybe(0.25, Step("mirror", {"across": True})), Step("banding", {"levels": Whole(4, 8, 2)})), (3, 1)
    )
    counts = Counter(
        tuple((one.name, one.settings.get("levels")) for one in applied(part, n)) for n in range(800)
    )
    assert counts[()] / 800 == pytest.approx(0.75 * 0.75, abs=0.06)
    assert counts[(("mirror", None),)] / 800 == pytest.approx(0.75 * 0.25, abs=0.05)
    for levels in (4, 6, 8):
        assert counts[(("banding", levels),)] / 800 == pytest.approx(0.25 / 3, abs=0.04)
    random = np.random.default_rng(0)
    drawn = [Uniform(-2, 3).draw(random) for _ in range(200)]
    assert -2 <= min(drawn) < -1.8
    assert 2.8 < max(drawn) <= 3
    nested = OneOf((Uniform(0, 1), 5.0), (1, 0))
    assert all(0 <= nested.draw(random) <= 1 for _ in range(50))


def test_sizes_follow_the_photo_or_the_image_so_far():
    def size(*parts: Any) -> tuple[int, ...]:
        return degrade(PHOTO, Chain(parts), stream(0))[0].shape[:2]

    half, third = ResizeBy(0.5, "area"), ResizeBy(1 / 3, "bicubic", "photo")
    assert size(half, half) == (18, 24)
    assert size(half, third) == (24, 32)
    assert applied(ResizeBy(1.0, "area")) == []


def test_an_empty_chain_gives_pixels_of_its_own():
    for part in (NOTHING, Maybe(0, Step("mirror", {})), Choose((None,))):
        made, steps = degrade(PHOTO, part, stream(0))
        assert steps == []
        assert np.array_equal(made, PHOTO)
        assert not np.shares_memory(made, PHOTO)
    assert not np.shares_memory(replay(PHOTO, []), PHOTO)


def test_poisson_noise_of_a_chain_counts_the_images_values():
    flat = testing.flat(64, 64, 120)
    made, steps = degrade(flat, Poisson(1.0, OneOf((True,))), stream(0))
    assert steps[0].settings == {"scale": 1.0, "levels": 2, "grey": True}
    assert np.array_equal(made[..., 0], made[..., 2])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Step("jpg", {}), "'jpg' is not a degradation"),
        (lambda: Step("jpeg", {"qualty": 3}), "jpeg has no setting 'qualty'"),
        (lambda: Step("jpeg", {"quality": Whole(30, 130)}), "quality is 130"),
        (lambda: Step("kernel_blur", {"shape": OneOf(("gaussian", "box"))}), "'box'"),
        (lambda: Uniform(3, 1), "from the smaller to the larger"),
        (lambda: Choose((NOTHING,), (1, 2)), "as many weights"),
        (lambda: OneOf(()), "at least one"),
        (lambda: Maybe(1.5, NOTHING), "probability is 1.5"),
        (lambda: as_applied([{"name": "jpeg"}]), "keys name, settings and stream"),
        (lambda: replay(PHOTO, as_applied([{"name": "jpg", "settings": {}, "stream": 1}])), "'jpg'"),
        (lambda: replay(PHOTO, as_applied([{"name": "jpeg", "settings": {"x": 1}, "stream": 1}])), "'x'"),
    ],
)
def test_mistakes_are_named_before_any_image_is_made(wrong: Any, said: str):
    with pytest.raises(RecipeError) as error:
        wrong()
    assert said in error.value.message


def test_real_esrgans_chain_draws_the_published_shares():
    chain = find_preset("realesrgan-x4plus").chain
    small = testing.photo(32, 32, 2)
    runs = [degrade(small, chain, stream(seed))[1] for seed in range(300)]
    assert all(sum(one.name == "jpeg" for one in run) == 2 for run in runs)
    gaussian = sum(one.name == "gaussian_noise" for run in runs for one in run)
    poisson = sum(one.name == "poisson_noise" for run in runs for one in run)
    assert gaussian + poisson == 600
    assert gaussian / 600 == pytest.approx(0.5, abs=0.07)
    swapped = sum(run[-1].name == "jpeg" for run in runs)
    assert swapped / 300 == pytest.approx(0.5, abs=0.1)
    grey = [one.settings["grey"] for run in runs for one in run if "noise" in one.name]
    assert np.mean(grey) == pytest.approx(0.4, abs=0.07)
    quality = [one.settings["quality"] for run in runs for one in run if one.name == "jpeg"]
    assert (min(quality), max(quality)) == (30, 95)
