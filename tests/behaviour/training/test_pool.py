"""Pools, short trainings and their scores: what must hold for any images."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from groundglass.measures.pairs.psnr_ssim import score as pair_score  # noqa: E402
from groundglass.training.compact import Compact, Size, downscaled  # noqa: E402
from groundglass.training.networks import make_network  # noqa: E402
from groundglass.training.pool_file import open_pool, write_pool  # noqa: E402
from groundglass.training.train import Diverged, Pool, Recipe, as_tensor, make_pool, score, train  # noqa: E402
from training_jobs import photos  # noqa: E402

SMALL = Recipe(Size(4, 1), iterations=6, rate=1e-3, batch=4, patch=6)


def places_pool(turned: bool, scale: int, sizes: list[tuple[int, int]]) -> Pool:
    """LR pixels hold their own place, and so do the HR pixels that each is made of."""
    hr, lr = [], []
    for number, (height, width) in enumerate(sizes):
        y, x = np.mgrid[:height, :width]
        lr.append(torch.tensor(np.stack([np.full_like(y, number), y, x]).astype(np.uint8)))
        hr.append(lr[-1].repeat_interleave(scale, 1).repeat_interleave(scale, 2))
    return Pool(hr, lr, [turned] * len(sizes), scale)


sides = st.lists(st.tuples(st.integers(5, 40), st.integers(5, 40)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    sizes=sides,
    scale=st.sampled_from([2, 3, 4]),
    patch=st.integers(1, 5),
    turned=st.booleans(),
    seed=st.integers(0, 99),
)
def test_lr_and_hr_patches_show_the_same_place_however_they_are_turned(sizes, scale, patch, turned, seed):
    pool = places_pool(turned, scale, sizes)
    random = np.random.default_rng(seed)
    lr, hr = pool.cut(pool.draw(np.ones(len(sizes)), 8, patch, random), patch)
    assert torch.equal(lr.repeat_interleave(scale, 2).repeat_interleave(scale, 3), hr)
    for number, y, x in lr.numpy().astype(int):
        assert (number == number[0, 0]).all()
        height, width = sizes[number[0, 0]]
        # Whole squares of the image: each place once, patch x patch of them.
        assert len({(a, b) for a, b in zip(y.flat, x.flat, strict=True)}) == patch**2
        assert np.ptp(y) == np.ptp(x) == patch - 1
        assert y.max() < height
        assert x.max() < width
        if not turned:
            assert (np.diff(y, axis=0) == 1).all()
            assert (np.diff(x, axis=1) == 1).all()


def test_all_eight_turns_and_every_place_are_drawn():
    pool = places_pool(True, 2, [(9, 7)])
    lr, _ = pool.cut(pool.draw(np.ones(1), 4000, 5, np.random.default_rng(0)), 5)
    seen, times = np.unique(lr.numpy().reshape(4000, -1), axis=0, return_counts=True)
    assert len(seen) == 8 * 5 * 3
    assert times.min() > 4000 / 120 / 3


@settings(max_examples=20, deadline=None)
@given(
    shares=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=6).filter(any),
    seed=st.integers(0, 99),
)
def test_images_are_drawn_by_their_shares(shares, seed):
    pool = places_pool(True, 2, [(8, 8)] * len(shares))
    drawn = pool.draw(np.array(shares), 3000, 4, np.random.default_rng(seed))
    counts = np.bincount([number for number, *_ in drawn], minlength=len(shares))
    wanted = 3000 * np.array(shares) / sum(shares)
    assert (counts[wanted == 0] == 0).all()
    assert (np.abs(counts - wanted) <= 5 * np.sqrt(wanted) + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_only_the_ratio_of_shares_counts(scale, seed):
    pool = places_pool(True, 2, [(8, 8)] * 3)
    shares = np.array([1.0, 2.0, 5.0])
    places = [pool.draw(one, 50, 4, np.random.default_rng(seed)) for one in (shares, shares * scale)]
    assert sum(a != b for a, b in zip(*places, strict=True)) <= 1  # a chance exactly between two images


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), patch=st.integers(1, 12))
def test_two_encodings_of_the_same_photos_see_the_same_places(seed, patch):
    images = photos(3)
    coarse = [image // 16 * 16 for image in images]
    shares = np.array([1.0, 2.0, 1.0])
    places = [
        make_pool(some, 12).draw(shares, 16, patch, np.random.default_rng(seed)) for some in (images, coarse)
    ]
    assert places[0] == places[1]


def test_the_same_seed_trains_to_the_same_weights_and_another_one_does_not():
    pool = make_pool(photos(3), SMALL.patch)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        network = Compact(SMALL.size)
        train(network, pool, np.ones(3), SMALL, seed)
        found.append(network.state_dict()["last.weight"])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    network, losses = Compact(Size(8, 1)), []
    recipe = Recipe(Size(8, 1), 120, 3e-3, batch=8, patch=8)
    train(network, make_pool(photos(3), 8), np.ones(3), recipe, 0, lambda _, loss: losses.append(loss))
    assert len(losses) == 120
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])


@settings(max_examples=10, deadline=None)
@given(rate=st.sampled_from([1e25, 1e30, 1e35]), seed=st.integers(0, 99))
def test_a_rate_that_diverges_is_said_with_its_iteration(rate, seed):
    pool = make_pool(photos(2), SMALL.patch)
    recipe = Recipe(SMALL.size, 6, rate, batch=2, patch=6)
    with pytest.raises(Diverged, match=r"^the loss is (nan|inf) at iteration [1-5]$"):
        train(Compact(SMALL.size), pool, np.ones(2), recipe, seed)


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(20, 61),
    width=st.integers(20, 61),
    centre=st.sampled_from([16, 32, 160]),
    seed=st.integers(0, 9),
)
def test_scores_are_those_of_the_protocol_network_on_the_middle(height, width, centre, seed):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    torch.manual_seed(seed)
    network = Compact(Size(4, 1))
    tall, wide = min(height, centre) // 2 * 2, min(width, centre) // 2 * 2
    top, left = (height - tall) // 4 * 2, (width - wide) // 4 * 2
    middle = pixels[top : top + tall, left : left + wide]
    with torch.no_grad():
        restored = network(downscaled(as_tensor(middle)[None], 2))[0].clamp(0, 1) * 255
    bytes_ = restored.round().permute(1, 2, 0).numpy().astype(np.uint8)
    wanted = pair_score(np.ascontiguousarray(middle), bytes_, 2, "network").psnr
    assert score(network, [pixels], centre)[0] == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("scale", [3, 4])
def test_scores_at_other_scales_cut_as_many_pixels(scale):
    pixels = photos(1, 48)[0]
    network = make_network("quick", scale)
    height, width = (side // scale * scale for side in pixels.shape[:2])
    top, left = (
        (side - part) // 2 // scale * scale for side, part in zip(pixels.shape, (height, width), strict=False)
    )
    middle = np.ascontiguousarray(pixels[top : top + height, left : left + width])
    with torch.no_grad():
        restored = network(downscaled(as_tensor(middle)[None], scale))[0].clamp(0, 1) * 255
    bytes_ = restored.round().permute(1, 2, 0).numpy().astype(np.uint8)
    assert score(network, [pixels])[0] == pytest.approx(
        pair_score(middle, bytes_, scale, "network").psnr, abs=1e-3
    )


def test_an_image_smaller_than_a_patch_is_refused_with_its_size():
    with pytest.raises(ValueError, match="30 x 20 px are too few for patches of 24 px"):
        make_pool([np.zeros((21, 31, 3), np.uint8)], 12)


def test_a_pool_file_keeps_images_units_and_turns(tmp_path):
    images = photos(4)
    write_pool(tmp_path / "pool", [images[:1], images[1:3], images[3:]], [True, False, True], patch=8)
    pool, shares = open_pool(tmp_path / "pool").pool([(2, 1.0), (1, 3.0), (0, 0.0)])
    wanted = make_pool([images[3], images[1], images[2]], 8)
    assert all(torch.equal(a, b) for a, b in zip([*pool.hr, *pool.lr], [*wanted.hr, *wanted.lr], strict=True))
    assert pool.turned == [True, False, False]
    assert shares.tolist() == [1.0, 1.5, 1.5]  # a unit counts once, in however many windows
