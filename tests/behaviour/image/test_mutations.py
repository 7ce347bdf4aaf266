"""3,000 damaged files of every format that is read: no crash, no hang, nothing printed, and only so many smeared ones
taken for pictures as the format allows. `python -m benchmarks.mutations` writes the figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mutations import kinds
from patience import STOPS_A_HANG

HERE = Path(__file__).parent
COUNT = 3000
SMEARED = 0.05
"""Share of pixels that differ plainly from which on a picture counts as smeared."""

REASONS = {"truncated", "corrupt", "unsupported", "not_an_image", "too_large", "empty"}
MOST_SMEARED = {
    # checksums, a stream that must end exactly, or a decoder that is told to be strict
    **dict.fromkeys(("png", "ico", "tiff-deflate", "jxl", "jxl-lossless", "webp", "jpeg-progressive"), 0.02),
    **dict.fromkeys(("jpeg", "jpeg-restart", "tiff-jpeg", "tiff-fax4", "tiff-packbits"), 0.10),
    **dict.fromkeys(("gif", "tiff-lzw"), 0.20),
    # formats in which almost any bytes are a picture
    **dict.fromkeys(("webp-lossless", "jpeg2000", "tiff", "bmp", "ppm", "psd"), 0.50),
    **dict.fromkeys(("avif", "heic", "qoi"), 0.70),
}
"""Share of a format's damaged files that may be taken for pictures though they are smeared."""
STRICTER_BESIDE = {"avif", "gif"}
"""Formats of which OpenCV's decoders notice damage that ours cannot."""

pytestmark = pytest.mark.long


def look(reader: str) -> tuple[list[dict[str, Any]], str]:
    """What a reader makes of all files, and what it printed."""
    command = [sys.executable, str(HERE / "look_at_mutations.py"), reader, "0", str(COUNT)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=STOPS_A_HANG * 4, check=False)
    rows = [json.loads(line) for line in child.stdout.splitlines()]
    assert (child.returncode, len(rows)) == (0, COUNT), f"ended after {rows[-1:]}: {child.stderr[-2000:]}"
    return rows, child.stderr


@pytest.fixture(scope="module")
def ours() -> tuple[list[dict[str, Any]], str]:
    return look("groundglass")


def test_every_damaged_file_is_a_picture_or_a_row_with_a_reason(
    ours: tuple[list[dict[str, Any]], str],
) -> None:
    rows, printed = ours
    assert printed == ""
    assert {row["reason"] for row in rows} - {""} <= REASONS
    assert all(row["reads"] for row in rows), "a sound file was refused"
    assert {row["kind"] for row in rows} == set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_smeared_pictures_are_no_more_than_the_format_allows(
    kind: str, ours: tuple[list[dict[str, Any]], str]
) -> None:
    shares = [row["differs"] for row in ours[0] if row["kind"] == kind]
    smeared = sum(share is not None and share >= SMEARED for share in shares)
    assert smeared <= MOST_SMEARED[kind] * len(shares)


def test_hardly_a_file_is_accepted_that_another_decoder_refuses(
    ours: tuple[list[dict[str, Any]], str],
) -> None:
    theirs = {row["seed"]: row for row in look("opencv")[0]}
    alone = Counter(
        row["kind"]
        for row in ours[0]
        if theirs[row["seed"]]["reads"]
        and row["differs"] is not None
        and theirs[row["seed"]]["differs"] is None
        and row["kind"] not in STRICTER_BESIDE
    )
    assert sum(alone.values()) <= COUNT // 500, alone
