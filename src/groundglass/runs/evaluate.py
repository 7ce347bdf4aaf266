"""SR images scored against their HR images, without a recipe."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Job, Settings
from groundglass.errors import RecipeError, Unfinished
from groundglass.image.header import ImageLimits
from groundglass.measures.measure_job import Ask
from groundglass.measures.pairs.frechet import HR_FEATURES, fid_of
from groundglass.measures.pairs.intervals import FEW, Interval, mean_interval
from groundglass.measures.pairs.network_job import job_of
from groundglass.measures.pairs.open_pair import ListedFile, Pair
from groundglass.measures.pairs.pair_network import Found
from groundglass.measures.pairs.partners import find_partners
from groundglass.measures.pairs.score_job import FIDELITY, ScorePairs, finite, is_identical, read_rows
from groundglass.models.architectures.inception import FEATURES
from groundglass.runs.single_images import take_measures
from groundglass.sources.folder import list_folders, listed_file
from groundglass.sources.listing import Listed
from groundglass.text.format import some

SECONDS = 900.0
"""CPU seconds that a pair may take: images of 150 million pixels need minutes."""
UNFINISHED: Mapping[str, Any] = {"error": "unfinished: a worker hung on it"}
BICUBIC = "bicubic"
"""The name of bicubic upscaling in rows."""


@dataclass(frozen=True)
class How:
    """How images are scored.

    border  px that are cut off every side
    asks    measures of the SR image alone
    networks  networks that compare both images
    """

    scale: int
    border: int
    protocol: str
    asks: tuple[Ask, ...] = ()
    networks: tuple[Found, ...] = ()
    workers: int = 0


@dataclass(frozen=True)
class Mean:
    """A column's mean over the images that have a value, its 95 % interval, and how many have one.

    ``mean`` is infinite for PSNR if an image equals its HR image; ``ci95`` is then None, as for one or two images.
    """

    mean: float
    ci95: Interval | None
    images: int


@dataclass(frozen=True)
class Scores:
    """The scores of a set.

    hr, sr    as they were named; sr is None for bicubic upscaling
    rows      one for each HR file, and for each SR file without an HR file: uri, sr, width, height, the columns,
              warning and error
    means     by column, in order; a column that no image has a value of is not among them
    fid       of the whole set, and of how many images; None if it was not asked for, or of fewer than two images
    notes     sentences that a reader of the means needs
    """

    hr: str
    sr: str | None
    how: How
    rows: list[dict[str, Any]]
    columns: tuple[str, ...]
    means: dict[str, Mean]
    fid: tuple[float, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        """How many HR images there are."""
        return _images(self.rows)

    @property
    def complete(self) -> bool:
        """Whether every row has all that was asked for."""
        return not any(row["error"] for row in self.rows)


@dataclass(frozen=True)
class Difference:
    """A column's mean difference over the images that both have, first minus second, and its 95 % interval."""

    mean: float
    ci95: Interval | None
    images: int
    higher: int
    lower: int


@dataclass(frozen=True)
class Matched:
    """HR files and their SR files, before any of them is read.

    hr, sr  as they were named; sr is None for bicubic upscaling
    rows    one for each HR file, and for each SR file without an HR file: uri, sr, and an error if it has no partner
    pairs   the pairs to score, by the rows' numbers
    files   the SR files, by the rows' numbers
    """

    hr: str
    sr: str | None
    rows: list[dict[str, Any]]
    pairs: list[Pair]
    files: dict[int, Listed] = field(default_factory=dict)


def evaluate(matched: Matched, how: How, progress: Progress) -> Scores:
    """Score each pair, or bicubic upscaling of each HR image. A file that cannot be scored is a row with a reason.

    Raises RecipeError for a measure that uses a network, without SR files.
    """
    if matched.sr is None:
        refuse_networks(how.asks)
    rows = [dict(row) for row in matched.rows]
    with tempfile.TemporaryDirectory(prefix="groundglass-") as folder:
        scored = _scored(matched.pairs, how, Path(folder) / "scores", progress)
        for pair in matched.pairs:
            rows[pair.number] |= scored.get(pair.number, UNFINISHED)
        sound = [pair for pair in matched.pairs if rows[pair.number].get("psnr_y") is not None]
        for number, network in enumerate(how.networks):
            _add(rows, _compared(sound, rows, network, how, Path(folder) / f"network-{number}", progress))
    _ask_networks(rows, matched, how, progress)
    columns = _columns(how)
    fid = fid_of(rows)
    of_the_set = None if fid is None else (fid, sum(row.get(HR_FEATURES) is not None for row in rows))
    rows = [_ordered(row, columns) for row in rows]
    means = {name: mean for name in columns if (mean := mean_of([row[name] for row in rows]))}
    notes = _notes(rows, means, of_the_set)
    return Scores(matched.hr, matched.sr, how, rows, columns, means, of_the_set, notes)


def refuse_networks(asks: Sequence[Ask]) -> None:
    """Raises RecipeError for measures that use a network: these read files, and bicubic upscaling writes none."""
    if named := ", ".join(ask.measure for ask in asks if ask.use is not None):
        raise RecipeError(
            f"{named} uses a network, which takes SR files, not bicubic upscaling", "leave out --bicubic"
        )


def compare(one: Scores, other: Scores) -> dict[str, Difference]:
    """The difference of each column, image by image: the first's values minus the second's.

    Only images that both have a value of are counted.
    """
    theirs = {row["uri"]: row for row in other.rows if row["uri"] is not None}
    found: dict[str, Difference] = {}
    for name in one.columns:
        both = [(row[name], theirs.get(row["uri"], {}).get(name)) for row in one.rows]
        pairs = [finite(values) for values in both]
        # Two infinite values are equal; one against a finite one has no difference that could be averaged.
        steps = [0.0 if a == b else a - b for a, b in (pair for pair in pairs if len(pair) == 2)]
        if steps and (mean := mean_of(steps)):
            counts = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
            found[name] = Difference(mean.mean, mean.ci95, mean.images, *counts)
    return found


def mean_of(values: Sequence[Any]) -> Mean | None:
    """The mean of the numbers among values; None if there is none."""
    kept = finite(values)
    return Mean(sum(kept) / len(kept), mean_interval(kept), len(kept)) if kept else None


def match(hr: Path, sr: Path | None, scale: int) -> Matched:
    """Find the SR file of each HR file; without ``sr``, bicubic upscaling is scored.

    Both are folders, read through all levels, or both are files. Raises RecipeError if a folder does not exist or
    holds no image, or if only one of the two is a folder.
    """
    ours = _files(hr)
    theirs = [] if sr is None else _files(sr)
    if sr is not None and hr.is_dir() != sr.is_dir():
        raise RecipeError(
            f"{hr} is a {_kind(hr)} and {sr} is a {_kind(sr)}", "name two folders, or two files"
        )
    if sr is None:
        rows = [_row(file.uri, BICUBIC, _reading(file, "HR")) for file in ours]
        pairs = [Pair(n, file.uri, _place(file), None) for n, file in enumerate(ours) if not file.error]
        return Matched(str(hr), None, rows, pairs)
    if not hr.is_dir():
        partners = [(0, 0)]
        lonely_hr, lonely_sr = dict[int, str](), dict[int, str]()
    else:
        names = [file.uri for file in ours], [file.uri for file in theirs]
        found = find_partners(*names, scale)
        partners, lonely_hr, lonely_sr = list(found.pairs), found.lonely_hr, found.lonely_sr
    rows = [_row(file.uri, None, lonely_hr.get(n)) for n, file in enumerate(ours)]
    rows += [_row(None, theirs[n].uri, reason) for n, reason in lonely_sr.items()]
    pairs: list[Pair] = []
    files: dict[int, Listed] = {}
    for a, b in partners:
        reason = _reading(ours[a], "HR") or _reading(theirs[b], "SR")
        rows[a] = _row(ours[a].uri, theirs[b].uri, reason)
        if not reason:
            pairs.append(Pair(a, ours[a].uri, _place(ours[a]), _place(theirs[b])))
            files[a] = theirs[b]
    return Matched(str(hr), str(sr), rows, pairs, files)


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "file"


def _files(path: Path) -> list[Listed]:
    """A file, or all images of a folder in the order of their uris. Raises RecipeError if there is none."""
    if path.is_dir():
        listing = list_folders([str(path)]).select(["uri", "path", "bytes", "mtime_ns", "error", "detail"])
        found = [Listed(**row) for row in listing.to_pylist()]
        if not found:
            raise RecipeError(f"the folder {path} holds no image")
        return found
    if not path.exists():
        raise RecipeError(f"there is no file or folder {path}", "paths are taken from the working folder")
    return [listed_file(path)]


def _place(file: Listed) -> ListedFile:
    return ListedFile(file.path, file.bytes, file.mtime_ns)


def _reading(file: Listed, which: str) -> str | None:
    return f"{file.error}: {which}: {file.detail or 'the file'}" if file.error else None


def _row(uri: str | None, sr: str | None, error: str | None) -> dict[str, Any]:
    return {"uri": uri, "sr": sr, "error": error}


def _ordered(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The same keys in the same order for every row."""
    return {name: row.get(name) for name in ("uri", "sr", "width", "height", *columns, "warning", "error")}


def _scored(pairs: Sequence[Pair], how: How, folder: Path, progress: Progress) -> dict[int, dict[str, Any]]:
    """PSNR, SSIM and the measures without a network, by the rows' numbers."""
    plain = tuple(ask for ask in how.asks if ask.use is None)
    job = ScorePairs(how.scale, how.border, how.protocol, folder, ImageLimits(), plain)
    return _run(job, pairs, folder, Settings(workers=how.workers, seconds_per_image=SECONDS), progress)


def _compared(
    pairs: Sequence[Pair],
    rows: Sequence[Mapping[str, Any]],
    network: Found,
    how: How,
    folder: Path,
    progress: Progress,
) -> dict[int, dict[str, Any]]:
    """A network's values of the pairs, by the rows' numbers; errors begin with its name."""
    if not pairs:
        return {}
    largest = max(rows[pair.number]["width"] * rows[pair.number]["height"] for pair in pairs)
    settings = Settings(workers=how.workers, seconds_per_image=SECONDS)
    job, settings = job_of(network, how.scale, how.protocol, folder, largest, settings)
    found = _run(job, pairs, folder, settings, progress)
    answers = {pair.number: found.get(pair.number, UNFINISHED) for pair in pairs}
    name = network.network.name
    return {n: {**row, "error": row["error"] and f"{name}: {row['error']}"} for n, row in answers.items()}


def _add(rows: list[dict[str, Any]], answers: Mapping[int, Mapping[str, Any]]) -> None:
    """Put more columns into rows; an error is added to those that are there."""
    for number, answer in answers.items():
        said = [text for text in (rows[number]["error"], answer["error"]) if text]
        rows[number] |= {**answer, "error": "; ".join(dict.fromkeys(said)) or None}


def _run(
    job: Job, pairs: Sequence[Pair], folder: Path, settings: Settings, progress: Progress
) -> dict[int, dict[str, Any]]:
    """The finished rows of a job by their numbers; a pair on which a worker hung has none."""
    with contextlib.suppress(Unfinished):
        run_job(job, pairs, settings, progress)
    return read_rows(folder)


def _columns(how: How) -> tuple[str, ...]:
    """The columns of numbers, in order."""
    of_networks = (name for found in how.networks for name, kind in found.columns.items() if kind is float)
    return (*FIDELITY, *of_networks, *(name for ask in how.asks for name in ask.definition.columns))


def _ask_networks(rows: list[dict[str, Any]], matched: Matched, how: How, progress: Progress) -> None:
    """Add the measures that use a network to the rows; they run as networks do elsewhere."""
    asks = [ask for ask in how.asks if ask.use is not None]
    if not asks or not matched.pairs:
        return
    numbers = sorted(matched.files)
    answers, _ = take_measures([matched.files[number] for number in numbers], asks, how.workers, progress)
    values = [
        {name: value for name, value in answer.row.items() if name not in ("uri", "warning")}
        for answer in answers
    ]
    _add(rows, dict(zip(numbers, values, strict=True)))


def _images(rows: Sequence[Mapping[str, Any]]) -> int:
    """Rows of HR images, without the rows of SR files that have no HR file."""
    return sum(row["uri"] is not None for row in rows)


def _notes(
    rows: Sequence[Mapping[str, Any]], means: Mapping[str, Mean], fid: tuple[float, int] | None
) -> tuple[str, ...]:
    notes: list[str] = []
    images = _images(rows)
    if fid is not None and fid[1] <= FEATURES:
        notes.append(
            f"fid: {some(fid[1], 'images')} are too few for {FEATURES:,} features: the value is biased upwards. "
            "Compare it only with values of the same images"
        )
    short = [(name, mean) for name, mean in means.items() if mean.images < images]
    for count in dict.fromkeys(mean.images for _, mean in short):
        names = [name for name, mean in short if mean.images == count]
        notes.append(
            f"{', '.join(names)}: the mean of {count:,} of {some(images, 'images')}; the others have errors"
        )
    if any(mean.ci95 is not None and mean.images < FEW for mean in means.values()):
        notes.append(
            f"intervals from fewer than {FEW} images are too narrow: do not read small differences from them"
        )
    if same := sum(map(is_identical, rows)):
        notes.append(
            f"{some(same, 'images')} with the luma of their HR image: the PSNR is infinite, and so is its mean"
        )
    mixed = sum("HR is grey and SR is not" in (row["warning"] or "") for row in rows)
    if mixed:
        notes.append(
            f"{some(mixed, 'images')} with a grey HR file and an SR file in colour: see their warnings"
        )
    profiles = sum("both as sRGB" in (row["warning"] or "") for row in rows)
    if profiles:
        notes.append(
            f"{some(profiles, 'images')} with different colour profiles: both files were converted to sRGB, so a "
            "network that ignores profiles scores too low"
        )
    return tuple(notes)
