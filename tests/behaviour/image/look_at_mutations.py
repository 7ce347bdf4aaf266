"""Opens damaged files made from seeds and prints one JSON line each: run in a child process, whose stderr must stay
empty.

python look_at_mutations.py groundglass|opencv|vips FIRST COUNT
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from mutations import Mutated, mutated

STRONG = 24
"""Grey levels of 255 from which on a pixel differs plainly."""
HUNG = 120
"""Seconds after which the child is killed by its own alarm: the last line says before which seed."""


def with_groundglass(data: bytes) -> np.ndarray | str:
    """Pixels, or the reason; anything but an ImageError ends the process."""
    from groundglass.errors import ImageError
    from groundglass.image.frame import open_frame

    try:
        return open_frame(data).rgb
    except ImageError as error:
        return error.reason


def with_opencv(data: bytes) -> np.ndarray | str:
    """Pixels by OpenCV and its own copies of the codecs."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        return str(error)[:80]
    return "not read" if pixels is None else pixels


def with_vips(data: bytes) -> np.ndarray | str:
    """Pixels by libvips, told to refuse what it knows to be an error."""
    import pyvips

    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error").colourspace("srgb")
        if image.bands == 4:
            image = image.flatten(background=255)
        pixels = image.cast("uchar").numpy()
    except (pyvips.Error, ValueError) as error:
        return str(error)[:80]
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


READERS: dict[str, Callable[[bytes], np.ndarray | str]] = {
    "groundglass": with_groundglass,
    "opencv": with_opencv,
    "vips": with_vips,
}


def observe(file: Mutated, read: Callable[[bytes], np.ndarray | str]) -> dict[str, Any]:
    """What a reader makes of a damaged file. ``differs``: share of pixels that differ plainly from the sound ones;
    1 where the size differs, null where it refuses the file or cannot read this format at all.
    """
    seen, whole = read(file.data), _whole(file.sound, read)
    row = {
        "seed": file.seed,
        "kind": file.kind,
        "mutation": file.mutation,
        "reads": not isinstance(whole, str),
    }
    if isinstance(seen, str) or isinstance(whole, str):
        return row | {"reason": seen if isinstance(seen, str) else "", "differs": None}
    if seen.shape != whole.shape:
        return row | {"reason": "", "differs": 1.0}
    apart = np.abs(seen.astype(np.int16) - whole).max(axis=2) > STRONG
    return row | {"reason": "", "differs": round(float(apart.mean()), 4)}


@cache
def _whole(data: bytes, read: Callable[[bytes], np.ndarray | str]) -> np.ndarray | str:
    return read(data)


def main(reader: str, first: int, count: int) -> None:
    """Print a JSON line for every seed."""
    for seed in range(first, first + count):
        signal.alarm(HUNG)
        sys.stdout.write(json.dumps(observe(mutated(seed), READERS[reader])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
