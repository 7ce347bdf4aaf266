"""Fingerprint: 64-bit hashes of an image's content, to find copies and near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.similarity.perceptual_hash import phash

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def fingerprint(frame: Frame) -> dict[str, Value]:
    """Three 64-bit perceptual hashes: of the image, of its mirror image, and of it upside down; and its detail.

    The luma is averaged to 32×32 cells, and each bit says whether one of the 64 slowest waves of its DCT has
    a positive coefficient. Copies in another size or format differ in few of the 64 bits, unlike images in
    about 30. Numbers from 0 to 2⁶⁴ - 1, kept as unsigned integers: the distance is
    ``bit_count(xor(a, b))`` in DuckDB and ``np.bitwise_count(a ^ b)`` in numpy. A mirrored copy is found by
    comparing one's ``phash`` with the other's ``phash_mirror``; rotated copies by the hashes derived from all three
    (`groundglass.similarity.orientations`).

    ``phash_detail`` verifies copies: 256 digits (base64, -32 to 31), one for each of 16×16 cells, for
    how much lighter or darker it is than its neighbourhood. None for smooth images (skies, fog, dark frames),
    since their hashes are alike by chance.

    Raises NoValue ``flat`` for an image of one colour.

    Source: the DCT hash of pHash (Zauner, 2010), with signs in place of the median.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> photo = testing.photo(320, 240)
    >>> copy, flipped = testing.jpeg(photo, quality=50), testing.png(photo[:, ::-1])
    >>> a, b, c = (fingerprint(open_frame(data)) for data in (testing.png(photo), copy, flipped))
    >>> (a["phash"] ^ b["phash"]).bit_count() <= 6, a["phash"] == c["phash_mirror"]
    (True, True)
    """
    value, mirror, flipped, detail = phash(frame.luma)
    return {"phash": value, "phash_mirror": mirror, "phash_flipped": flipped, "phash_detail": detail}


MEASURE = Measure(
    name="fingerprint",
    version=2,
    compute=fingerprint,
    columns={
        "phash": Column("", 0, 2**64 - 1, "neither", "64-bit perceptual hash", int, hidden=True),
        "phash_mirror": Column(
            "", 0, 2**64 - 1, "neither", "the same of the mirrored image", int, hidden=True
        ),
        "phash_flipped": Column(
            "", 0, 2**64 - 1, "neither", "the same of the image upside down", int, hidden=True
        ),
        "phash_detail": Column(
            "", None, None, "neither", "16×16 differences from the neighbourhood", str, hidden=True
        ),
    },
    reference="Zauner, Implementation and benchmarking of perceptual image hash functions, 2010",
)
"""Its record in the catalog."""
