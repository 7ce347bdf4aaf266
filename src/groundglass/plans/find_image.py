"""Find the image of a run that a person means: by its id, its path, its name, or its file in the release."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.image.region import TILE_SIGN
from groundglass.plans.run_tables import RunTables, manifests, matches
from groundglass.sources.folder import name_as_text
from groundglass.tables.columns import ROWS
from groundglass.tables.parquet import compute, read_table
from groundglass.text.suggest import did_you_mean, nearest

MOST_COMPARED = 20_000
"""A misspelt name is compared with at most so many: more would take seconds."""


def find_image(tables: RunTables, text: str) -> dict[str, Any]:
    """The row that ``text`` names; it may be an unusable file.

    ``text`` is its id, its uri, its path, ``uri#region`` or its file in the release; or the end of any of these, such
    as the file's name alone, if only one image has it. Raises RecipeError with the image that was probably meant.
    """
    given = Path(text).absolute()
    path = os.fsencode(given)
    text = name_as_text(text)
    uri, _, region = text.partition(TILE_SIGN)
    found = matches(tables.rows, "id", text)
    found += matches(_of_region(tables.rows, region), "uri", uri)
    # Exact names come first: the end of a path is compared only if nothing has exactly this name.
    found = found or [_whole(image) for image in _images_called(tables, text, path)]
    found = found or _rows_of(tables, _released_as(tables, text, given))
    if not found:
        by_name = _ending(_of_region(tables.rows, region), uri)
        by_name += [_whole(image) for image in _ending(tables.images, text)]
        found = by_name + _rows_of(tables, _released_as(tables, text, given, by_name=True))
    if not found:
        raise RecipeError(
            f"this run has no image '{text}'.{_nearest_uri(tables, uri)}",
            "name it by its path below the source's folder, by its file's name, by its id, or by its file in the "
            "release",
        )
    return _the_only(found, text)


@dataclass(frozen=True)
class Skipped:
    """A file of a source that has no row in a run: ``not_an_image``, or ``system_file`` by its name."""

    uri: str
    source: str
    reason: str

    def plain(self) -> dict[str, Any]:
        return asdict(self) | {"fate": "skipped"}


def find_skipped(tables: RunTables, text: str) -> Skipped | None:
    """The file called ``text`` that a source of the run skipped, by its uri or the end of it; else None."""
    text = name_as_text(text)
    for path in sorted((tables.folder.path / "skipped").glob("*.parquet")):
        table = read_table(path)
        found = matches(table, "uri", text) or _ending(table, text)
        if found:
            return Skipped(found[0]["uri"], path.stem, found[0]["reason"])
    return None


def _images_called(tables: RunTables, text: str, path: bytes) -> list[dict[str, Any]]:
    found = matches(tables.images, "id", text) + matches(tables.images, "uri", text)
    return found or matches(tables.images, "path", path)


def _whole(image: Mapping[str, Any]) -> dict[str, Any]:
    """A file of a source as a row; an unusable file has no row in the run's tables."""
    plain = {name: image.get(name) for name in ROWS.names}
    return plain | {"root": image["id"], "region": ""}


def _rows_of(tables: RunTables, ids: list[str]) -> list[dict[str, Any]]:
    return [row for one in ids for row in matches(tables.rows, "id", one)]


def _of_region(rows: pa.Table, region: str) -> pa.Table:
    return rows.filter(compute.equal(rows["region"], region))


def _ending(table: pa.Table, name: str) -> list[dict[str, Any]]:
    """The rows with a uri that ends with this name, or with these names of a path."""
    if "uri" not in table.column_names or not name:
        return []
    return table.filter(compute.ends_with(table["uri"], f"/{name}")).slice(0, 100).to_pylist()


def _the_only(found: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """The one row that was found; if several have this name, the user must choose."""
    rows = list({row["id"]: row for row in found}.values())
    if len(rows) > 1:
        named = [f"{name_of(row)} (id {row['id']}, of {row['source']})" for row in rows]
        more = f" and {len(named) - 6} more" if len(named) > 6 else ""
        raise RecipeError(
            f"{len(rows)} images are called '{text}': {'; '.join(named[:6])}{more}",
            "name one of them by its whole path, or by its id",
        )
    return rows[0]


def name_of(row: Mapping[str, Any]) -> str:
    """An image in the form that `find_image` takes: its path below the source's folder, and its region."""
    return row["uri"] + (f"{TILE_SIGN}{row['region']}" if row["region"] else "")


def _nearest_uri(tables: RunTables, uri: str) -> str:
    """A sentence that names the image with the most similar path or file name."""
    if "uri" not in tables.images.column_names:
        return ""
    uris, name = tables.images["uri"], Path(uri).name
    if len(uris) > MOST_COMPARED:
        stem = Path(uri).stem
        # Too many names to compare all of them: only those that contain the stem.
        like = compute.match_substring(uris, stem, ignore_case=True)
        uris = uris.filter(like).slice(0, MOST_COMPARED) if stem else uris.slice(0, 0)
    known = uris.to_pylist()
    if name != uri and (said := did_you_mean(uri, known)):
        return said
    names = {Path(known_uri).name: known_uri for known_uri in reversed(known)}
    found = nearest(name, names)
    return f" Did you mean '{names[found]}'?" if found else ""


def _released_as(tables: RunTables, text: str, path: Path, by_name: bool = False) -> list[str]:
    """The ids of the images that a released file was made from. ``text`` is the file's path, its path in the release,
    or the end of that.
    """
    found = [
        row["id"]
        for folder, manifest in manifests(tables)
        for row in manifest.select(["file", "id"]).to_pylist()
        if (
            row["file"].endswith(f"/{text}")
            if by_name
            else text == row["file"] or path == (folder / row["file"]).absolute()
        )
    ]
    return list(dict.fromkeys(found))
