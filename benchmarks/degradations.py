"""Our chain of Real-ESRGAN's preset, beside the same order restated with torch's CPU operations. One thread.

    python -m benchmarks.degradations [--save] [--images 40]

Both do the same drawn steps on the same photos of 400 × 400 px, the size that Real-ESRGAN crops to. The restatement
follows `RealESRGANModel.feed_data`: every kernel is padded to 21 × 21, noise and resizing are torch's, JPEG is the
differentiable one in plain tensor operations (BasicSR's DiffJPEG, written again from its description). The unsharp mask
is left out of both: torch needs a kernel of 51 × 51 for it, which would flatter us.

The second number is the time of the whole chain, with all draws and records, over the time inside its calls of OpenCV
and of libjpeg-turbo. All times are of the processor, so other processes on the machine do not count.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.timing import pin_to_one_core, processor, report
from groundglass import libraries, testing
from groundglass.degradations.chains import Applied, degrade
from groundglass.degradations.kernels import kernel, low_pass
from groundglass.degradations.otf import chain_of
from groundglass.degradations.presets import PRESETS
from groundglass.random_streams import stream

SIDE = 400
CV2 = (
    "GaussianBlur",
    "filter2D",
    "resize",
    "randn",
    "add",
    "LUT",
    "multiply",
    "scaleAdd",
    "merge",
    "cvtColor",
    "calcHist",
)
JPEG = ("encode_jpeg", "decode_jpeg")

# Annex K of the JPEG standard, transposed as DiffJPEG has it.
_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_CHROMA = np.full((8, 8), 99)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_COSINES = (
    np.cos((2 * np.arange(8)[:, None] + 1) * np.arange(8) * np.pi / 16)
    * np.where(np.arange(8), 1, 0.5**0.5)
    / 2
)
_DCT = torch.tensor(np.einsum("xu,yv->xyuv", _COSINES, _COSINES), dtype=torch.float32)


def in_torch(image: torch.Tensor, steps: list[Applied]) -> torch.Tensor:
    """The steps on 1×3×H×W from 0 to 1."""
    for one in steps:
        image = _STEPS[one.name](image, one.settings)
    return (image.clamp(0, 1) * 255).round() / 255


def _filtered(image: torch.Tensor, weights: np.ndarray) -> torch.Tensor:
    pad = (21 - weights.shape[0]) // 2
    full = torch.tensor(np.pad(weights, pad), dtype=torch.float32).expand(3, 1, 21, 21)
    # Reflection needs sides above its width; Real-ESRGAN's crops always have them.
    mode = "reflect" if min(image.shape[2:]) > 10 else "replicate"
    return functional.conv2d(functional.pad(image, (10, 10, 10, 10), mode=mode), full, groups=3)


def _blur(image: torch.Tensor, s: dict[str, Any]) -> torch.Tensor:
    sigma_y = s["sigma_x"] if s["sigma_y"] is None else s["sigma_y"]
    return _filtered(image, kernel(s["sigma_x"], sigma_y, s["angle"], s["shape"], s["beta"], s["side"]))


def _resize(image: torch.Tensor, s: dict[str, Any]) -> torch.Tensor:
    return functional.interpolate(image, size=(s["height"], s["width"]), mode=s["kernel"])


def _gaussian(image: torch.Tensor, s: dict[str, Any]) -> torch.Tensor:
    shape = (1, 1, *image.shape[2:]) if s["grey"] else image.shape
    return (image + torch.randn(shape) * (s["sigma"] / 255)).clamp(0, 1)


def _poisson(image: torch.Tensor, s: dict[str, Any]) -> torch.Tensor:
    light = image
    if s["grey"]:
        light = (image * torch.tensor([0.2989, 0.587, 0.114])[None, :, None, None]).sum(1, keepdim=True)
    light = (light * 255).round().clamp(0, 255) / 255
    levels = 2 ** np.ceil(np.log2(len(torch.unique(light))))
    return (image + (torch.poisson(light * levels) / levels - light) * s["scale"]).clamp(0, 1)


def _jpeg(image: torch.Tensor, s: dict[str, Any]) -> torch.Tensor:
    height, width = image.shape[2:]
    padded = functional.pad(image.clamp(0, 1), (0, -width % 16, 0, -height % 16)) * 255
    factor = (5000 / s["quality"] if s["quality"] < 50 else 200 - 2 * s["quality"]) / 100
    r, g, b = padded[0]
    planes = [
        0.299 * r + 0.587 * g + 0.114 * b,
        128 - 0.168736 * r - 0.331264 * g + 0.5 * b,
        128 + 0.5 * r - 0.418688 * g - 0.081312 * b,
    ]
    planes[1:] = [functional.avg_pool2d(plane[None, None], 2)[0, 0] for plane in planes[1:]]
    y, cb, cr = (
        _quantised(plane, torch.tensor(np.maximum(table * factor, 1), dtype=torch.float32))
        for plane, table in zip(planes, (_LUMA, _CHROMA, _CHROMA), strict=True)
    )
    cb, cr = (plane.repeat_interleave(2, 0).repeat_interleave(2, 1) - 128 for plane in (cb, cr))
    rgb = torch.stack((y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb))
    return (rgb.clamp(0, 255) / 255)[None, :, :height, :width]


def _quantised(plane: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    height, width = plane.shape
    blocks = plane.reshape(height // 8, 8, width // 8, 8).permute(0, 2, 1, 3).reshape(-1, 8, 8) - 128
    coefficients = (torch.tensordot(blocks, _DCT, dims=2) / table).round() * table
    back = torch.tensordot(coefficients, _DCT.permute(2, 3, 0, 1), dims=2) + 128
    return back.reshape(height // 8, width // 8, 8, 8).permute(0, 2, 1, 3).reshape(height, width)


_STEPS: dict[str, Callable[[torch.Tensor, dict[str, Any]], torch.Tensor]] = {
    "kernel_blur": _blur,
    "sinc": lambda image, s: _filtered(image, low_pass(s["cutoff"], s["side"])),
    "resize_to": _resize,
    "gaussian_noise": _gaussian,
    "poisson_noise": _poisson,
    "jpeg": _jpeg,
}


class Clock:
    """The time inside calls of OpenCV and simplejpeg, while it is installed."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def install(self) -> None:
        for library, names in ((libraries.cv2, CV2), (libraries.simplejpeg, JPEG)):
            for name in names:
                library.__dict__[name] = self._timed(getattr(library, name))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return call(*given, **named)
            finally:
                self.seconds += time.process_time() - start

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--images", type=int, default=40)
    given = parser.parse_args()
    pin_to_one_core()
    torch.set_num_threads(1)
    otf = PRESETS["realesrgan-x4plus"].otf
    assert otf is not None
    chain = chain_of(replace(otf, usm_radius=None))
    photos = [testing.photo(SIDE, SIDE, seed) for seed in range(given.images)]
    tensors = [torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255 for photo in photos]
    drawn = [degrade(photo, chain, stream(seed))[1] for seed, photo in enumerate(photos)]
    in_torch(tensors[0], drawn[0])
    ours = [timed(lambda i=i: degrade(photos[i], chain, stream(i))) for i in range(given.images)]
    theirs = [timed(lambda i=i: in_torch(tensors[i], drawn[i])) for i in range(given.images)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock = Clock()
    clock.install()
    start = time.process_time()
    for _ in range(3):
        for seed, photo in enumerate(photos):
            degrade(photo, chain, stream(seed))
    whole = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    row = {
        "images": given.images,
        "ours, ms": f"{1000 * np.mean(ours):.1f}",
        "torch, ms": f"{1000 * np.mean(theirs):.1f}",
        "times as fast": f"{np.sum(theirs) / np.sum(ours):.2f}",
        "over OpenCV and JPEG": f"{whole / clock.seconds:.2f}",
        "memory grown, MB": f"{grown:.0f}",
        "processor": processor(),
    }
    report([row], "degradations", given.save)


def timed(work: Callable[[], Any]) -> float:
    """The shorter of two runs, s."""
    times: list[float] = []
    for _ in range(2):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
