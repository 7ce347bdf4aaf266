"""The aesthetic head is loaded by the shapes in its file, and judges vectors of length 1."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tiny_clip

pytest.importorskip("torch")
pytest.importorskip("transformers")

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.aesthetic import MEASURE, head_of, judge, load, read_head, settle
from groundglass.measures.measure_job import ask_of
from groundglass.models.architectures.clip import embed_images, load_clip
from groundglass.models.scorer import Place


@pytest.mark.parametrize("sides", [(8, 1), (8, 6, 1), (8, 7, 6, 5, 4, 1)])
@pytest.mark.parametrize("name", ["head.safetensors", "head.pth"])
def test_a_head_of_any_depth_is_its_linear_layers_in_order(tmp_path: Path, sides: tuple[int, ...], name: str):
    path = tiny_clip.aesthetic_head(tmp_path, sides, name)
    head = read_head(path, 8)
    import torch

    plain = torch.nn.Sequential(
        *(torch.nn.Linear(before, after) for before, after in pairwise(sides))
    ).double()
    for layer, (weight, bias) in zip(plain, head.layers, strict=True):
        layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    vectors = np.random.default_rng(0).normal(size=(5, 8))
    expected = plain(torch.from_numpy(vectors)).detach()[:, 0].numpy()
    np.testing.assert_allclose(judge(head, vectors), expected, rtol=1e-9)


def test_the_published_heads_names_with_dropout_between():
    """Layers 0, 2, 4, 6 and 7 of 768, 1024, 128, 64, 16, 1; and the older one's plain `weight` and `bias`."""
    sides = (768, 1024, 128, 64, 16, 1)
    tensors = {}
    for number, before, after in zip((0, 2, 4, 6, 7), sides, sides[1:], strict=False):
        tensors[f"layers.{number}.weight"] = np.zeros((after, before))
        tensors[f"layers.{number}.bias"] = np.zeros(after)
    assert [weight.shape[0] for weight, _ in head_of(tensors, 768, "x").layers] == [1024, 128, 64, 16, 1]
    assert len(head_of({"weight": np.zeros((1, 512)), "bias": np.zeros(1)}, 512, "x").layers) == 1


@pytest.mark.parametrize("sides", [(9, 1), (8, 3), (8, 6, 2), (768, 1024, 1)])
def test_a_head_for_other_vectors_is_refused(tmp_path: Path, sides: tuple[int, ...]):
    with pytest.raises(RecipeError, match="does not lead from 8 numbers to one"):
        read_head(tiny_clip.aesthetic_head(tmp_path, sides), 8)


def test_what_is_no_head_is_refused():
    with pytest.raises(RecipeError, match="not an aesthetic head"):
        head_of({"conv.weight": np.zeros((1, 8))}, 8, "x")
    with pytest.raises(RecipeError, match="its layers are none"):
        head_of({}, 8, "x")


def test_a_cut_off_head_is_refused(tmp_path: Path):
    path = tiny_clip.aesthetic_head(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RecipeError, match="truncated"):
        settle(None, head=str(path))
    with pytest.raises(RecipeError, match="the aesthetic head is not given"):
        settle(None)


def test_a_pickle_with_code_in_it_is_not_run(tmp_path: Path):
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, (str(tmp_path / "ran"),)

    (tmp_path / "head.pth").write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(RecipeError, match="cannot load"):
        read_head(tmp_path / "head.pth", 8)


def test_the_score_is_the_head_over_the_networks_vectors(tmp_path: Path):
    folder, head = tiny_clip.clip(tmp_path), tiny_clip.aesthetic_head(tmp_path)
    scorer = load(folder, Place(), str(head))
    pixels = scorer.prepare(open_frame(testing.png(testing.photo(90, 70)))).pixels[None]
    vectors = embed_images(load_clip(folder, Place()), pixels)
    assert scorer.score(pixels, [None]) == [{"aesthetic": judge(read_head(head, 8), vectors)[0]}]


def test_the_key_holds_the_heads_hash_not_its_path(tmp_path: Path):
    weights = {"weights": str(tiny_clip.clip(tmp_path))}
    first = tiny_clip.aesthetic_head(tmp_path)
    second = first.rename(tmp_path / "moved.safetensors")
    other = tiny_clip.aesthetic_head(tmp_path, (8, 3, 1))
    keys = [ask_of(MEASURE, {**weights, "head": str(path)}).key for path in (second, other)]
    tiny_clip.aesthetic_head(tmp_path)
    assert ask_of(MEASURE, {**weights, "head": str(tmp_path / "head.safetensors")}).key == keys[0] != keys[1]
