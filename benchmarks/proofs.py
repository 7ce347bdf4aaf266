"""What a proof says of damage that is known, and how often it calls random halves different.

    python -m benchmarks.proofs PHOTOS SCORED… [--preset instant] [--pairs 20] [--save]

PHOTOS are clean photos, SCORED folders of images to score on (each is reported alone). Every photo is also encoded as
JPEG of quality 75 and 30, and halved and upscaled again; each of these is compared with the clean photos. Then random
halves are compared with each other: none should be called different.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import save
from groundglass.engines.progress import Silent
from groundglass.engines.shards import Settings
from groundglass.image.frame import open_frame
from groundglass.image.resize import crop_to_multiple, resize
from groundglass.proofs.comparison import (
    LIMIT,
    Effect,
    Score,
    null_of,
    same_photos_effect,
    selection_effect,
)
from groundglass.proofs.instant.measure import moments_of
from groundglass.proofs.instant.regressor import psnr_of
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.scored import scored_moments
from groundglass.proofs.trained import (
    SECONDS,
    Train,
    TrainedScore,
    images_of,
    middle_of,
    pixels_of,
)
from groundglass.random_streams import stream
from groundglass.training.pool_file import write_pool

Pixels = NDArray[Any]


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def fake(rgb: Pixels) -> Pixels:
    whole = np.ascontiguousarray(crop_to_multiple(rgb, 2))
    height, width = whole.shape[:2]
    small = resize(whole, width // 2, height // 2, "matlab_bicubic")
    return resize(small, width, height, "matlab_bicubic")


DAMAGE: dict[str, Callable[[Pixels], Pixels]] = {
    "JPEG quality 75": lambda rgb: jpeg(rgb, 75),
    "JPEG quality 30": lambda rgb: jpeg(rgb, 30),
    "halved, then upscaled": fake,
}


def png(rgb: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    return file.getvalue()


def instant(units: list[bytes], scored: list[bytes], _place: Path) -> Score:
    photos = np.stack([np.frombuffer(moments_of(open_frame(unit))["moments"], np.float32) for unit in units])
    images = np.stack(
        [np.frombuffer(scored_moments(open_frame(image))["moments"], np.float32) for image in scored]
    )
    return lambda shares, _seeds: psnr_of(photos, shares, images)


def trained(preset: str) -> Callable[[list[bytes], list[bytes], Path], Score]:
    def score(units: list[bytes], scored: list[bytes], place: Path) -> Score:
        job = Train(preset, place / "pool.safetensors", place / "scored.npz", place / "results")
        pixels = (images_of(pixels_of(open_frame(unit))["pixels"]) for unit in units)
        write_pool(job.pool, pixels, [False] * len(units))
        middles = [images_of(middle_of(open_frame(image))["pixels"])[0] for image in scored]
        np.savez(job.scored, *middles)
        settings = Settings(seconds_per_image=SECONDS, shard=1, engine="inline")
        return TrainedScore(job, len(scored), settings, lambda _title: Silent())

    return score


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("scored", type=Path, nargs="+")
    parser.add_argument("--preset", choices=list(PRESETS), default="instant")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--save", action="store_true")
    chosen = parser.parse_args()
    preset = PRESETS[chosen.preset]
    make = instant if chosen.preset == "instant" else trained(chosen.preset)
    clean = [open_frame(path).rgb for path in sorted(chosen.photos.iterdir())]
    count = len(clean)
    rows: list[dict[str, Any]] = []
    for folder in chosen.scored:
        scored = [path.read_bytes() for path in sorted(folder.glob("*.png"))]
        with tempfile.TemporaryDirectory() as place:
            begun = process_time()
            units = [png(damage(rgb)) for damage in (np.asarray, *DAMAGE.values()) for rgb in clean]
            score = make(units, scored, Path(place))
            photos = np.tile(np.arange(count), 1 + len(DAMAGE))
            random = stream(0, "benchmark")

            def row(name: str, effect: Effect, kind: str = chosen.preset, on: str = folder.name) -> None:
                found = {"effect_db": effect.effect, "null_sd": effect.null_sd, "se_scored": effect.se_scored}
                rounded = {key: round(value, 4) for key, value in found.items()}
                rows.append(
                    {"preset": kind, "scored_on": on, "compared": name, **rounded, "z": round(effect.z, 2)}
                )

            for number, name in enumerate(DAMAGE, 1):
                arm, against = np.arange(count) + number * count, np.arange(count)
                row(name, same_photos_effect(score, arm, against, photos, preset, random))
            half = count // 2
            null = null_of(score, np.arange(count), photos, half, half, preset, random)
            alarms = 0
            for pair in range(chosen.pairs):
                order = stream(pair, "pair").permutation(count)
                arms = order[:half], order[half : 2 * half]
                effect = selection_effect(score, *arms, photos, preset, random, null)
                alarms += effect.z > LIMIT
                if pair == 0:
                    row("a random half against the other", effect)
            rows.append(
                {
                    "preset": chosen.preset,
                    "scored_on": folder.name,
                    "compared": f"{chosen.pairs} pairs of random halves: called different",
                    "effect_db": alarms,
                    "null_sd": round(null, 4),
                    "se_scored": "",
                    "z": f"{process_time() - begun:.0f} CPU s in all",
                }
            )
    for each in rows:
        print(*each.values(), sep="  ")
    if chosen.save:
        save(f"proofs_{chosen.preset}", rows)


if __name__ == "__main__":
    main()
