"""The cost of `objects_sam` on a CPU: the whole path from the file, compared with the network's forward pass.

Weights are random, of the published sizes (SAM ViT-B, ViT-H), so the times are real and the counts are
meaningless. To judge as many masks as a network could ever propose, all three at each point are trusted.
The image is a PNG of 1024 x 768 px; it is opened, decoded and prepared again each time.

    python -m benchmarks.objects_networks [--size base|huge|both] [--threads N] [--repeats N]
        [--points-per-side N] [--save]
    python -m benchmarks.objects_networks --masks [--save]   # areas and boxes of masks at 1024 px, compared with torch
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.timing import processor, report
from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.measures.objects.segment_anything import load
from groundglass.models.architectures.mask_generator import point_grid
from groundglass.models.architectures.segment_anything import Segmenter, load_segmenter
from groundglass.models.architectures.upsampled_masks import areas_and_boxes
from groundglass.models.scorer import Place

SIZES = {
    "base": {},
    "huge": {
        "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "mlp_dim": 5120,
        "global_attn_indexes": [7, 15, 23, 31],
    },
}  # fmt: skip


def make(folder: Path, size: str) -> None:
    """A network of this size with random weights."""
    import torch
    from transformers import SamConfig, SamModel

    torch.manual_seed(0)
    SamModel(SamConfig(vision_config=SIZES[size])).save_pretrained(folder)
    said: dict[str, Any] = {
        "size": {"longest_edge": 1024}, "pad_size": {"height": 1024, "width": 1024}, "do_pad": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")


def forward(segmenter: Segmenter, pixels: np.ndarray, per_side: int) -> None:
    """The network alone, at every point."""
    points = point_grid(per_side) * segmenter.side
    for seen in segmenter.encode(pixels):
        for _ in segmenter.masks(seen, points, 64):
            pass


def seconds(work: Callable[[], object]) -> float:
    """The wall time of one call."""
    start = perf_counter()
    work()
    return perf_counter() - start


def measure(size: str, threads: int, repeats: int, per_side: int) -> dict[str, Any]:
    """One row of the table: path and forward in turn, so that other work on the machine slows both."""
    import torch

    torch.set_num_threads(threads)
    data = testing.png(testing.photo(1024, 768))
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), size)
        scorer = load(name, Place(), per_side, iou=-1e9, stability=0.0)  # every mask is judged
        segmenter = load_segmenter(name, Place())
    ready = scorer.prepare(open_frame(data))

    def path() -> object:
        prepared = scorer.prepare(open_frame(data))
        return scorer.score(prepared.pixels[None], [prepared.about])

    pairs = [
        (seconds(path), seconds(lambda: forward(segmenter, ready.pixels[None], per_side)))
        for _ in range(repeats)
    ]
    whole, alone = (float(np.median(column)) for column in zip(*pairs, strict=True))
    return {
        "network": f"SAM ViT-{size[0].upper()}, random weights", "threads": threads,
        "points": per_side**2, "pictures": repeats,
        "path_s": round(whole, 2), "forward_s": round(alone, 2), "forward/path": round(alone / whole, 3),
        "path_images/s": round(1 / whole, 4), "processor": processor(), "torch": torch.__version__,
    }  # fmt: skip


def discs(count: int) -> np.ndarray:
    """Logits of ellipses of 2 to 40 px half-axes on 256 x 256, with slopes as steep as a trained network's."""
    chance = np.random.default_rng(0)
    down, across = np.mgrid[:256, :256]
    made: list[np.ndarray] = []
    for _ in range(count):
        a, b = np.exp(chance.uniform(np.log(2), np.log(40), 2))
        x, y = chance.uniform(5, 250, 2)
        steep = np.exp(chance.uniform(np.log(5), np.log(40)))
        made.append(np.clip((1 - np.hypot((across - x) / a, (down - y) / b)) * min(a, b) * steep, -20, 20))
    return np.stack(made).astype(np.float32)


def upscale(logits: np.ndarray) -> Iterator[object]:
    """Areas and boxes by torch, which makes the upscaled masks."""
    import torch

    for some in torch.from_numpy(logits).split(16):
        large = torch.nn.functional.interpolate(some[None], (1024, 1024), mode="bilinear")[0]
        yield [(large > limit).sum((1, 2)) for limit in (1, 0, -1)]
        yield [(large > 0).any(axis).int().argmax(-1) for axis in (1, 2)]


def judge_masks(count: int = 320, repeats: int = 5) -> dict[str, Any]:
    """Milliseconds per mask on one thread, processor time, both in turn."""
    import torch

    torch.set_num_threads(1)
    logits = discs(count)
    areas_and_boxes(logits[:1], 1024, (1024, 1024))
    pairs = [
        (cpu(lambda: areas_and_boxes(logits, 1024, (1024, 1024))), cpu(lambda: list(upscale(logits))))
        for _ in range(repeats)
    ]
    twice = cpu(lambda: areas_and_boxes(logits, 1024, (768, 1024), picture=(3000, 4000)))
    twice = min(twice, cpu(lambda: areas_and_boxes(logits, 1024, (768, 1024), picture=(3000, 4000))))
    own, other = (1000 * float(np.median(column)) / count for column in zip(*pairs, strict=True))
    return {
        "masks": count, "own_ms": round(own, 3), "torch_ms": round(other, 3),
        "at_4000x3000_ms": round(1000 * twice / count, 3), "torch/own": round(other / own, 1),
        "processor": processor(), "torch": torch.__version__,
    }  # fmt: skip


def cpu(work: Callable[[], object]) -> float:
    """The processor time of one call."""
    start = process_time()
    work()
    return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[*SIZES, "both"], default="base")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--points-per-side", type=int, default=32)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--masks", action="store_true")
    given = parser.parse_args()
    if given.masks:
        report([judge_masks()], "objects_masks", given.save)
        return
    sizes = list(SIZES) if given.size == "both" else [given.size]
    rows = [measure(size, given.threads, given.repeats, given.points_per_side) for size in sizes]
    report(rows, "objects_networks_cpu", given.save)


if __name__ == "__main__":
    main()
