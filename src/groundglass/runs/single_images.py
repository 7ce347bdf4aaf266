"""Single images without a recipe: measure them, or downscale them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from groundglass.catalog import Measure, Value
from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Job, Settings
from groundglass.errors import ImageError, MissingExtra, RecipeError, Unfinished, UnreachableError
from groundglass.extras import is_installed
from groundglass.files.atomic import write_bytes
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.image.resize import find_kernel, resize
from groundglass.measures.catalog import find
from groundglass.measures.measure_job import NO_VALUE, Ask, Photograph, ask_of
from groundglass.measures.network_job import jobs_of
from groundglass.measures.parameters import typed_settings
from groundglass.plans.measure_missing import no_value_in_words
from groundglass.plans.networks import fetch_absent
from groundglass.sources.folder import listed_file, name_as_text
from groundglass.sources.listing import Listed
from groundglass.sources.scan_job import ListedFile, Scan, known_files
from groundglass.tables.measure_store import MeasureStore


class Answer(NamedTuple):
    """The result of measuring one file: its row, and the reason for each measure that failed on it."""

    row: dict[str, Any]
    reasons: dict[str, str]


class Answers(NamedTuple):
    """An answer for each file; ``stuck`` is why some could not be finished, None if all were."""

    each: list[Answer]
    stuck: Unfinished | None


class Taken(NamedTuple):
    """The result of measuring files: a row for each path, the measures without any value, and why files are unfinished.

    nothing  a sentence on measures that have no value on any file; "" if there are none
    """

    rows: list[dict[str, Any]]
    nothing: str
    stuck: Unfinished | None = None


def measure_files(
    paths: Sequence[Path],
    names: Sequence[str],
    workers: int,
    progress: Progress,
    network: Mapping[str, Value] | None = None,
    typed: Sequence[str] = (),
) -> Taken:
    """The measures ``names`` of each path, in order: ``uri``, the measures' columns, ``warning`` and ``error``.

    ``warning`` holds words of `groundglass.image.header.WARNINGS`, None if nothing is odd about the file.
    ``error`` is None, or why the image or one of its measures has no values; a bad image never stops the others.
    ``typed`` are settings, NAME=VALUE, for the measures that have them. ``network`` holds the settings of measures with
    a network: `weights`, `device`, `allow_pickle`; missing weights are fetched.
    Raises RecipeError for an unknown measure or setting, and if a network is not available.
    """
    asks = asks_for(names, network or {}, typed)
    return measure_paths(paths, asks, workers, progress)


def asks_for(names: Sequence[str], network: Mapping[str, Value], typed: Sequence[str]) -> list[Ask]:
    """The asks for measures by their names, with typed settings. Raises RecipeError as `measure_files`."""
    measures = [installed(find(name)) for name in dict.fromkeys(names)]
    settings = typed_settings(measures, typed)
    asks = [
        ask_of(measure, _own(measure, settings) | dict(network if measure.network else {}))
        for measure in measures
    ]
    if network and not any(measure.network for measure in measures):
        raise RecipeError(f"none of {', '.join(names)} uses a network", f"leave out {', '.join(network)}")
    return asks


def measure_paths(paths: Sequence[Path], asks: Sequence[Ask], workers: int, progress: Progress) -> Taken:
    """Measure files as `measure_files` does, with measures whose settings are complete."""
    answers, stuck = take_measures([listed_file(path) for path in paths], asks, workers, progress)
    rows = [answer.row | {"uri": str(path)} for path, answer in zip(paths, answers, strict=True)]
    return Taken(rows, _nothing_taken(answers, asks), stuck)


def _nothing_taken(answers: Sequence[Answer], asks: Sequence[Ask]) -> str:
    """The sentence for the measures that failed on every file; "" if none did.

    Columns that are empty without a reason are an answer: the image shows no test image, or has no JPEG grid.
    """
    failed = {
        ask.measure: tuple(_counted(answer.reasons.get(ask.measure) for answer in answers)) for ask in asks
    }
    alike = {said: [name for name, its in failed.items() if its == said] for said in failed.values() if said}
    return "; ".join(no_value_in_words(names, len(answers), dict(said)) for said, names in alike.items())


def _counted(reasons: Iterable[str | None]) -> list[tuple[str, int]]:
    """How often each reason appears; empty if one file has none.

    >>> _counted(["flat", "truncated: at row 3", "flat"]), _counted(["flat", None])
    ([('flat', 2), ('truncated', 1)], [])
    """
    words = [reason.partition(":")[0] if reason else None for reason in reasons]
    return [] if None in words else [(word, n) for word, n in Counter(words).items() if word]


def take_measures(listed: Sequence[Listed], asks: Sequence[Ask], workers: int, progress: Progress) -> Answers:
    """Like `measure_files`, for listed files, named by their uris, and for measures that may not be in the catalog.

    A file at which a worker hangs twice does not hold up the others: its answer is `unfinished`.
    """
    # The same jobs and the same kind of store as in a run, so that values cannot differ; the store is deleted.
    fetch_absent(asks, lambda _: None)
    with tempfile.TemporaryDirectory(prefix="groundglass-") as folder:
        scanned, stuck = _scan(listed, Path(folder), workers, progress)
        rows, stuck_later = _look(scanned, asks, Path(folder), workers, progress)
    return Answers([_answer(row.uri, row, scanned, rows, asks) for row in listed], stuck or stuck_later)


def _own(measure: Measure, settings: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in settings.items() if name in measure.parameters}


def installed(measure: Measure) -> Measure:
    """The measure itself. Raises RecipeError where this machine, or a single file, lacks something that it needs."""
    if measure.extra and not is_installed(measure.extra):
        raise MissingExtra(measure.name, measure.extra)
    if measure.network and measure.network.texts:
        raise RecipeError(
            f"{measure.name} compares an image with a text that came with it, and single files have none",
            f"use it in a recipe: - measure: [{{{measure.name}: {{text: meta.caption}}}}]",
        )
    return measure


Key = tuple[bytes, int | None, int | None]


def _scan(
    listed: Sequence[Listed], folder: Path, workers: int, progress: Progress
) -> tuple[dict[Key, dict[str, Any]], Unfinished | None]:
    """Headers and hashes, by (path, bytes, mtime_ns)."""
    items = [
        ListedFile(*key)
        for key in dict.fromkeys(
            (row.path, row.bytes or 0, row.mtime_ns or 0) for row in listed if not row.error
        )
    ]
    stuck = _run(Scan(folder / "files", ImageLimits()), items, Settings(workers=workers), progress)
    known = known_files(folder / "files", ImageLimits()).to_pylist()
    return {(row["path"], row["bytes"], row["mtime_ns"]): row for row in known}, stuck


def _run(job: Job, items: Sequence[Any], settings: Settings, progress: Progress) -> Unfinished | None:
    """Do a job as far as possible. Returns why some items are not done, None if all are."""
    try:
        run_job(job, items, settings, progress)
    except Unfinished as stuck:
        return stuck
    return None


def _look(
    scanned: Mapping[Key, Mapping[str, Any]],
    asks: Sequence[Ask],
    folder: Path,
    workers: int,
    progress: Progress,
) -> tuple[dict[str, dict[str, dict[str, Any]]], Unfinished | None]:
    """The rows of each measure by name and sha256."""
    good = {row["sha256"]: row for row in scanned.values() if row["error"] is None}
    store = MeasureStore(folder / "measures")
    stuck: Unfinished | None = None
    for job, settings in jobs_of(asks, store.root, ImageLimits(), Settings(workers=workers)):
        wanted = (("", tuple(range(len(job.asks)))),)
        items = [
            Photograph(row["path"], sha256, row["bytes"], row["mtime_ns"], wanted)
            for sha256, row in good.items()
        ]
        stuck = _run(job, items, settings, progress) or stuck
    rows = {ask.measure: {row["sha256"]: row for row in store.read(ask.key).to_pylist()} for ask in asks}
    return rows, stuck


def _answer(
    uri: str,
    listed: Listed,
    scanned: Mapping[Key, Mapping[str, Any]],
    rows: Mapping[str, Mapping[str, Mapping[str, Any]]],
    asks: Sequence[Ask],
) -> Answer:
    """The object of one image, with the same keys for every image."""
    file = scanned.get((listed.path, listed.bytes or 0, listed.mtime_ns or 0), {})
    answer: dict[str, Any] = {"uri": uri}
    errors: dict[str, str] = {}
    for ask in asks:
        row = rows[ask.measure].get(str(file.get("sha256")), {"error": "unfinished"})
        answer |= {column: row.get(column) for column in ask.definition.columns}
        if row.get("error"):
            errors[ask.measure] = row["error"]
    answer["warning"] = file.get("warning")
    known = file or {"error": "unfinished"}
    whole = _reason(listed.error or known.get("error"), listed.detail or known.get("detail"))
    if whole:
        return Answer(answer | {"error": whole}, {ask.measure: whole for ask in asks})
    return Answer(answer | {"error": _joined(errors)}, errors)


def _joined(errors: Mapping[str, str]) -> str | None:
    """The reason, once if it is the same for all failed measures; else with the names of the measures."""
    reasons = dict.fromkeys(errors.values())
    if len(reasons) == 1 and next(iter(reasons)) not in NO_VALUE:
        return next(iter(reasons))
    return "; ".join(f"{name}: {reason}" for name, reason in errors.items()) or None


def _reason(error: str | None, detail: str | None) -> str | None:
    return f"{error}: {detail}" if error and detail else error


def downscale_files(paths: Sequence[Path], out: Path, scale: int, kernel: str) -> list[dict[str, Any]]:
    """Each image ``scale`` times smaller as ``out/<stem>.png``, HR cropped to a multiple first.

    Returns uri, file, width, height and error (None, or why there is none) for each. Raises RecipeError for an unknown
    kernel, UnreachableError if nothing can be written.
    """
    find_kernel(kernel)
    return [_downscaled(path, out / f"{path.stem}.png", scale, kernel) for path in paths]


def _downscaled(path: Path, file: Path, scale: int, kernel: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "uri": name_as_text(path),
        "file": None,
        "width": None,
        "height": None,
        "error": None,
    }
    try:
        rgb = open_frame(path).rgb
        height, width = (side // scale for side in rgb.shape[:2])
        if min(height, width) < 1:
            raise ImageError(
                "too_small", f"{rgb.shape[1]} × {rgb.shape[0]} cannot be made {scale} times smaller"
            )
        if file.exists():
            raise RecipeError(f"{file} exists already; nothing is overwritten")
        write_bytes(encode_png(resize(rgb[: height * scale, : width * scale], width, height, kernel)), file)
    except UnreachableError:
        raise
    except (ImageError, RecipeError) as error:
        return row | {"error": str(error)}
    return row | {"file": str(file), "width": width, "height": height}
