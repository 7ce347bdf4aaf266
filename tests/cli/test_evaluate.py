"""`groundglass evaluate`: the numbers of the literature, and no mean of fewer images without a word."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import groundglass, groundglass_process

from groundglass import testing
from groundglass.image.resize import resize
from groundglass.measures.pairs.intervals import mean_interval
from groundglass.measures.pairs.psnr_ssim import psnr, rgb_to_y, ssim
from shared_data import shared

PUBLISHED = {
    ("Set5", "classic", 2): (33.661, 0.9299),
    ("Set5", "classic", 3): (30.392, 0.8682),
    ("Set5", "classic", 4): (28.421, 0.8104),
    ("Set14", "classic", 2): (30.232, 0.8687),
    ("Set14", "classic", 3): (27.541, 0.7736),
    ("Set14", "classic", 4): (26.000, 0.7019),
    ("Set5", "network", 2): (33.682, 0.9305),
    ("Set5", "network", 4): (28.431, 0.8113),
}


def answer(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = groundglass(folder, "evaluate", *words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def save(path: Path, pixels: np.ndarray) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def noisy(pixels: np.ndarray, seed: int, sigma: float = 6.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return np.clip(pixels + noise, 0, 255).round().astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of 64 × 48 px in `hr`, their noisy versions in `sr`, and much noisier ones in `worse`."""
    for seed, name in enumerate(("a", "b", "c", "d")):
        hr = save(tmp_path / "hr" / f"{name}.png", testing.photo(64, 48, seed))
        save(tmp_path / "sr" / f"{name}_x4.png", noisy(hr, seed))
        save(tmp_path / "worse" / f"{name}.png", noisy(hr, seed, 20))
    return tmp_path


@pytest.mark.parametrize(("test_set", "protocol", "scale"), PUBLISHED)
def test_bicubic_scores_what_the_tables_print(tmp_path: Path, test_set: str, protocol: str, scale: int):
    hr = shared("benchmarks", test_set, "HR")
    found = answer(tmp_path, "--bicubic", str(hr), "--scale", str(scale), "--protocol", protocol)
    psnr_y, ssim_y = PUBLISHED[test_set, protocol, scale]
    assert found["mean"]["psnr_y"] == pytest.approx(psnr_y, abs=0.00051)
    assert found["mean"]["ssim_y"] == pytest.approx(ssim_y, abs=0.000051)
    assert (found["protocol"], found["scale"], found["border"]) == (protocol, scale, scale)
    assert found["n_scored"] == found["n_images"] == len(found["images"]) == len(list(hr.glob("*.png")))


def test_files_of_a_network_score_as_bicubic_does_if_they_are_bicubic(tmp_path: Path):
    """The LR files of Set5, upscaled and saved by somebody else's few lines, are the protocol's own baseline."""
    hr = shared("benchmarks", "Set5", "HR")
    for path in hr.glob("*.png"):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        height, width = (side // 4 * 4 for side in pixels.shape[:2])
        floats = pixels[:height, :width].astype(np.float64)
        lr = np.clip(np.floor(resize(floats, width // 4, height // 4, "matlab_bicubic") + 0.5), 0, 255)
        sr = np.clip(np.floor(resize(lr, width, height, "matlab_bicubic") + 0.5), 0, 255)
        save(tmp_path / "sr" / f"{path.stem}_x4_Bicubic.png", sr.astype(np.uint8))
    found = answer(tmp_path, str(hr), "sr", "--scale", "4", "--protocol", "network", "--bicubic")
    assert found["mean"]["psnr_y"] == pytest.approx(28.431, abs=0.00051)
    assert found["mean"]["ssim_y"] == pytest.approx(0.8113, abs=0.000051)
    assert found["mean"] == found["against"]["mean"]
    assert found["difference"]["psnr_y"] == {
        "mean": 0.0, "ci95": [0.0, 0.0], "images": 5, "higher": 0, "lower": 0,
    }  # fmt: skip


def test_trap_uncropped_borders_change_the_score_and_are_named(tmp_path: Path):
    hr = shared("benchmarks", "Set5", "HR")
    found = answer(tmp_path, "--bicubic", str(hr), "-s", "4", "-p", "network", "--border", "0")
    assert found["mean"]["psnr_y"] == pytest.approx(28.440, abs=0.001)
    assert found["border"] == 0


def test_trap_a_grey_file_is_scored_as_it_is(tmp_path: Path):
    hr = shared("benchmarks", "Set14", "HR")
    right = answer(tmp_path, "--bicubic", str(hr), "-s", "2")
    for path in hr.glob("*.png"):
        save(tmp_path / "colour" / path.name, np.asarray(Image.open(path).convert("RGB")))
    wrong = answer(tmp_path, "--bicubic", "colour", "-s", "2")
    assert wrong["mean"]["psnr_y"] - right["mean"]["psnr_y"] == pytest.approx(0.094, abs=0.0015)


def test_every_number_is_what_the_formulas_give(folder: Path):
    found = answer(folder, "hr", "sr", "--scale", "4", "--protocol", "network")
    assert [row["uri"] for row in found["images"]] == ["a.png", "b.png", "c.png", "d.png"]
    for row in found["images"]:
        hr, sr = (np.asarray(Image.open(folder / p)) for p in (f"hr/{row['uri']}", f"sr/{row['sr']}"))
        hr, sr = hr[4:-4, 4:-4].astype(float), sr[4:-4, 4:-4].astype(float)
        assert row["psnr_y"] == pytest.approx(psnr(rgb_to_y(hr), rgb_to_y(sr)))
        assert row["ssim_y"] == pytest.approx(ssim(rgb_to_y(hr), rgb_to_y(sr)))
        assert row["psnr_rgb"] == pytest.approx(10 * np.log10(255**2 / np.mean((hr - sr) ** 2)))
        assert row["ssim_rgb"] == pytest.approx(np.mean([ssim(hr[..., c], sr[..., c]) for c in range(3)]))
    values = [row["psnr_y"] for row in found["images"]]
    assert found["mean"]["psnr_y"] == pytest.approx(np.mean(values))
    low, high = found["ci95"]["psnr_y"]
    assert min(values) <= low < found["mean"]["psnr_y"] < high <= max(values)


def test_rows_and_json_are_the_same_from_worker_processes(folder: Path):
    words = ["evaluate", "hr", "sr", "--scale", "4", "--measures", "sharpness", "--json"]
    one, other = groundglass(folder, *words), groundglass_process(folder, *words, "--workers", "2")
    assert one.stdout == other.stdout
    assert json.loads(one.stdout)["mean"]["tenengrad"] > 0


def test_two_networks_are_compared_image_by_image(folder: Path):
    found = answer(folder, "hr", "sr", "--scale", "4", "--against", "worse")
    for name in ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb"):
        gain = found["difference"][name]
        steps = [a[name] - b[name] for a, b in zip(found["images"], found["against"]["images"], strict=True)]
        assert gain["mean"] == pytest.approx(np.mean(steps))
        assert gain["ci95"] == pytest.approx(mean_interval(steps))
        assert 0 < gain["ci95"][0] <= gain["mean"] <= gain["ci95"][1]
        assert (gain["higher"], gain["lower"], gain["images"]) == (4, 0, 4)
    text = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", "--against", "worse").stdout
    assert "higher on 4, lower on 0 of 4" in text


def test_measures_of_the_sr_image_are_those_of_the_command_measure(folder: Path):
    found = answer(folder, "hr", "sr", "-s", "4", "--measures", "sharpness,blockiness")
    alone = json.loads(
        groundglass(folder, "measure", "sharpness,blockiness", "sr/b_x4.png", "--json").stdout
    )[0]
    row = next(row for row in found["images"] if row["uri"] == "b.png")
    assert {name: row[name] for name in ("tenengrad", "blockiness")} == {
        name: alone[name] for name in ("tenengrad", "blockiness")
    }


def test_an_sr_image_of_another_size_is_named_with_both_sizes(folder: Path):
    save(folder / "sr/b_x4.png", testing.photo(64, 44, 1))
    save(folder / "sr/c_x4.png", testing.photo(16, 12, 1))
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", "--json")
    assert done.returncode == 4
    assert "2 files of 4 could not be scored" in done.stderr
    found = json.loads(done.stdout)
    assert found["images"][1]["error"] == "wrong_size: SR is 64 × 44 px, HR is 64 × 48 px"
    assert found["images"][2]["error"].endswith("that is the size of the LR image")
    assert (found["n_images"], found["n_scored"]) == (4, 2)
    assert found["mean"]["psnr_y"] == pytest.approx(
        np.mean([found["images"][n]["psnr_y"] for n in (0, 3)]),
    )
    assert any("the mean of 2 of 4 images" in note for note in found["notes"])


def test_hr_is_cropped_to_a_multiple_as_the_field_does(tmp_path: Path):
    hr = save(tmp_path / "hr.png", testing.photo(67, 50))
    save(tmp_path / "sr.png", noisy(hr[:48, :64], 1))
    row = answer(tmp_path, "hr.png", "sr.png", "--scale", "4")["images"][0]
    assert (row["width"], row["height"], row["error"]) == (64, 48, None)
    save(tmp_path / "whole.png", noisy(hr, 1))
    row = answer(tmp_path, "hr.png", "whole.png", "--scale", "4", code=4)["images"][0]
    assert row["error"] == "wrong_size: SR is 67 × 50 px, HR is 67 × 50 px, 64 × 48 px as a multiple of 4"


def test_files_without_a_partner_are_rows_and_end_with_4(folder: Path):
    (folder / "sr/a_x4.png").rename(folder / "sr/zebra.png")
    found = answer(folder, "hr", "sr", "--scale", "4", code=4)
    assert found["images"][0] | {"uri": "a.png", "sr": None} == found["images"][0]
    assert found["images"][0]["error"].startswith("no_partner")
    assert found["images"][-1]["sr"] == "zebra.png"
    assert found["images"][-1]["uri"] is None
    assert (found["n_scored"], found["n_images"], len(found["images"])) == (3, 4, 5)
    assert any("the mean of 3 of 4 images" in note for note in found["notes"])


def test_damaged_tiny_and_odd_files_are_rows_with_a_reason(folder: Path):
    (folder / "sr/a_x4.png").write_bytes((folder / "sr/a_x4.png").read_bytes()[:900])
    (folder / "hr/b.png").write_bytes(b"")
    save(folder / "hr/c.png", testing.photo(16, 16))
    save(folder / "sr/c_x4.png", testing.photo(16, 16))
    save(folder / "hr/d.png", testing.photo(3, 3))
    save(folder / "sr/d_x4.png", testing.photo(3, 3))
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", "--json")
    assert done.returncode == 4
    assert "no image of sr could be scored" in done.stderr
    reasons = [row["error"] for row in json.loads(done.stdout)["images"]]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "truncated",
        "empty",
        "too_small",
        "too_small",
    ]
    assert [reason.split(": ")[1] for reason in reasons[:2]] == ["SR", "HR"]
    assert "SSIM needs 11 px" in reasons[2]


def test_grey_alpha_and_16_bits(tmp_path: Path):
    grey = testing.photo(64, 48)[:, :, 0]
    save(tmp_path / "hr/grey.png", grey)
    save(tmp_path / "sr/grey.png", noisy(grey, 1))
    save(tmp_path / "hr/mixed.png", grey)
    save(tmp_path / "sr/mixed.png", np.repeat(noisy(grey, 1)[:, :, None], 3, axis=2))
    save(tmp_path / "hr/deep.png", grey.astype(np.uint16) * 257)
    save(tmp_path / "sr/deep.png", noisy(grey, 1))
    opaque = np.full((48, 64, 1), 255, np.uint8)
    colour = testing.photo(64, 48)
    save(tmp_path / "hr/alpha.png", np.concatenate([colour, opaque], axis=2))
    save(tmp_path / "sr/alpha.png", noisy(colour, 1))
    rows = {row["uri"]: row for row in answer(tmp_path, "hr", "sr", "--scale", "4")["images"]}
    expected = psnr(grey[4:-4, 4:-4], noisy(grey, 1)[4:-4, 4:-4])
    for name in ("grey.png", "mixed.png", "deep.png"):
        assert rows[name]["psnr_y"] == pytest.approx(expected), name
        assert rows[name]["psnr_rgb"] == pytest.approx(expected), name
    assert rows["mixed.png"]["warning"] == "HR is grey and SR is not"
    assert "HR: rounded_to_8_bits" in rows["deep.png"]["warning"]
    assert "HR: alpha_on_white" in rows["alpha.png"]["warning"]
    # as RGB, a grey image's luma has a smaller range: the protocol "network" scores it so
    network = answer(tmp_path, "hr/grey.png", "sr/grey.png", "--scale", "4", "--protocol", "network")
    assert network["mean"]["psnr_y"] == pytest.approx(expected + 20 * np.log10(255 / 219), abs=0.01)


def test_an_equal_image_is_no_number_that_json_lacks(folder: Path):
    (folder / "sr/a_x4.png").write_bytes((folder / "hr/a.png").read_bytes())
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", "--json")
    assert done.returncode == 0
    assert "Infinity" not in done.stdout
    found = json.loads(done.stdout)
    assert found["images"][0]["psnr_y"] is None
    assert found["images"][0]["ssim_y"] == 1
    assert found["mean"]["psnr_y"] is None
    assert found["mean"]["ssim_y"] < 1
    assert any("the PSNR is infinite" in note for note in found["notes"])
    assert "inf" in groundglass(folder, "evaluate", "hr", "sr", "--scale", "4").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hr", "--scale", "4"], "--bicubic"),
        (["hr", "sr"], "--scale"),
        (["hr", "sr", "--scale", "4", "--protocol", "clasic"], "classic, network"),
        (["hr", "nowhere", "--scale", "4"], "there is no file or folder nowhere"),
        (["hr", "sr/a_x4.png", "--scale", "4"], "name two folders, or two files"),
        (["hr", "sr", "--scale", "4", "--measures", "sharpnes"], "sharpness"),
        (["hr", "sr", "--scale", "4", "--against", "worse", "--bicubic"], "one thing only"),
        (["--bicubic", "hr", "--scale", "1"], "--scale 2"),
    ],
)
def test_wrong_arguments_end_with_2(folder: Path, words: list[str], said: str):
    done = groundglass(folder, "evaluate", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_the_text_names_protocol_border_mean_and_the_next_command(folder: Path):
    text = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4").stdout
    assert "protocol classic · 4 px cut off every side · 4 images" in text
    assert "mean" in text
    assert text.splitlines()[-1].endswith("evaluate hr sr --scale 4 --protocol classic --bicubic")


def test_a_wrong_second_folder_stops_before_anything_is_scored(folder: Path):
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", "--against", "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert done.stdout == ""


def test_at_scale_1_nothing_is_cut_off(folder: Path):
    found = answer(folder, "hr", "worse", "--scale", "1", "--protocol", "network")
    hr, sr = (np.asarray(Image.open(folder / name / "a.png")) for name in ("hr", "worse"))
    assert found["border"] == 0
    assert found["images"][0]["psnr_y"] == pytest.approx(psnr(rgb_to_y(hr), rgb_to_y(sr)))


def test_a_colour_profile_on_one_side_is_named(folder: Path):
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    pixels = np.asarray(Image.open(folder / "sr/a_x4.png"))
    Image.fromarray(pixels).save(folder / "sr/a_x4.png", icc_profile=lab)
    found = answer(folder, "hr", "sr", "--scale", "4")
    assert "both as sRGB" in found["images"][0]["warning"] or "bad_icc" in found["images"][0]["warning"]


def test_subfolders_and_files_that_are_not_images(folder: Path):
    (folder / "hr/notes.txt").write_text("not an image")
    for name in ("hr", "sr"):
        (folder / name / "more").mkdir()
    save(folder / "hr/more/a.png", testing.photo(64, 48, 9))
    save(folder / "sr/more/a.png", noisy(testing.photo(64, 48, 9), 9))
    found = answer(folder, "hr", "sr", "--scale", "4")
    assert [(row["uri"], row["sr"]) for row in found["images"]][-1] == ("more/a.png", "more/a.png")
    assert found["n_scored"] == 5


def test_a_network_among_the_measures_takes_files_and_refuses_bicubic(folder: Path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    import tiny_onnx

    tiny_onnx.mean_level(folder / "mean.onnx")
    words = ["--measures", "onnx,sharpness", "--weights", "mean.onnx", "--set", "size=16", "--device", "cpu"]
    found = answer(folder, "hr", "sr", "--scale", "4", *words)
    assert found["n_scored"] == 4
    assert found["mean"]["onnx"] > 0
    assert found["mean"]["onnx"] == pytest.approx(np.mean([row["onnx"] for row in found["images"]]))
    assert found["mean"]["tenengrad"] > 0
    for more in (["sr", "--bicubic"], ["--bicubic"]):
        done = groundglass(folder, "evaluate", "hr", *more, "--scale", "4", *words)
        assert done.returncode == 2
        assert "onnx uses a network" in done.stderr
        assert done.stdout == ""
    (folder / "sr").rename(folder / "bicubic")  # a folder of that name is a folder
    assert answer(folder, "hr", "bicubic", "--scale", "4", *words)["mean"] == found["mean"]


def test_intervals_hold_the_true_mean_as_often_as_they_say_and_few_images_get_a_note(folder: Path):
    random = np.random.default_rng(5)
    held = [low < 30 < high for low, high in map(mean_interval, random.normal(30, 2, (150, 40)))]
    assert 0.87 <= np.mean(held) <= 0.99
    assert mean_interval([30.0, 31.0]) is None
    assert any("too narrow" in note for note in answer(folder, "hr", "sr", "--scale", "4")["notes"])
