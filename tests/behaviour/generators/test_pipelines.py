"""Pipelines of diffusers: what the plan finds out about them, and what becomes of an image that they cannot make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fake_pipelines import MakeFakeImages
from groundglass import testing
from groundglass.engines.progress import Silent
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError, UnreachableError
from groundglass.generators.fault import SettingFault
from groundglass.generators.made import MadeFolder, Outcome, Promised, Task
from groundglass.generators.pipeline_job import MakeImages, PipelinePlace, loaded, tokens_cut
from groundglass.generators.pipelines import check
from groundglass.generators.settings import Generator
from groundglass.image.frame import open_frame

pytest.importorskip("diffusers", reason="needs the extra 'generate'")


def folder_of(path: Path, kind: str = "StableDiffusionPipeline", scheduler: str = "DDIMScheduler") -> Path:
    """A folder that looks like a pipeline from outside; its weights are two numbers."""
    from safetensors.numpy import save_file

    for name, content in {
        "model_index.json": {"_class_name": kind, "_diffusers_version": "0.42.0"},
        "scheduler/scheduler_config.json": {"_class_name": scheduler},
        "vae/config.json": {"block_out_channels": [8, 8, 8, 8]},
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(content))
    save_file({"a": np.zeros(2, np.float32)}, path / "vae" / "diffusion_pytorch_model.safetensors")
    return path


def fault_of(path: Path, **settings: Any) -> SettingFault:
    with pytest.raises(SettingFault) as caught:
        check(Generator(diffusers=str(path), settings=settings))
    return caught.value


def test_a_setting_that_the_pipeline_does_not_take_is_found_without_running_it(tmp_path: Path):
    found = fault_of(folder_of(tmp_path), guidence=7)
    assert found.message == "StableDiffusionPipeline takes no `guidence`"
    assert found.keys == ("settings", "guidence")
    assert {"guidance", "steps", "size", "negative_prompt", "eta"} <= set(found.valid)


def test_all_words_that_it_takes_are_accepted(tmp_path: Path):
    every = {
        "guidance": 7, "steps": 20, "size": ["512x512"], "scheduler": ["ddim", "euler"], "seed": 3,
        "negative_prompt": "blurry", "eta": 0.5, "clip_skip": 1,
    }  # fmt: skip
    check(Generator(diffusers=str(folder_of(tmp_path)), settings=every))


def test_schedulers_are_words_that_fit(tmp_path: Path):
    found = fault_of(folder_of(tmp_path), scheduler=["ddim", "eular"])
    assert found.word == "eular"
    assert "euler" in found.valid
    of_flows = folder_of(tmp_path / "flow", "StableDiffusion3Pipeline", "FlowMatchEulerDiscreteScheduler")
    assert "does not fit StableDiffusion3Pipeline" in fault_of(of_flows, scheduler="ddim").message
    check(Generator(diffusers=str(of_flows), settings={"scheduler": "flow_heun"}))


def test_sizes_are_multiples_of_what_the_autoencoder_needs(tmp_path: Path):
    found = fault_of(folder_of(tmp_path), size=["512x512", "500x512"])
    assert "multiples of 8, so not 500x512" in found.message
    assert found.hint == "the nearest size is 496x512"


def test_folders_that_are_not_pipelines_are_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "none/at/all"):
        with pytest.raises(RecipeError):
            check(Generator(diffusers=str(tmp_path / name)))
    pickled = folder_of(tmp_path / "pickled")
    (pickled / "vae" / "diffusion_pytorch_model.safetensors").rename(
        pickled / "vae" / "diffusion_pytorch_model.bin"
    )
    with pytest.raises(RecipeError, match="is a pickle"):
        check(Generator(diffusers=str(pickled)))


def test_other_weights_are_another_generator(tmp_path: Path):
    from safetensors.numpy import save_file

    path = folder_of(tmp_path)
    before = check(Generator(diffusers=str(path))).identity
    assert check(Generator(diffusers=str(path))).identity == before
    assert check(Generator(diffusers=str(path), dtype="float32")).identity != before
    (path / "unet.fp16.safetensors").write_bytes(b"another form, not loaded")
    assert check(Generator(diffusers=str(path))).identity == before
    save_file({"a": np.ones(2, np.float32)}, path / "vae" / "diffusion_pytorch_model.safetensors")
    assert check(Generator(diffusers=str(path))).identity != before


def task(prompt: str, seed: int = 1, **settings: Any) -> Task:
    return Task(f"{prompt.replace(' ', '_')}-{seed}", f"g/{prompt}", prompt, seed, settings)


def made_of(job: MakeImages, tasks: list[Task], engine: str) -> dict[str, Outcome]:
    run_job(job, tasks, Settings(workers=1, shard=1, engine=engine), Silent())
    return job.made.outcomes()


REASONS = {
    "no memory": "out_of_memory",
    "breaks": "generation_failed",
    "half of it": "wrong_size",
    "black": "blank",
    "no number": "blank",
    "naked": "refused",
}


def test_every_fault_is_a_row_and_the_others_go_on(tmp_path: Path):
    job = MakeFakeImages(MadeFolder(tmp_path), "g", PipelinePlace(tmp_path, ("cpu",)))
    tasks = [task(prompt, size="48x32") for prompt in [*REASONS, "a cat"]]
    tasks += [
        task("takes none", strength=0.5),
        task("too large", 1, size="512x512"),
        task("too large", 2, size="64x64"),
    ]
    found = made_of(job, tasks, "local")
    assert {prompt: found[task(prompt).key].error for prompt in REASONS} == REASONS
    assert found["breaks-1"].detail == "ValueError: guidance is too strong for this image"
    assert found["half_of_it-1"].detail == "48x16 instead of 48x32"
    assert (found["takes_none-1"].error, found["takes_none-1"].detail) == (
        "bad_request",
        "FakePipeline takes no `strength`",
    )
    assert found["too_large-1"].error == "out_of_memory"
    good = {key for key, outcome in found.items() if not outcome.error}
    assert good == {"a_cat-1", "too_large-2"}
    assert {path.stem for path in (tmp_path / "g").iterdir()} == good, "no image of a failure"


def test_a_worker_that_is_killed_costs_one_image(tmp_path: Path):
    job = MakeFakeImages(MadeFolder(tmp_path), "g", PipelinePlace(tmp_path, ("cpu",)))
    prompts = ["a", "b", "it dies", "c", "d"]
    found = made_of(job, [task(prompt) for prompt in prompts], "local")
    assert {key: outcome.error for key, outcome in found.items()} == {
        "a-1": "", "b-1": "", "it_dies-1": "worker_died", "c-1": "", "d-1": "",
    }  # fmt: skip


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny_generators

    return tiny_generators.unet(tmp_path_factory.mktemp("pipelines") / "unet")


def pixels(job: MakeImages, one: Task) -> np.ndarray[Any, Any]:
    outcome = job.one(one)
    assert not outcome.error, outcome.detail
    return open_frame(job.made.file(job.generator, outcome.file).read_bytes()).rgb


def test_the_same_seed_gives_the_same_image_and_every_setting_another(unet: Path, tmp_path: Path):
    place = PipelinePlace(unet, ("cpu",))
    first = task("a red cat", 7, size="64x64", steps=2, guidance=5.0, scheduler="ddim")
    job = MakeImages(MadeFolder(tmp_path / "one"), "unet", place)
    image = job.one(first)
    others = {
        "seed": task("a red cat", 8, size="64x64", steps=2, guidance=5.0, scheduler="ddim"),
        "prompt": task("a blue dog", 7, size="64x64", steps=2, guidance=5.0, scheduler="ddim"),
        "steps": task("a red cat", 7, size="64x64", steps=4, guidance=5.0, scheduler="ddim"),
        "guidance": task("a red cat", 7, size="64x64", steps=2, guidance=15.0, scheduler="ddim"),
        "scheduler": task("a red cat", 7, size="64x64", steps=2, guidance=5.0, scheduler="euler"),
        "negative_prompt": task(
            "a red cat", 7, size="64x64", steps=2, guidance=5.0, scheduler="ddim", negative_prompt="a dog"
        ),
    }
    for name, other in others.items():
        assert job.one(other).sha256 != image.sha256, name
    loaded.cache_clear()
    again = MakeImages(MadeFolder(tmp_path / "two"), "unet", place).one(first)
    assert again.sha256 == image.sha256, "bit for bit, also after other images and in a newly loaded pipeline"
    wide = job.one(task("a red cat", 7, size="96x64", steps=2))
    header = cv2.imread(str(job.made.file("unet", wide.file)))
    assert header.shape == (64, 96, 3)


def test_tokens_that_no_text_encoder_reads_are_counted(unet: Path):
    pipeline = loaded(PipelinePlace(unet, ("cpu",)))
    assert tokens_cut(pipeline, task("a cat")) == 0
    cut = tokens_cut(pipeline, task("cat " * 500))
    assert cut is not None
    assert cut > 500


def test_a_pipeline_without_safe_weights_is_not_loaded(unet: Path, tmp_path: Path):
    import shutil

    broken = shutil.copytree(unet, tmp_path / "broken")
    weights = broken / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RecipeError, match="cannot be loaded"):
        loaded(PipelinePlace(broken, ("cpu",)))


def test_a_hub_that_does_not_answer_asks_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UnreachableError, match="cannot be fetched from http") as caught:
        check(Generator(diffusers="tiny/net-that-is-not-here"))
    assert caught.value.hint.endswith("diffusers: FOLDER")


def test_an_image_without_a_line_is_judged_and_keeps_the_words_of_its_reply(tmp_path: Path):
    made = MadeFolder(tmp_path)
    wanted, other = (Task(key, key, "a cat", 7, {"size": "32x16"}) for key in ("good", "small"))
    made.keep("g", "good", testing.png(testing.noise(32, 16)), ".png")
    made.promise("g", "good", Promised("http://x/1.png", "a cat, in detail"))
    made.keep("g", "small", testing.png(testing.noise(16, 16)), ".png")
    good, small = made.adopted("g", wanted), made.adopted("g", other)
    assert good is not None
    assert small is not None
    assert (good.error, good.revised_prompt) == ("", "a cat, in detail")
    assert (small.error, small.detail) == ("wrong_size", "16x16 instead of 32x16")
