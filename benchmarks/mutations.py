"""Damaged files: how many groundglass and other decoders accept as images.

python -m benchmarks.mutations [--count 3000] [--save]

libvips is included after `pip install pyvips-binary pyvips`; it is not a dependency.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from benchmarks.machine import RESULTS, facts

LOOK = Path(__file__).parents[1] / "tests" / "behaviour" / "image" / "look_at_mutations.py"
READERS = {"groundglass": "groundglass", "opencv": "cv2", "vips": "pyvips"}
SMEARED = 0.05
Rows = dict[int, dict[str, Any]]


def look(reader: str, count: int) -> Rows:
    """The result of a reader for each seed's file."""
    command = [sys.executable, str(LOOK), reader, "0", str(count)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    return {row["seed"]: row for row in map(json.loads, child.stdout.splitlines())}


def table(seen: dict[str, Rows]) -> str:
    """A Markdown table, one row per format."""
    ours = seen.pop("groundglass")
    lines = [
        "| format | files | accepted | of these smeared |"
        + "".join(f" {name}: accepted | smeared | only we accept | only it accepts |" for name in seen),
        "|---|---|---|---|" + "---|---|---|---|" * len(seen),
    ]
    for kind in dict.fromkeys(row["kind"] for row in ours.values()):
        mine = {seed: row for seed, row in ours.items() if row["kind"] == kind}
        cells = [kind, len(mine), *_counts(mine)]
        for rows in seen.values():
            theirs = {seed: rows[seed] for seed in mine}
            cells += ["–"] * 4 if not _reads(theirs) else [*_counts(theirs), *_alone(mine, theirs)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _reads(rows: Rows) -> bool:
    return any(row["reads"] for row in rows.values())


def _accepted(rows: Rows) -> set[int]:
    return {seed for seed, row in rows.items() if row["differs"] is not None}


def _counts(rows: Rows) -> tuple[int, int]:
    taken = _accepted(rows)
    return len(taken), sum(rows[seed]["differs"] >= SMEARED for seed in taken)


def _alone(mine: Rows, theirs: Rows) -> tuple[int, int]:
    return len(_accepted(mine) - _accepted(theirs)), len(_accepted(theirs) - _accepted(mine))


@click.command()
@click.option("--count", default=3000, help="How many files.")
@click.option("--save", is_flag=True, help="Write results/mutations.md.")
def main(count: int, save: bool) -> None:
    """Print the table."""
    seen = {
        name: look(name, count)
        for name, module in READERS.items()
        if importlib.util.find_spec(module) is not None
    }
    text = table(seen)
    click.echo(text)
    if save:
        known = ", ".join(f"{name} {value}" for name, value in facts().items() if name != "vectors")
        head = (
            f"# {count} damaged files\n\nMade by `python -m benchmarks.mutations --count {count} --save`: "
            "bits flipped, files cut, runs of zeros, of one byte or of random bytes, blocks swapped. "
            f"A file is smeared if at least {SMEARED:.0%} of its pixels differ by more than 24 of 255 from the sound "
            "file's. Nothing crashed, hung or was printed.\n\n"
        )
        (RESULTS / "mutations.md").write_text(f"{head}{text}\n\n{REMAINING}\n{known}\n", encoding="utf-8")


REMAINING = """## What remains, and why

- **BMP, PPM, PSD, TIFF without compression, QOI**: almost any bytes are an image, so damage cannot be detected.
- **AVIF, HEIC, JPEG 2000**: the available decoders (dav1d, libde265, OpenJPEG) go on where the coded data is wrong. Cut
  and filled files are detected by their extents and by runs of one byte; a flipped bit is not. libaom, inside OpenCV,
  detects it in AVIF, and so does libvips; but OpenCV also refused all of 9 sound AVIFs that libvips wrote, so it is not
  a reference.
- **WebP**: damaged lossy images are detected by the bytes that they need. Of smeared lossless ones, less than half are.
- **GIF, TIFF with LZW**: no checksum; a flipped bit gives another colour from there on.
- **JPEG**: after a few damaged bytes a decoder can resynchronise, with other colours from there on.
- **JPEG XL, PNG, TIFF with deflate, icons**: checksums or end states. None was accepted.
"""

if __name__ == "__main__":
    main()
