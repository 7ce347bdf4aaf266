"""Counting by Segment Anything, on networks of a few random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.catalog import Value
from groundglass.errors import ImageError, NoValue
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.objects.segment_anything import MEASURE, load, objects_sam, settle
from groundglass.models.architectures.box_nms import best_boxes
from groundglass.models.architectures.mask_generator import point_grid
from groundglass.models.architectures.segment_anything import load_segmenter
from groundglass.models.scorer import Place, Scorer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tiny_models  # noqa: E402

SETTINGS = {"points_per_side": 6, "iou": 0.5, "stability": 0.6, "nms": 0.9, "mask_side": 64}
MAKERS = {"sam": tiny_models.sam, "sam2": tiny_models.sam2, "sam3": tiny_models.sam3_tracker}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


def frame(width: int = 120, height: int = 90, seed: int = 0) -> Frame:
    return open_frame(testing.png(testing.photo(width, height, seed=seed)))


def scores(scorer: Scorer, *frames: Frame) -> list[dict[str, Value]]:
    prepared = [scorer.prepare(one) for one in frames]
    return scorer.score(np.stack([one.pixels for one in prepared]), [one.about for one in prepared])


@pytest.mark.parametrize("nms", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(64, 64), (64, 48), (64, 32)])
def test_the_count_is_that_of_transformers_own_filter(
    folders: dict[str, Path], size: tuple[int, int], seed: int, nms: float
):
    """On pictures of the network's own size, where masks are judged at the same size by both."""
    picture = frame(*size, seed=seed)
    scorer = load(folders["sam"], Place(), **{**SETTINGS, "nms": nms})
    processor = transformers.SamImageProcessorPil.from_pretrained(folders["sam"])
    network = transformers.SamModel.from_pretrained(folders["sam"]).eval()
    inputs = processor(picture.rgb, return_tensors="pt")
    points = torch.tensor(point_grid(6) * inputs["reshaped_input_sizes"][0].tolist()[::-1])
    with torch.no_grad():
        answer = network(pixel_values=inputs["pixel_values"], input_points=points[None, :, None].float())
    masks = processor.post_process_masks(
        answer.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"], binarize=False
    )[0]
    whole = [0, 0, *size]
    kept, trust, boxes = processor.filter_masks(
        masks, answer.iou_scores[0], size[::-1], whole, pred_iou_thresh=0.5, stability_score_thresh=0.6
    )
    ends = np.add(boxes.double().numpy(), (0, 0, 1, 1))  # theirs leave out the last row and column
    different = best_boxes(ends, trust.double().numpy(), nms)
    assert len(kept) > 5
    assert scores(scorer, picture)[0]["objects_sam"] == len(different)


@pytest.mark.parametrize("size", [(64, 64), (120, 81), (48, 35), (81, 200)])
@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_by_default_the_count_is_the_authors_at_the_pictures_own_size(
    folders: dict[str, Path], name: str, size: tuple[int, int]
):
    """Masks are enlarged to the photograph's size as transformers' processors do it, then judged there."""
    settings = {**SETTINGS, "mask_side": 0, "nms": 0.7}
    picture = frame(*size, seed=3)
    segmenter = load_segmenter(folders[name], Place())
    scorer = load(folders[name], Place(), **settings)
    prepared = scorer.prepare(picture)
    height, width = segmenter.preparation.size(picture.height, picture.width)
    (seen,) = segmenter.encode(prepared.pixels[None])
    points = point_grid(6) * (width, height)
    logits, trust = (torch.cat(parts) for parts in zip(*segmenter.masks(seen, points, 64), strict=True))
    square = (segmenter.side, segmenter.side)
    large = logits[:, None]
    if name == "sam":
        large = torch.nn.functional.interpolate(large, square, mode="bilinear")[..., :height, :width]
    large = torch.nn.functional.interpolate(large, (picture.height, picture.width), mode="bilinear")[:, 0]
    stable = (large > 1).sum((1, 2)) / (large > -1).sum((1, 2)).clip(1)
    good = (trust > 0.5) & (stable >= 0.6) & (large > 0).any(1).any(1)
    boxes = []
    for mask in (large[good] > 0).numpy():
        rows, columns = np.nonzero(mask)
        boxes.append([columns.min(), rows.min(), columns.max(), rows.max()])
    kept = best_boxes(np.array(boxes, float).reshape(-1, 4), trust[good].double().numpy(), 0.7)
    assert good.sum() > 3
    assert scores(scorer, picture)[0]["objects_sam"] == len(kept)


@pytest.mark.parametrize("name", MAKERS)
def test_counts_do_not_depend_on_the_batches(folders: dict[str, Path], name: str):
    """Tiles of one photograph together, alone, and with other numbers of points at once."""
    photo = frame(160, 120)
    tiles = [photo.at(f"crop({x},{y},80,60)") for x in (0, 80) for y in (0, 60)]
    scorer = load(folders[name], Place(), **SETTINGS)
    together = scores(scorer, *tiles)
    assert together == [scores(scorer, tile)[0] for tile in tiles]
    assert together == scores(load(folders[name], Place(), points_at_once=5, **SETTINGS), *tiles)
    assert len({one["objects_cover"] for one in together}) > 1
    for one in together:
        assert one.keys() == MEASURE.columns.keys()
        assert type(one["objects_sam"]) is int
        assert 0 <= float(str(one["objects_cover"])) <= 1


def test_stricter_wishes_leave_no_more_masks(folders: dict[str, Path]):
    def count(**wishes: float) -> int:
        scorer = load(folders["sam"], Place(), **{**SETTINGS, "nms": 1.0, **wishes})
        return sum(int(str(one["objects_sam"])) for one in scores(scorer, frame(), frame(seed=1)))

    plain = count()
    assert plain > count(iou=20.0) > count(iou=1e6) == 0
    assert plain > count(stability=0.95)
    assert plain > count(nms=0.7)


@pytest.mark.parametrize("size", [(40, 40), (33, 200), (400, 32)])
def test_a_small_picture_has_a_value(folders: dict[str, Path], size: tuple[int, int]):
    value = scores(load(folders["sam"], Place(), **SETTINGS), frame(*size))[0]
    assert 0 <= float(str(value["objects_cover"])) <= 1


def test_a_tiny_picture_has_none(folders: dict[str, Path]):
    with pytest.raises(NoValue, match="too_small: 400 x 31 px"):
        load(folders["sam"], Place(), **SETTINGS).prepare(frame(400, 31))


def test_a_broken_network_is_an_error_and_never_a_count(folders: dict[str, Path], tmp_path: Path):
    network = transformers.SamModel.from_pretrained(folders["sam"])
    with torch.no_grad():
        network.mask_decoder.iou_prediction_head.proj_out.bias.fill_(float("nan"))
    network.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_bytes(
        (folders["sam"] / "preprocessor_config.json").read_bytes()
    )
    with pytest.raises(ImageError, match="not numbers"):
        scores(load(tmp_path, Place(), **SETTINGS), frame())


def test_the_measure_finds_its_network_by_itself(folders: dict[str, Path]):
    found = objects_sam(frame(), weights=str(folders["sam"]), device="cpu", **SETTINGS)
    assert found == scores(load(folders["sam"], Place(), **SETTINGS), frame())[0]


def test_how_many_points_are_asked_at_once_is_no_part_of_the_key():
    few, many = (settle(None, points_at_once=n, iou=0.8) for n in (8, 64))
    assert few.key == many.key == {"iou": 0.8}
    assert few.settings["points_at_once"] == 8
