"""Networks of transformers from folders: whole ones are loaded, others are refused with a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from groundglass.errors import RecipeError
from groundglass.models.architectures.segment_anything import load_segmenter
from groundglass.models.pretrained import load_pretrained, model_type
from groundglass.models.scorer import Place

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_models  # noqa: E402

AUTO = "AutoModelForMaskGeneration"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "sam"))


def test_a_whole_folder_is_loaded_for_judging(whole: Path):
    network = load_pretrained(AUTO, whole, Place())
    assert not network.training
    assert {weights.dtype for weights in network.parameters()} == {torch.float32}


def test_missing_weights_are_an_error_and_never_made_up(folder: Path):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["vision_encoder.patch_embed.projection.bias"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RecipeError, match=r"1 are missing .* vision_encoder.patch_embed.projection.bias"):
        load_pretrained(AUTO, folder, Place())


def test_weights_of_another_shape_are_refused(folder: Path):
    said = json.loads((folder / "config.json").read_text())
    said["vision_config"]["output_channels"] = 32
    (folder / "config.json").write_text(json.dumps(said))
    with pytest.raises(RecipeError, match=r"cannot be loaded|do not fit"):
        load_pretrained(AUTO, folder, Place())


def test_damaged_and_missing_files_are_refused(folder: Path):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(RecipeError, match="cannot be loaded"):
        load_pretrained(AUTO, folder, Place())
    weights.unlink()
    with pytest.raises(RecipeError, match="cannot be loaded"):
        load_pretrained(AUTO, folder, Place())
    (folder / "config.json").unlink()
    with pytest.raises(RecipeError, match="not the folder of a transformers network"):
        model_type(folder, ["sam"])


def test_another_kind_of_network_is_named(folder: Path):
    with pytest.raises(RecipeError, match="the kind 'sam'") as caught:
        model_type(folder, ["clip", "siglip"])
    assert caught.value.hint == "supported here: clip, siglip"


def test_a_segmenter_whose_files_do_not_belong_together_is_refused(folder: Path):
    tiny_models.write_preprocessor(
        folder, size={"longest_edge": 32}, do_pad=True, pad_size={"height": 32, "width": 32}
    )
    with pytest.raises(RecipeError, match="but the network takes 64 x 64 px"):
        load_segmenter(folder, Place())
