"""CLIP-IQA's shares are the paper's formula over the network's own logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny_clip

pytest.importorskip("torch")
pytest.importorskip("transformers")

from groundglass import testing
from groundglass.catalog import Value
from groundglass.image.frame import open_frame
from groundglass.measures.clip_iqa import MEASURE, PAIRS, load
from groundglass.models.scorer import Place


def test_each_column_has_its_pair_and_weighs_it_by_the_networks_scale(tmp_path: Path):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tiny_clip.clip(tmp_path)
    scorer = load(folder, Place())
    prepared = [scorer.prepare(open_frame(testing.png(testing.photo(90, 70, seed)))) for seed in range(3)]
    pixels = np.stack([one.pixels for one in prepared])
    found = scorer.score(pixels, [None] * 3)
    assert PAIRS.keys() == MEASURE.columns.keys() == found[0].keys()
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    for name, pair in PAIRS.items():
        tokens = tokenizer(list(pair), return_tensors="pt", padding=True)
        with torch.no_grad():
            expected = model(pixel_values=torch.from_numpy(pixels), **tokens).logits_per_image.softmax(dim=1)
        assert [row[name] for row in found] == pytest.approx(expected[:, 0].tolist(), abs=1e-4), name


def test_with_siglip_the_bias_falls_out_of_a_pair(tmp_path: Path):
    """A pair's share hangs on the difference of its two logits alone."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = tiny_clip.siglip(tmp_path)
    frame = open_frame(testing.png(testing.photo(90, 70)))

    def share() -> dict[str, Value]:
        scorer = load(folder, Place())
        return scorer.score(scorer.prepare(frame).pixels[None], [None])[0]

    before = share()
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "logit_bias": torch.tensor([3.0])}, folder / "model.safetensors", {"format": "pt"})
    assert share() == pytest.approx(before, abs=1e-9)
