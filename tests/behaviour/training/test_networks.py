"""Published networks: tensor names and shapes as their authors' files have them, and what they compute."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402
from torch.nn import functional  # noqa: E402

from groundglass.training.networks import NETWORKS, make_network  # noqa: E402
from groundglass.training.weights import load_weights  # noqa: E402

EDSR_BASELINE = """
sub_mean.weight 3 3 1 1
sub_mean.bias 3
add_mean.weight 3 3 1 1
add_mean.bias 3
head.0.weight 64 3 3 3
head.0.bias 64
body.0-15.body.0.weight 64 64 3 3
body.0-15.body.0.bias 64
body.0-15.body.2.weight 64 64 3 3
body.0-15.body.2.bias 64
body.16.weight 64 64 3 3
body.16.bias 64
tail.1.weight 3 64 3 3
tail.1.bias 3
"""
EDSR_LARGE = """
sub_mean.weight 3 3 1 1
sub_mean.bias 3
add_mean.weight 3 3 1 1
add_mean.bias 3
head.0.weight 256 3 3 3
head.0.bias 256
body.0-31.body.0.weight 256 256 3 3
body.0-31.body.0.bias 256
body.0-31.body.2.weight 256 256 3 3
body.0-31.body.2.bias 256
body.32.weight 256 256 3 3
body.32.bias 256
tail.1.weight 3 256 3 3
tail.1.bias 3
"""
MSRRESNET = """
conv_first.weight 64 3 3 3
conv_first.bias 64
body.0-15.conv1.weight 64 64 3 3
body.0-15.conv1.bias 64
body.0-15.conv2.weight 64 64 3 3
body.0-15.conv2.bias 64
conv_hr.weight 64 64 3 3
conv_hr.bias 64
conv_last.weight 3 64 3 3
conv_last.bias 3
"""
TABLES = {
    ("edsr", 2): EDSR_BASELINE + "tail.0.0.weight 256 64 3 3\ntail.0.0.bias 256",
    ("edsr", 3): EDSR_BASELINE + "tail.0.0.weight 576 64 3 3\ntail.0.0.bias 576",
    ("edsr", 4): EDSR_BASELINE
    + "tail.0.0.weight 256 64 3 3\ntail.0.0.bias 256\ntail.0.2.weight 256 64 3 3\ntail.0.2.bias 256",
    ("edsr_large", 2): EDSR_LARGE + "tail.0.0.weight 1024 256 3 3\ntail.0.0.bias 1024",
    ("edsr_large", 3): EDSR_LARGE + "tail.0.0.weight 2304 256 3 3\ntail.0.0.bias 2304",
    ("edsr_large", 4): EDSR_LARGE
    + "tail.0.0.weight 1024 256 3 3\ntail.0.0.bias 1024\ntail.0.2.weight 1024 256 3 3\ntail.0.2.bias 1024",
    ("msrresnet", 2): MSRRESNET + "upconv1.weight 256 64 3 3\nupconv1.bias 256",
    ("msrresnet", 3): MSRRESNET + "upconv1.weight 576 64 3 3\nupconv1.bias 576",
    ("msrresnet", 4): MSRRESNET
    + "upconv1.weight 256 64 3 3\nupconv1.bias 256\nupconv2.weight 256 64 3 3\nupconv2.bias 256",
}
"""EDSR: sanghyun-son/EDSR-PyTorch, src/model/edsr.py and common.py. MSRResNet: BasicSR, archs/srresnet_arch.py."""


def table(text: str) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for line in text.split("\n"):
        if not line:
            continue
        name, *sides = line.split()
        numbers = re.search(r"\.(\d+)-(\d+)\.", name)
        several = range(int(numbers[1]), int(numbers[2]) + 1) if numbers else [None]
        for number in several:
            whole = name if number is None else re.sub(r"\.\d+-\d+\.", f".{number}.", name)
            shapes[whole] = tuple(map(int, sides))
    return shapes


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.parametrize(("name", "scale"), TABLES)
def test_tensors_have_the_names_and_shapes_of_their_authors_files(name, scale):
    with torch.device("meta"):
        network = NETWORKS[name](scale)
    assert shapes_of(network) == table(TABLES[name, scale])


@pytest.mark.parametrize(
    ("name", "scale", "millions"),
    [("edsr", 2, 1.369859), ("edsr", 4, 1.517571), ("edsr_large", 2, 40.729603), ("msrresnet", 4, 1.517571)],
)
def test_networks_have_as_many_parameters_as_published(name, scale, millions):
    with torch.device("meta"):
        network = NETWORKS[name](scale)
    trained = sum(value.numel() for key, value in network.named_parameters() if "_mean." not in key)
    assert trained == round(millions * 1e6)


def by_hand(state, name, x):
    return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_edsr_computes_what_its_paper_says(scale):
    """Values up to 255 less the mean colour, features plus body, pixel shuffle, mean colour back."""
    network = make_network("edsr", scale, seed=3)
    state = network.state_dict()
    lr = torch.rand(1, 3, 7, 9)
    mean = torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None] * 255
    head = x = by_hand(state, "head.0", lr * 255 - mean)
    for number in range(16):
        inner = by_hand(state, f"body.{number}.body.0", x).relu()
        x = x + by_hand(state, f"body.{number}.body.2", inner)
    x = head + by_hand(state, "body.16", x)
    for layer in ("tail.0.0", "tail.0.2"):
        if f"{layer}.weight" in state:
            x = functional.pixel_shuffle(by_hand(state, layer, x), 2 if scale == 4 else scale)
    wanted = (by_hand(state, "tail.1", x) + mean) / 255
    with torch.no_grad():
        torch.testing.assert_close(network(lr), wanted, atol=1e-4, rtol=1e-4)
    assert wanted.shape == (1, 3, 7 * scale, 9 * scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_msrresnet_computes_what_basicsr_does(scale):
    """Leaky ReLU of 0.1 behind every convolution but the last, over bilinear upscaling."""
    network = make_network("msrresnet", scale, seed=3)
    state = network.state_dict()
    lr = torch.rand(1, 3, 7, 9)

    def leaky(x):
        return torch.where(x > 0, x, x * 0.1)

    x = leaky(by_hand(state, "conv_first", lr))
    for number in range(16):
        x = x + by_hand(state, f"body.{number}.conv2", by_hand(state, f"body.{number}.conv1", x).relu())
    for layer in ("upconv1", "upconv2"):
        if f"{layer}.weight" in state:
            x = leaky(functional.pixel_shuffle(by_hand(state, layer, x), 2 if scale == 4 else scale))
    x = by_hand(state, "conv_last", leaky(by_hand(state, "conv_hr", x)))
    wanted = x + functional.interpolate(lr, scale_factor=scale, mode="bilinear")
    with torch.no_grad():
        torch.testing.assert_close(network(lr), wanted, atol=1e-5, rtol=1e-5)


def test_the_large_edsr_adds_a_tenth_of_each_block():
    with torch.device("meta"):
        blocks = list(NETWORKS["edsr_large"](2).body)[:-1]
    assert {block.strength for block in blocks} == {0.1}


def test_weights_load_from_every_way_they_are_published(tmp_path: Path):
    trained = make_network("msrresnet", 2, seed=1)
    state = trained.state_dict()
    torch.save({"params": state}, tmp_path / "a.pth")
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "b.pt")
    torch.save(
        {"params": make_network("msrresnet", 2, seed=2).state_dict(), "params_ema": state}, tmp_path / "c.pth"
    )
    save_file(state, tmp_path / "d.safetensors")
    for file in sorted(tmp_path.iterdir()):
        network = make_network("msrresnet", 2, seed=7)
        load_weights(network, file)
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items()), file.name


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_edsr_loads_under_basicsr_names_too(tmp_path: Path, scale):
    state = make_network("edsr", scale, seed=1).state_dict()
    basicsr = {
        "conv_first.weight": state["head.0.weight"],
        "conv_first.bias": state["head.0.bias"],
        "conv_after_body.weight": state["body.16.weight"],
        "conv_after_body.bias": state["body.16.bias"],
        "conv_last.weight": state["tail.1.weight"],
        "conv_last.bias": state["tail.1.bias"],
    }
    for kind in ("weight", "bias"):
        for number in range(16):
            basicsr[f"body.{number}.conv1.{kind}"] = state[f"body.{number}.body.0.{kind}"]
            basicsr[f"body.{number}.conv2.{kind}"] = state[f"body.{number}.body.2.{kind}"]
        for layer in (0, 2) if scale == 4 else (0,):
            basicsr[f"upsample.{layer}.{kind}"] = state[f"tail.0.{layer}.{kind}"]
    torch.save({"params": basicsr}, tmp_path / "edsr.pth")
    network = make_network("edsr", scale, seed=7)
    load_weights(network, tmp_path / "edsr.pth")
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("body.3.conv1.bias"), "body.3.conv1.bias is missing"),
        (lambda state: state.update({"conv_up.weight": torch.zeros(1)}), "conv_up.weight is unknown"),
        (lambda state: state.update({"conv_hr.bias": torch.zeros(32)}), "conv_hr.bias is 32, not 64"),
    ],
)
def test_other_weights_are_refused_by_the_first_tensor_that_does_not_fit(tmp_path: Path, change, said):
    state = dict(make_network("msrresnet", 2).state_dict())
    change(state)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=rf"^odd\.pth holds another network: {re.escape(said)}$"):
        load_weights(make_network("msrresnet", 2), tmp_path / "odd.pth")


def test_a_file_of_another_scale_or_network_or_of_no_network_is_refused(tmp_path: Path):
    torch.save(make_network("msrresnet", 4).state_dict(), tmp_path / "x4.pth")
    with pytest.raises(ValueError, match=r"upconv2\.weight is unknown"):
        load_weights(make_network("msrresnet", 2), tmp_path / "x4.pth")
    with pytest.raises(ValueError, match=r"sub_mean\.weight is missing"):
        load_weights(make_network("edsr", 2), tmp_path / "x4.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ValueError, match=r"text\.pth cannot be read as weights"):
        load_weights(make_network("edsr", 2), tmp_path / "text.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list\.pth holds no tensors by name"):
        load_weights(make_network("edsr", 2), tmp_path / "list.pth")


def test_an_unknown_network_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"no network 'edsr_larg'; did you mean 'edsr_large'\?"):
        make_network("edsr_larg", 2)
    with pytest.raises(ValueError, match="upscale by 2, 3, 4, not by 5"):
        make_network("edsr", 5)


def test_first_weights_follow_from_the_seed_and_leave_other_random_numbers_alone():
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (make_network("quick", 2, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), wanted)
    assert torch.equal(one["first.weight"], same["first.weight"])
    assert not torch.equal(one["first.weight"], other["first.weight"])
