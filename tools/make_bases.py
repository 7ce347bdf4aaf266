"""Train the bases that `groundglass prove --preset quick|standard` starts from.

    python tools/make_bases.py CID22/CID22-512/training --score-on Urban100 --score-on BSD100

A base is written only if it restores the scored images better than the closed form of the preset `instant` does when
that one is solved on the same photos: a base that has not got beyond a linear filter would measure how fast networks
start, not what images teach.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from groundglass.measures.pairs.psnr_ssim import rgb_to_y
from groundglass.proofs.instant.moments import SCORING, moments
from groundglass.proofs.instant.regressor import psnr_of
from groundglass.training.compact import Compact
from groundglass.training.train import BASE_TRAININGS, make_pool, save_base, score, train

BASES = Path(__file__).resolve().parents[1] / "src/groundglass/proofs/bases"


def images_in(folders: list[Path]) -> list[np.ndarray]:
    """Every PNG below some folders, as RGB."""
    files = sorted(file for folder in folders for file in folder.rglob("*.png"))
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def main() -> None:
    """Train both bases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="sharp, uncompressed photos with a free licence")
    parser.add_argument("--score-on", type=Path, action="append", required=True, help="images to score on")
    parser.add_argument(
        "--licence", default="CC BY-SA 4.0 (CID22, Cloudinary)", help="what the photos' licence is"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(1)  # more threads would sum in another order, and the files would differ
    photos, scored = images_in([chosen.photos]), images_in(chosen.score_on)
    taken = np.stack([moments(rgb_to_y(photo)) for photo in photos])
    wanted = np.stack([moments(rgb_to_y(image), SCORING) for image in scored])
    linear = float(psnr_of(taken, np.ones((1, len(photos))), wanted).mean())
    print(f"closed form, {len(photos)} photos: {linear:.3f} dB on {len(scored)} images")
    for name, recipe in BASE_TRAININGS.items():
        torch.manual_seed(0)
        network = Compact(recipe.size)
        torch.nn.init.zeros_(network.last.weight)  # it starts as bicubic upscaling
        train(network, make_pool(photos, recipe.patch), np.ones(len(photos)), recipe, seed=0)
        reached = float(score(network, scored, centre=1 << 20).mean())
        print(f"{name}, {recipe.iterations} iterations: {reached:.3f} dB")
        if reached > linear:
            about = {"photos": f"{len(photos)} of {chosen.photos.name}", "licence": chosen.licence}
            save_base(network, BASES / f"{name}.safetensors", about | {"psnr": f"{reached:.3f}"})


if __name__ == "__main__":
    main()
