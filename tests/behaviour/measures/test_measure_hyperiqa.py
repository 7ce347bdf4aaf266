"""HyperIQA against the same network written a second time, and what its crops are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.errors import NoValue, RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.hyperiqa import MEASURE, hyperiqa, load, prepare
from groundglass.measures.measure_job import ask_of
from groundglass.models.architectures.hyperiqa import shapes
from groundglass.models.scorer import Place

torch = pytest.importorskip("torch")

import hyper_tools  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, hyper_tools.HyperNet]]:
    """Random weights in a file, and the network that they were taken from."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("hyper") / "koniq.safetensors"
    yield path, hyper_tools.save_hyper_net(path)
    torch.set_num_threads(before)


def normalised(crops: np.ndarray) -> torch.Tensor:
    levels = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (levels - mean[:, None, None]) / std[:, None, None]


def test_the_names_and_shapes_are_those_of_the_published_network(weights):
    state = weights[1].state_dict()
    own = {name: tuple(tensor.shape) for name, tensor in state.items() if "num_batches" not in name}
    assert own == shapes()


def test_values_are_those_of_the_network_written_the_plain_way(weights):
    path, plain = weights
    pictures = [prepare(open_frame(testing.png(testing.photo(260, 250, seed))), 3, False) for seed in (0, 1)]
    found = load(path, Place(), crops=3).score(
        np.stack([picture.pixels for picture in pictures]), [picture.about for picture in pictures]
    )
    with torch.no_grad():
        expected = [plain(normalised(picture.pixels)).mean().item() / 100 for picture in pictures]
    assert [row["hyperiqa"] for row in found] == pytest.approx(expected, abs=1e-6)
    assert abs(expected[0] - expected[1]) > 1e-4


def test_the_librarys_call_takes_a_file(weights):
    frame = open_frame(testing.png(testing.photo(224, 224)))
    alone = hyperiqa(frame, weights=str(weights[0]), device="cpu")
    with torch.no_grad():
        expected = weights[1](normalised(frame.rgb[None])).item() / 100
    assert alone["hyperiqa"] == pytest.approx(expected, abs=1e-6)


def test_crops_are_fixed_by_the_pixels_and_drawn_over_the_whole_picture():
    frame = open_frame(testing.png(testing.photo(500, 300)))
    first, again = prepare(frame, 25, False), prepare(open_frame(testing.png(frame.rgb)), 25, False)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.pixels.shape == (25, 224, 224, 3)
    assert sum(first.about) == 25
    assert len({crop.tobytes() for crop in first.pixels}) > 20
    other = prepare(open_frame(testing.png(testing.photo(500, 300, 1))), 25, False)
    assert other.pixels.shape[1:] == first.pixels.shape[1:]


def test_a_picture_of_one_crop_is_judged_once():
    picture = prepare(open_frame(testing.png(testing.photo(224, 224))), 25, False)
    assert picture.pixels.shape[0] == 1
    assert picture.about.tolist() == [25]


def test_as_the_authors_test_every_picture_is_first_made_one_size():
    picture = prepare(open_frame(testing.png(testing.photo(100, 90))), 25, True)
    assert picture.pixels.shape[1:] == (224, 224, 3)


def test_a_small_picture_has_no_value():
    with pytest.raises(NoValue, match="40 x 40 px"):
        prepare(open_frame(testing.png(testing.photo(40, 40))), 25, False)


def test_the_published_pickle_is_loaded_where_it_is_allowed(weights, tmp_path: Path):
    path = tmp_path / "koniq_pretrained.pkl"
    torch.save(weights[1].state_dict(), path)
    with pytest.raises(RecipeError, match="is a pickle"):
        ask_of(MEASURE, {"weights": str(path)})
    frame = open_frame(testing.png(testing.photo(224, 224)))
    told = {"weights": str(path), "allow_pickle": True, "device": "cpu"}
    assert hyperiqa(frame, **told) == hyperiqa(frame, weights=str(weights[0]), device="cpu")


def test_weights_of_another_network_are_refused_before_anything_is_loaded(tmp_path: Path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"conv1.0.weight": torch.zeros(3, 2), "res.conv1.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(RecipeError, match=r"missing: res\.bn1\.weight.* and 2\d\d more") as caught:
        ask_of(MEASURE, {"weights": str(path)})
    assert "res.conv1.weight is 64×3×3×3, not 64×3×7×7" in str(caught.value)


def test_the_key_is_of_content_and_settings(weights, tmp_path: Path):
    told = {"weights": str(weights[0])}
    key = ask_of(MEASURE, told).key
    copy = tmp_path / "renamed.safetensors"
    copy.write_bytes(weights[0].read_bytes())
    assert ask_of(MEASURE, {"weights": str(copy), "device": "cpu", "crops": 25}).key == key
    assert ask_of(MEASURE, told | {"crops": 10}).key != key
    hyper_tools.save_hyper_net(copy, seed=1)
    assert ask_of(MEASURE, {"weights": str(copy)}).key != key


def pyiqas_name(name: str) -> str:
    """An authors' name as pyiqa's module of the same network has it, told from its list of modules."""
    if name.startswith("res.lda"):
        number, rest = int(name[7]), name[9:]
        place = {"pool.0": "0", "fc": "2" if number == 4 else "3"}[rest.rpartition(".")[0]]
        return f"lda_modules.{number - 1}.{place}.{rest.rpartition('.')[2]}"
    if name.startswith("fc"):
        module = f"fc_{name[3]}_modules.{int(name[2]) - 1}"
        flat = "" if "conv" in name else ".2"
        return f"{module}{flat}.{name.rpartition('.')[2]}"
    return name.replace("res.", "base_model.")


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_pyiqas_file_is_read_by_its_names_and_on_its_scale(weights, tmp_path: Path, suffix: str):
    from safetensors.torch import save_file

    state = {pyiqas_name(name): tensor.contiguous() for name, tensor in weights[1].state_dict().items()}
    assert not any(name.startswith(("res.", "fc1")) for name in state)
    path = tmp_path / f"HyperIQA-resnet50-koniq10k.{suffix}"
    if suffix == "pth":
        torch.save({"params": state}, path)
    else:
        save_file(state, path)
    told = {"weights": str(path), "allow_pickle": suffix == "pth", "device": "cpu"}
    ask_of(MEASURE, told)
    frame = open_frame(testing.png(testing.photo(224, 224)))
    authors = hyperiqa(frame, weights=str(weights[0]), device="cpu")["hyperiqa"]
    assert hyperiqa(frame, **told)["hyperiqa"] == pytest.approx(100 * float(str(authors)))


def test_uniform_crops_are_pyiqas_grid(weights):
    """As `uniform_crop` of pyiqa takes them: steps of a fifth of the room, from the corner."""
    frame = open_frame(testing.png(testing.photo(500, 300)))
    down, across = (300 - 224) // 5, (500 - 224) // 5
    crops = [
        frame.rgb[i * down : i * down + 224, j * across : j * across + 224]
        for i in range(5)
        for j in range(5)
    ]
    picture = prepare(frame, "uniform", False)
    assert picture.about.tolist() == [1] * 25
    np.testing.assert_array_equal(picture.pixels, np.stack(crops))
    narrow = prepare(open_frame(testing.png(testing.photo(500, 226))), "uniform", False)
    assert narrow.about.tolist() == [5] * 5, "the same crop again counts again, and is judged once"
    key = ask_of(MEASURE, {"weights": str(weights[0]), "crops": "uniform"}).key
    assert key != ask_of(MEASURE, {"weights": str(weights[0])}).key
