"""LPIPS, DISTS and FID against the same written a second time, with random weights; no number without weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2] / "flows"))
from flow_tools import groundglass, groundglass_process  # noqa: E402

import pair_tools  # noqa: E402
from groundglass import testing  # noqa: E402
from groundglass.measures.pairs import dists, lpips  # noqa: E402
from groundglass.measures.pairs.frechet import frechet_distance  # noqa: E402
from groundglass.measures.pairs.network_job import PAIR_NETWORKS  # noqa: E402
from groundglass.measures.pairs.pair_network import plain_name  # noqa: E402
from groundglass.models.architectures import inception  # noqa: E402
from groundglass.models.architectures.vgg_and_alexnet import ALEX, VGG  # noqa: E402

BACKBONES = {"alex": ALEX, "vgg": VGG}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos and their JPEGs, and the weights of every network in a folder of its own."""
    folder = tmp_path_factory.mktemp("pairs")
    for seed in range(3):
        pixels = testing.photo(76, 64, seed)
        for name, data in (("hr", testing.png(pixels)), ("sr", testing.jpeg(pixels, quality=20 + 30 * seed))):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{seed}.{'png' if name == 'hr' else 'jpg'}").write_bytes(data)
    for kind in BACKBONES:
        into = folder / "weights" / kind
        into.mkdir(parents=True)
        save_file(pair_tools.backbone_file(kind)[1], into / "backbone.safetensors")
        save_file(pair_tools.heads_file(kind), into / "heads.safetensors")
    (folder / "weights/dists").mkdir()
    save_file(pair_tools.backbone_file("vgg")[1], folder / "weights/dists/vgg16.safetensors")
    save_file(pair_tools.dists_file(), folder / "weights/dists/own.safetensors")
    save_file(pair_tools.seeded_inception().state_dict(), folder / "weights/inception.safetensors")
    return folder


def levels(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def pairs_of(folder: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    from groundglass.image.frame import open_frame

    files = [(folder / f"hr/{n}.png", folder / f"sr/{n}.jpg") for n in range(3)]
    return [(levels(open_frame(hr).rgb), levels(open_frame(sr).rgb)) for hr, sr in files]


def evaluate(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", *words, "--device", "cpu", "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", BACKBONES)
def test_lpips_is_its_definition(folder: Path, kind: str):
    layers, heads = pair_tools.backbone_file(kind)[0], pair_tools.heads_file(kind)
    expected = [pair_tools.plain_lpips(kind, layers, heads, x, y) for x, y in pairs_of(folder)]
    found = evaluate(folder, "--lpips", f"weights/{kind}")
    assert [row[f"lpips_{kind}"] for row in found["images"]] == pytest.approx(expected, rel=1e-4)
    assert found["mean"][f"lpips_{kind}"] == pytest.approx(np.mean(expected), rel=1e-4)
    assert expected[0] > 1.2 * expected[2] > 0


def test_dists_is_its_definition(folder: Path):
    layers = pair_tools.backbone_file("vgg")[0]
    expected = [pair_tools.plain_dists(layers, pair_tools.dists_file(), x, y) for x, y in pairs_of(folder)]
    found = evaluate(folder, "--dists", "weights/dists")
    assert [row["dists"] for row in found["images"]] == pytest.approx(expected, abs=2e-5)
    assert expected[0] > 1.2 * expected[2] > 0.001


def test_fid_is_its_definition(folder: Path):
    network = pair_tools.seeded_inception()
    with torch.no_grad():
        sets = [
            torch.cat([network(image) for image in side]).numpy()
            for side in zip(*pairs_of(folder), strict=True)
        ]
    found = evaluate(folder, "--fid", "weights/inception.safetensors")
    (mean, other_mean), (cov, other_cov) = (
        [f(s) for s in sets] for f in (lambda s: s.mean(0), lambda s: np.cov(s.T))
    )
    # In three dimensions only: the root of a product of 2,048 × 2,048 matrices of rank 2 is not stable.
    basis = np.linalg.qr(np.concatenate([s - s.mean(0) for s in sets]).T)[0]
    roots = sqrtm((basis.T @ cov @ basis) @ (basis.T @ other_cov @ basis)).real
    expected = ((mean - other_mean) ** 2).sum() + np.trace(cov) + np.trace(other_cov) - 2 * np.trace(roots)
    assert found["fid"]["value"] == pytest.approx(expected, rel=1e-3)
    assert found["fid"]["images"] == 3
    assert any("biased" in note for note in found["notes"])
    assert not any("features" in name for row in found["images"] for name in row)


def test_the_frechet_distance_is_its_formula_whatever_the_number_of_images():
    random = np.random.default_rng(0)
    for n, m in ((200, 150), (40, 200), (7, 5)):
        one = random.normal(0, 1, (n, 10)) @ random.normal(0, 1, (10, 10))
        other = random.normal(0.5, 1, (m, 10)) @ random.normal(0, 1, (10, 10))
        cov, other_cov = np.cov(one.T), np.cov(other.T)
        root = np.linalg.eigvals(cov @ other_cov).astype(complex) ** 0.5
        expected = (
            ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(cov + other_cov) - 2 * root.sum().real
        )
        assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-5)
        assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_equal_images_have_distance_0(folder: Path):
    with torch.inference_mode():
        image = pairs_of(folder)[0][0]
        tensors = pair_tools.backbone_file("vgg")[1] | pair_tools.dists_file() | pair_tools.heads_file("vgg")
        assert dists.dists(tensors, image, image) == pytest.approx(0, abs=1e-6)
        assert lpips.lpips(VGG, tensors, image, image) == 0


def test_strips_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    whole = evaluate(folder, "--lpips", "weights/alex", "--dists", "weights/dists")["mean"]
    monkeypatch.setattr(lpips, "STRIP", 5)
    monkeypatch.setattr(dists, "STRIP", 5)
    cut = evaluate(folder, "--lpips", "weights/alex", "--dists", "weights/dists")["mean"]
    assert cut == pytest.approx(whole, rel=1e-4)


def test_workers_give_the_same_and_several_networks_go_together(folder: Path):
    words = ["--lpips", "weights/alex", "--lpips", "weights/vgg", "--fid", "weights/inception.safetensors"]
    here = evaluate(folder, *words)
    command = ["evaluate", "hr", "sr", "--scale", "4", *words, "--device", "cpu", "--json", "--workers", "2"]
    there = json.loads(groundglass_process(folder, *command).stdout)
    for name in ("psnr_y", "lpips_alex", "lpips_vgg"):
        assert there["mean"][name] == pytest.approx(here["mean"][name], rel=1e-5)
    assert there["fid"]["value"] == pytest.approx(here["fid"]["value"], rel=1e-3)


def test_bicubic_upscaling_is_compared_too(folder: Path):
    done = groundglass(folder, "evaluate", "--bicubic", "hr", "-s", "4", "--lpips", "weights/alex", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mean"]["lpips_alex"] > 0


def test_names_and_shapes_are_those_of_the_published_files():
    """torchvision's alexnet-owt-7be5be79.pth and vgg16-397923af.pth, LPIPS 0.1, DISTS's weights.pt, pytorch-fid's."""
    assert {name: shape for name, shape in ALEX.shapes().items() if name.endswith("weight")} == {
        "features.0.weight": (64, 3, 11, 11),
        "features.3.weight": (192, 64, 5, 5),
        "features.6.weight": (384, 192, 3, 3),
        "features.8.weight": (256, 384, 3, 3),
        "features.10.weight": (256, 256, 3, 3),
    }
    numbers = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    widths = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    expected = {f"features.{n}.weight": (widths[i + 1], widths[i], 3, 3) for i, n in enumerate(numbers)}
    expected |= {f"features.{n}.bias": (widths[i + 1],) for i, n in enumerate(numbers)}
    assert VGG.shapes() == expected
    for kind, backbone in BACKBONES.items():
        channels = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}[kind]
        heads = {f"lin{n}.model.1.weight": (1, c, 1, 1) for n, c in enumerate(channels)}
        assert lpips.shapes(backbone) == backbone.shapes() | heads
        layers = pair_tools.backbone_file(kind)[0]
        own = {f"features.{name}": tuple(tensor.shape) for name, tensor in layers.state_dict().items()}
        assert own == backbone.shapes()
    own = dists.shapes().keys() - VGG.shapes().keys()
    assert {name: dists.shapes()[name] for name in own} == dict.fromkeys(("alpha", "beta"), (1, 1475, 1, 1))
    state = pair_tools.Inception().state_dict()
    counted = {name: tuple(tensor.shape) for name, tensor in state.items() if "num_batches" not in name}
    assert counted == inception.shapes()
    assert counted["Mixed_6b.branch7x7_2.conv.weight"] == (128, 128, 1, 7)
    assert counted["Mixed_7c.branch3x3dbl_3b.bn.running_var"] == (384,)


def test_the_state_of_the_packages_is_read_too(folder: Path, tmp_path: Path):
    """`torch.save(lpips.LPIPS(net="alex").state_dict(), …)`: one file, slices, doubled heads, buffers; a pickle."""
    ends = {"alex": (2, 5, 8, 10, 12)}
    state = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1), "scaling_layer.scale": torch.ones(1, 3, 1, 1)}
    for name, tensor in pair_tools.backbone_file("alex")[1].items():
        if name.startswith("features."):
            number = int(name.split(".")[1])
            part = next(n for n, end in enumerate(ends["alex"], 1) if number < end)
            state[name.replace("features", f"net.slice{part}")] = tensor
    for name, tensor in pair_tools.heads_file("alex").items():
        state |= {name: tensor, name.replace("lin", "lins."): tensor}
    path = tmp_path / "lpips_alex.pth"
    torch.save(state, path)
    refused = groundglass(folder, "evaluate", "hr", "sr", "-s", "4", "--lpips", str(path))
    assert refused.returncode == 2
    assert "is a pickle" in refused.stderr
    assert "--allow-pickle" in refused.stderr
    found = evaluate(folder, "--lpips", str(path), "--allow-pickle")
    plain = evaluate(folder, "--lpips", "weights/alex")
    assert found["mean"] == pytest.approx(plain["mean"])
    assert plain_name("stage3.10.weight") == "features.10.weight"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lpips", "nowhere"], ("alex.pth", "alexnet-owt-7be5be79.pth", "richzhang/PerceptualSimilarity")),
        (["--dists", "nowhere"], ("weights.pt", "vgg16-397923af.pth", "dingkeyan93/DISTS")),
        (["--fid", "nowhere"], ("pt_inception-2015-12-05-6726825d.pth", "mseitzer/pytorch-fid")),
        (["--lpips", "weights/alex/heads.safetensors"], ("neither AlexNet nor VGG-16", "alexnet-owt")),
        (["--lpips", "weights/alex/backbone.safetensors"], ("lin0.model.1.weight", "alex.pth")),
        (["--dists", "weights/vgg"], ("missing: alpha, beta", "weights.pt")),
        (["--fid", "weights/alex"], ("Conv2d_1a_3x3.conv.weight", "pt_inception")),
        (["--measures", "lpips"], ("--lpips WEIGHTS", "alex.pth")),
        (["--lpips", "weights/alex", "--device", "gpu"], ("no device 'gpu'",)),
    ],
)
def test_without_the_right_weights_there_is_no_number_but_what_is_needed(
    folder: Path, words: list[str], said: tuple[str, ...]
):
    done = groundglass(folder, "evaluate", "hr", "sr", "--scale", "4", *words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert all(part in done.stderr for part in said), done.stderr


def test_an_image_that_a_network_cannot_take_is_a_row_with_its_name(folder: Path, tmp_path: Path):
    for name in ("hr", "sr"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(testing.png(testing.photo(64, 64, 1)))
        (tmp_path / name / "small.png").write_bytes(testing.png(testing.photo(24, 24, 2)))
    done = groundglass(
        tmp_path, "evaluate", "hr", "sr", "-s", "4", "--lpips", str(folder / "weights/alex"), "--json"
    )
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert [row["error"] for row in found["images"]] == [
        None,
        "lpips: too_small: 24 × 24 px, lpips needs 32 px",
    ]
    assert found["images"][1]["ssim_y"] == 1
    assert any("lpips_alex: the mean of 1 of 2 images" in note for note in found["notes"])


def test_every_network_says_which_files_it_needs():
    assert PAIR_NETWORKS.keys() == {"lpips", "dists", "fid"}
    assert all("github.com/" in network.needs for network in PAIR_NETWORKS.values())
