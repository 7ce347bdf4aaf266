"""Measures of one image, and of many files: the values of `groundglass measure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.api.hints import shows_hints
from groundglass.api.images import Image, ImageLike, as_image
from groundglass.catalog import Value
from groundglass.engines.progress import choose_progress
from groundglass.errors import ImageError, NoValue, RecipeError
from groundglass.measures.measure_job import Ask, checked, values_of
from groundglass.plans.networks import fetch_absent
from groundglass.runs.asked_measures import Asked, asks_with
from groundglass.runs.single_images import measure_paths
from groundglass.sources.folder import name_as_text
from groundglass.tables.measure_store import MeasureStore

Values = dict[str, Value]
"""Column → value."""


@shows_hints
def measure(image: ImageLike, measures: Asked, /, **settings: Any) -> Values:
    """Measure one image: the columns of each measure, in the order asked for.

    ``image`` is a path, a file's bytes, H×W×3 or H×W uint8 pixels, or an image of `open_image`, which is decoded once
    for several calls. ``measures`` are names of the catalog. A setting goes to the measure that has it; write
    ``{"sharpness": {"flat_below": 100}}`` in place of a name if two measures have it. ``device`` and ``allow_pickle``
    go to every network.

    Raises ImageError with the reason if the image cannot be used. Raises NoValue, which is an ImageError, if the image
    is sound and one of the measures has no value on it (``flat``, ``too_small``); `measure_files` makes a row of both.
    Raises RecipeError for an unknown measure or setting, and if a measure reads a file's header and gets an array.

    >>> from groundglass import testing
    >>> photo = testing.photo(96, 64)
    >>> measure(photo, ["sharpness"], flat_below=100).keys()
    dict_keys(['laplacian_variance', 'tenengrad', 'flat_share'])
    >>> measure(testing.jpeg(photo, quality=87), ["header"])["jpeg_quality"]
    87
    """
    asks = asks_with(measures, settings)
    opened = as_image(image)
    fetch_absent(asks, lambda _: None)
    return {column: value for ask in asks for column, value in _measured(ask, opened).items()}


def _measured(ask: Ask, image: Image) -> Mapping[str, Value]:
    if ask.definition.needs == "header" and image.header is None:
        raise RecipeError(
            f"{ask.measure} describes a file, and an array of pixels has none",
            "give the path or the bytes of the file",
        )
    if ask.definition.needs == "pixels":
        _ = image.rgb  # damage has a reason of its own, whichever measure meets it first
    try:
        values, wrong = checked(values_of(ask, image.frame))
    except NoValue as error:
        raise NoValue(error.reason, f"{ask.measure} has no value: {error.detail or error.reason}") from error
    except (ImageError, RecipeError):
        raise
    except Exception as error:
        raise ImageError("measure_failed", f"{ask.measure}: {type(error).__name__}: {error}") from error
    if wrong is not None:
        raise ImageError("measure_failed", f"{ask.measure}: {wrong.partition(': ')[2]}")
    return values


@shows_hints
def measure_files(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    measures: Asked,
    /,
    workers: int = 0,
    progress: bool = False,
    **settings: Any,
) -> pa.Table:
    """Measure files in worker processes, one for each core unless ``workers`` says how many: the rows of
    ``groundglass measure --json``, as a pyarrow Table.

    One row for each path, in order: ``uri`` (the path as given), the columns of the measures, ``warning`` (what is odd
    about a sound file) and ``error`` (why there are no values; null if all is well). A bad image is such a row, and
    stops nothing. ``measures`` and ``settings`` as of `measure`. A folder is not read: list its files.

    Raises RecipeError for an unknown measure or setting, and Interrupted after Ctrl-C. ``progress`` shows a bar, or
    lines, on stderr. ``table.to_pandas()`` and ``polars.from_arrow(table)`` make data frames.

    >>> table = measure_files(["no-such-file.jpg"], ["noise"])
    >>> table.to_pylist()
    [{'uri': 'no-such-file.jpg', 'noise_sigma': None, 'warning': None, 'error': 'vanished: there is no such file'}]
    """
    asks = asks_with(measures, settings)
    files = [Path(path) for path in ([paths] if isinstance(paths, (str, PathLike)) else paths)]
    taken = measure_paths(files, asks, _count(workers), choose_progress("measure", quiet=not progress))
    rows = [row | {"uri": name_as_text(row["uri"])} for row in taken.rows]
    return pa.Table.from_pylist(rows, _schema(asks))


def _count(workers: int) -> int:
    if workers < 0:
        raise RecipeError(f"{workers} workers cannot measure", "0 means one for each core")
    return workers


def _schema(asks: Iterable[Ask]) -> pa.Schema:
    """uri, the columns of the measures, warning, error."""
    columns = {name: column for ask in asks for name, column in ask.definition.columns.items()}
    values = [field for field in MeasureStore.schema(columns) if field.name in columns]
    words = [pa.field(name, pa.string()) for name in ("uri", "warning", "error")]
    return pa.schema([words[0], *values, *words[1:]])
