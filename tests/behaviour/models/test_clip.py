"""Pictures and words become vectors as transformers' own forward has them; what cannot be is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_clip

pytest.importorskip("torch")
pytest.importorskip("transformers")

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.models.architectures import clip
from groundglass.models.preprocess import prepare
from groundglass.models.scorer import Place

MAKERS: dict[str, Callable[[Path], Path]] = {"clip": tiny_clip.clip, "siglip": tiny_clip.siglip}
TEXTS = ["Good photo.", "Bad photo.", "a photo of the sea"]


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def pixels(network: clip.Clip, count: int = 3) -> Any:
    frames = [open_frame(testing.png(testing.photo(60 + 9 * seed, 50, seed))) for seed in range(count)]
    return np.stack([prepare(frame.rgb, network.way) for frame in frames])


def test_logits_are_those_of_the_networks_own_forward(folder: Path):
    import torch
    from transformers import AutoModel, AutoTokenizer

    network = clip.load_clip(folder, Place())
    taken = pixels(network)
    found = clip.logits(network, clip.embed_images(network, taken), clip.embed_words(network, TEXTS))
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    padding = (
        {"padding": "max_length", "max_length": 32} if network.shares == "sigmoid" else {"padding": True}
    )
    tokens = tokenizer(TEXTS, return_tensors="pt", **padding)
    if network.shares == "sigmoid":
        tokens = {"input_ids": tokens["input_ids"]}
    with torch.no_grad():
        expected = model(pixel_values=torch.from_numpy(taken), **tokens).logits_per_image.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4)
    assert np.ptp(found, axis=0).min() > 1e-2, "pictures differ"


def test_a_batch_says_what_each_picture_says_alone(folder: Path):
    network = clip.load_clip(folder, Place())
    taken = pixels(network)
    alone = np.concatenate([clip.embed_images(network, one[None]) for one in taken])
    np.testing.assert_allclose(clip.embed_images(network, taken), alone, atol=1e-5)


def test_another_side_is_seen_finer_with_stretched_positions(folder: Path):
    network = clip.load_clip(folder, Place(), side=64)
    taken = pixels(network)
    assert taken.shape == (3, 3, 64, 64)
    assert network.stretch
    vectors = clip.embed_images(network, taken)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    with pytest.raises(RecipeError, match="70 px cannot be cut into patches of 8 px") as caught:
        clip.load_clip(folder, Place(), side=70)
    assert caught.value.hint == "for example 64"


def test_missing_and_damaged_files(copy: Path):
    (copy / "tokenizer.json").rename(copy / "aside")
    with pytest.raises(RecipeError, match="has no tokenizer") as caught:
        clip.load_clip(copy, Place())
    assert "tokenizer.json" in caught.value.hint
    (copy / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"tokenizer in .* cannot be loaded"):
        clip.load_clip(copy, Place())
    (copy / "aside").rename(copy / "tokenizer.json")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-500])
    with pytest.raises(RecipeError, match="cannot be loaded"):
        clip.load_clip(copy, Place())
    weights.unlink()
    with pytest.raises(RecipeError, match="cannot be loaded"):
        clip.load_clip(copy, Place())
    (copy / "preprocessor_config.json").unlink()
    with pytest.raises(RecipeError, match="how to prepare images"):
        clip.load_clip(copy, Place())
    shutil.rmtree(copy)
    with pytest.raises(RecipeError, match="not the folder of a transformers network"):
        clip.load_clip(copy, Place())


def test_weights_that_do_not_fit_are_never_replaced_by_random_ones(copy: Path):
    from safetensors.numpy import load_file, save_file

    weights = copy / "model.safetensors"
    tensors = load_file(weights)
    first = next(name for name in tensors if "text_model" in name and name.endswith("weight"))
    save_file({name: value for name, value in tensors.items() if name != first}, weights, {"format": "pt"})
    with pytest.raises(RecipeError, match="1 are missing"):
        clip.load_clip(copy, Place())
    save_file({**tensors, first: np.zeros((3, 5), np.float32)}, weights, {"format": "pt"})
    with pytest.raises(RecipeError):
        clip.load_clip(copy, Place())


def test_another_kind_of_network_is_refused(copy: Path):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "bert"}), encoding="utf-8")
    with pytest.raises(RecipeError, match="kind 'bert'") as caught:
        clip.load_clip(copy, Place())
    assert caught.value.hint == "supported here: clip, siglip"


def test_texts_that_read_the_same_are_refused(folder: Path):
    network = clip.load_clip(folder, Place())
    long = "very " * 40
    with pytest.raises(RecipeError, match="as the same text"):
        clip.embed_words(network, [long + "good", long + "bad"])


def test_a_tokenizer_that_knows_more_than_the_network_is_refused(copy: Path):
    config = json.loads((copy / "config.json").read_text())
    tensors = copy / "model.safetensors"
    from safetensors.numpy import load_file, save_file

    name = "text_model.embeddings.token_embedding.weight"
    loaded = load_file(tensors)
    save_file({**loaded, name: loaded[name][:9]}, tensors, {"format": "pt"})
    config["text_config"] |= {"vocab_size": 9}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RecipeError, match="the network has 9 tokens"):
        clip.embed_words(clip.load_clip(copy, Place()), TEXTS)
