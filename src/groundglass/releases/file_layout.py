"""The path of every file of a release, decided before the first file is written.

one split                  several splits                         the split has LR versions
images/0000.png            train/0000.png  validation/0000.png    no
hr/0000.png lr_x4/0000.png train/hr/0000.png train/lr_x4/0000.png yes
hr/0000.png lq/0000.png    train/hr/0000.png train/lq/0000.png    yes, of the same size
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.image.region import TILE_SIGN, made_in
from groundglass.releases.names import Named, name_rows, own_ending
from groundglass.releases.split_names import TRAIN, check_splits, ordered_splits
from groundglass.releases.writers.writer import Release
from groundglass.tables.parquet import compute

PIXELS_PER_ITEM = 48_000_000
"""The most pixels in one item of work (unless one image has more), so that a time limit per item is fair."""


@dataclass(frozen=True)
class Output:
    """One image of the release and its LR versions.

    id      of its row
    region  of the photo, before HR is cropped to a multiple of its scales
    hr      file, relative to the release
    lr      (scale, file) of each LR version
    kernel  the kernel that makes LR from HR
    copied  whether the HR file has the photo's own bytes
    low     the region of the one LR version if a step made the pair; else LR is made from HR
    """

    id: str
    split: str
    region: str
    hr: str
    lr: tuple[tuple[int, str], ...] = ()
    kernel: str = "matlab_bicubic"
    copied: bool = False
    low: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """HR first, then the LR versions."""
        return (self.hr, *(file for _, file in self.lr))


@dataclass(frozen=True)
class Photograph:
    """The outputs of one decode: the photo's locator (`files.locators`), its content, and its files."""

    path: bytes
    sha256: str
    outputs: tuple[Output, ...]


def plan_files(rows: pa.Table, step: Release) -> list[Photograph]:
    """Every file of the release, by photo, in the order of the rows.

    ``rows`` has ``id, root, uri, sha256, region, path`` and ``split`` (null and missing mean train); also
    ``file_format`` if photos are released as their own files.

    Raises RecipeError for invalid names of splits, for rows that occur twice, and for no rows at all.
    """
    records = rows.select(["id", "root", "uri", "sha256", "region", "path", "width", "height"]).to_pylist()
    splits = splits_of(rows)
    if not records:
        raise RecipeError(
            "no image is left to release", "see the funnel: it shows the step that dropped the last one"
        )
    if len({record["id"] for record in records}) < len(records):
        raise RecipeError("an image is in the release twice", "every id may occur only once")
    present = ordered_splits(splits)
    check_splits(present)
    named = [
        Named(record["root"], record["uri"], record["sha256"], record["region"] or "", split)
        for record, split in zip(records, splits, strict=True)
    ]
    endings = _endings(rows, named, step)
    stems = name_rows(named, step.names)
    outputs = [
        _output(
            record["id"],
            row,
            f"{stem}.{ending or written_ending(step)}",
            step,
            len(present) > 1,
            ending is not None,
        )
        for record, row, stem, ending in zip(records, named, stems, endings, strict=True)
    ]
    return list(_by_photograph(records, outputs))


def splits_of(rows: pa.Table) -> list[str]:
    """The split of each row; train if none is given."""
    if "split" not in rows.column_names:
        return [TRAIN] * rows.num_rows
    return [split or TRAIN for split in rows["split"].to_pylist()]


def written_ending(step: Release) -> str:
    """The ending of newly written images: a cut photo has no file that could be copied."""
    return "png" if step.image == "original" else step.image


def _endings(rows: pa.Table, named: Sequence[Named], step: Release) -> list[str | None]:
    """The ending of each row's file if it is the photo's own; None if the image is newly written."""
    if step.image != "original":
        return [None] * len(named)
    formats = rows["file_format"].to_pylist()
    return [None if row.region else own_ending(row.uri, fmt) for row, fmt in zip(named, formats, strict=True)]


def _output(image: str, row: Named, name: str, step: Release, several: bool, copied: bool) -> Output:
    low = step.low_resolution(row.split)
    base = f"{row.split}/" if several else ""
    if step.of_made:
        return _made_pair(image, row, name, base)
    if low is None:
        return Output(image, row.split, row.region, f"{base or 'images/'}{name}", copied=copied)
    pairs = tuple((scale, f"{base}{low_folder(scale)}/{name}") for scale in sorted(low.scales))
    return Output(image, row.split, row.region, f"{base}hr/{name}", pairs, low.kernel)


def _made_pair(image: str, row: Named, name: str, base: str) -> Output:
    """The pair of an image that a step made: the made one and its origin, the larger or better of them as HR.

    Raises RecipeError for an image that no step made, or that was changed afterwards.
    """
    found = made_in(row.region)
    if found is None or found[2]:
        say = "was changed after its step made it" if found else "was not made by a step"
        raise RecipeError(
            f"{row.uri}{TILE_SIGN}{row.region} has no pair: it {say}",
            "put `degrade` or `restore` after all other transforms, for all rows; or name `lr_scales`",
        )
    before, made, _ = found
    high, low = (before, row.region) if made.by == "degraded" else (row.region, before)
    pairs = ((made.scale, f"{base}{low_folder(made.scale)}/{name}"),)
    return Output(image, row.split, high, f"{base}hr/{name}", pairs, low=low)


def high_of(rows: pa.Table) -> pa.Table:
    """Rows with the sizes of their HR images, where a step made the pairs."""
    made = [made_in(region) for region in rows["region"].to_pylist()]
    by = [one[1].scale if one is not None and one[1].by == "degraded" else 1 for one in made]
    factors = pa.array(by, pa.int64())
    for name in ("width", "height"):
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.schema.field(name), compute.multiply(rows[name], factors))
    return rows


def low_folder(scale: int) -> str:
    """The folder of the LR versions; of pairs of one size it is that of LQ.

    >>> low_folder(4), low_folder(1)
    ('lr_x4', 'lq')
    """
    return f"lr_x{scale}" if scale > 1 else "lq"


def _by_photograph(records: Sequence[Mapping[str, Any]], outputs: Sequence[Output]) -> Iterator[Photograph]:
    """The outputs of one photo together, unless they have more pixels than one item of work should."""
    found: dict[tuple[bytes, str], list[tuple[int, Output]]] = {}
    for record, output in zip(records, outputs, strict=True):
        area = (record["width"] or 0) * (record["height"] or 0)
        found.setdefault((record["path"], record["sha256"]), []).append((area, output))
    for (path, sha256), members in found.items():
        photograph = Photograph(path, sha256, ())
        area = 0
        for size, output in sorted(members, key=lambda member: member[1].region):
            if photograph.outputs and area + size > PIXELS_PER_ITEM:
                yield photograph
                photograph, area = Photograph(path, sha256, ()), 0
            photograph, area = replace(photograph, outputs=(*photograph.outputs, output)), area + size
        yield photograph
