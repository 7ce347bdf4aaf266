"""Make the fingerprints of the standard test sets that groundglass ships: no pixels, only values derived from them.

    python -m benchmarks.make_test_set_fingerprints FOLDER

FOLDER holds Set5/ Set14/ BSD100/ Urban100/ with the images img_001 …, in the order of their names in the sets; 384 px
on the longer side are enough. Writes test_sets.parquet in src/groundglass/similarity/test_images: raise the version of
the measure `leaks` if the result changes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from groundglass.image.frame import open_frame
from groundglass.similarity.test_images.fingerprints import make_print, read_prints, to_row, write_prints
from groundglass.similarity.test_images.known_sets import FILE, SETS

COUNTS = {"Set5": 5, "Set14": 14, "BSD100": 100, "Urban100": 100}
SET14 = "baboon barbara bridge coastguard comic face flowers foreman lenna man monarch pepper ppt3 zebra"
NAMES = {"Set5": ["baby", "bird", "butterfly", "head", "woman"], "Set14": SET14.split()}
"""The names of images in sets that have names; in the other sets they are numbered."""


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """One row per test image."""
    for name in SETS:
        files = sorted(path for path in (folder / name).iterdir() if path.suffix in (".jpg", ".png"))
        if len(files) != COUNTS[name]:
            raise SystemExit(f"{folder / name} has {len(files)} images, not {COUNTS[name]}")
        for place, path in enumerate(files):
            called = NAMES[name][place] if name in NAMES else path.stem
            yield {
                **to_row(make_print(open_frame(path).luma)),
                "set": name,
                "name": called,
                "error": None,
            }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    write_prints(rows(options.folder), FILE)
    print(f"{len(read_prints(FILE))} fingerprints, {FILE.stat().st_size / 1e6:.1f} MB: {FILE}")


if __name__ == "__main__":
    main()
