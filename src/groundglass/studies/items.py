"""The items of a study: which images are rated, which train and check the raters, and which had to be left out."""

from __future__ import annotations

import csv
import io
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import ImageError, RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import changed_at, read_listed
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.plans.measure_missing import THUMBNAIL_ASK
from groundglass.random_streams import stream
from groundglass.recipes.study_model import OF_PAIRS, StudyStep
from groundglass.sources.folder import look_into_folders
from groundglass.studies.records import VERDICTS, ItemRow
from groundglass.tables.measure_store import MeasureStore
from groundglass.text.decode_text import decode_text
from groundglass.text.suggest import did_you_mean

THREADS = 4
"""Images that are decoded at the same time; they bound memory."""
LEFT_OUT = pa.schema(
    [("row", pa.string()), ("name", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)
"""Images that the study would have had, and why it does not have them."""


@dataclass(frozen=True)
class Candidate:
    """An image that may become an item.

    path            its locator
    size, mtime_ns  as in the run's listing
    proven          its pixels were decoded before
    also            other names by which a file of answers may call it: its uri and its sha256
    """

    row: str
    name: str
    path: bytes
    sha256: str
    width: int
    height: int
    region: str = ""
    arm: str = ""
    content: str = ""
    prompt: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    proven: bool = False
    also: tuple[str, ...] = ()


Answered = tuple[Candidate, float, float]
"""An image with the lowest and the highest right answer."""


@dataclass(frozen=True)
class Items:
    """The items in their order, and the images that were left out (`LEFT_OUT`)."""

    items: tuple[ItemRow, ...]
    left_out: pa.Table

    @property
    def rated(self) -> tuple[ItemRow, ...]:
        return tuple(item for item in self.items if item.role == "rate")


def locator_of(text: str) -> bytes:
    r"""The locator of an item, which the database keeps in hex.

    >>> locator_of(b"/a.tar\0part 1 2".hex())
    b'/a.tar\x00part 1 2'
    """
    return bytes.fromhex(text)


def candidates_of(
    rows: pa.Table, images: pa.Table, store: MeasureStore, prompt: str | None, content: str | None
) -> list[Candidate]:
    """The candidates of rows of a run, in their order.

    rows    id, root, uri, sha256, region, width, height, and the columns that ``prompt`` and ``content`` name
    images  the run's images table: id, path, bytes, mtime_ns
    store   the run's: an image with a thumbnail in it was decoded by a measure
    """
    contents_of = rows.select(["sha256", "region"])
    known = store.folder(THUMBNAIL_ASK.key).is_dir()
    lacking = store.missing(THUMBNAIL_ASK.key, contents_of) if known else contents_of
    unseen = set(zip(lacking["sha256"].to_pylist(), lacking["region"].to_pylist(), strict=True))
    places = {photo: at for at, photo in enumerate(images["id"].to_pylist())}
    facts = images.select(["path", "bytes", "mtime_ns"]).to_pylist()
    prompts, contents = (_texts(rows, name) for name in (prompt, content))
    found: list[Candidate] = []
    for row, said, same in zip(rows.to_pylist(), prompts, contents, strict=True):
        file = facts[places[row["root"]]]
        found.append(
            Candidate(
                row=row["id"],
                name=row["uri"] + (f"#{row['region']}" if row["region"] else ""),
                path=file["path"],
                sha256=row["sha256"],
                width=row["width"],
                height=row["height"],
                region=row["region"],
                content=same or "",
                prompt=said,
                size=file["bytes"],
                mtime_ns=file["mtime_ns"],
                proven=(row["sha256"], row["region"]) not in unseen,
                also=(row["uri"], row["sha256"]),
            )
        )
    return found


def _texts(rows: pa.Table, name: str | None) -> Sequence[str | None]:
    if name is None:
        return [None] * rows.num_rows
    return [None if value is None else str(value) for value in rows[name].to_pylist()]


def candidates_in(folders: Mapping[str, str]) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """The images of the folders of a comparison, one by one decoded, and those that cannot be used.

    The content is the path below the folder without its ending: images of one content are compared. Raises RecipeError
    for a folder that does not exist.
    """
    found: list[Candidate] = []
    lost: list[dict[str, Any]] = []
    for arm, folder in folders.items():
        for file in look_into_folders([folder]).listing().to_pylist():
            row = f"{arm}/{file['uri']}"
            try:
                if file["error"] is not None:
                    raise ImageError(file["error"], file["detail"] or "")
                data = read_listed(file["path"], file["bytes"], file["mtime_ns"])
                frame = open_frame(data, ImageLimits())
                height, width = frame.rgb.shape[:2]
            except ImageError as error:
                lost.append(_lost(row, row, error.reason, error.detail))
                continue
            content = str(Path(file["uri"]).with_suffix(""))
            found.append(
                Candidate(
                    row,
                    row,
                    file["path"],
                    sha256_of(data),
                    width,
                    height,
                    arm=arm,
                    content=content,
                    proven=True,
                )
            )
    return found, lost


def _lost(row: str, name: str, reason: str, detail: str = "") -> dict[str, Any]:
    return {"row": row, "name": name, "reason": reason, "detail": detail}


def choose_items(
    body: StudyStep,
    candidates: Iterable[Candidate],
    seed: int,
    name: str,
    lost: Iterable[dict[str, Any]] = (),
) -> Items:
    """Draw the items of a study called ``name``, with those that train and check its raters.

    With ``items``, so many images or pairs are drawn at random; a review of dropped images takes the first ones, the
    nearest to their limit. Files that changed or vanished since the run listed them are left out, with a reason.
    Raises RecipeError if nothing is left to rate, or if the answers of gold trials do not fit.
    """
    gone = list(lost)
    usable = _whole(body, list(candidates), gone)
    answers = read_answers(Path(body.checks.answers).expanduser(), body) if body.checks.answers else {}
    gold, others = _with_answers(usable, answers, body)
    rated = _decoded(_drawn(body, others, seed, name), gone)
    if not rated:
        raise RecipeError(
            f"the study {name} has no image to rate{_why(gone)}",
            "compare its keys with the images that the run kept: groundglass show RUN",
        )
    train = _training(body, gold, seed, name)
    trained = {one.row for one, _, _ in train}
    chosen: list[tuple[Candidate, str, float | None, float | None]] = []
    chosen += [(one, "rate", None, None) for one in rated]
    chosen += [(one, "train", low, high) for one, low, high in train]
    chosen += [(one, "gold", low, high) for one, low, high in gold if one.row not in trained]
    items = tuple(_item(place, *one) for place, one in enumerate(chosen))
    return Items(items, pa.Table.from_pylist(gone, LEFT_OUT))


def _item(place: int, one: Candidate, role: str, low: float | None, high: float | None) -> ItemRow:
    return ItemRow(
        id=secrets.token_hex(16),
        place=place,
        row=one.row,
        name=one.name,
        locator=one.path.hex(),
        sha256=one.sha256,
        width=one.width,
        height=one.height,
        region=one.region,
        arm=one.arm,
        content=one.content,
        prompt=one.prompt,
        role=role,
        low=low,
        high=high,
    )


def _why(gone: Sequence[Mapping[str, Any]]) -> str:
    if not gone:
        return ""
    first = gone[0]
    detail = f", {first['detail']}" if first["detail"] else ""
    return f": {len(gone):,} are left out, such as {first['name']} ({first['reason']}{detail})"


def _whole(body: StudyStep, candidates: list[Candidate], gone: list[dict[str, Any]]) -> list[Candidate]:
    """The candidates that can be opened and, in a comparison, have a partner; the others go to ``gone``."""
    usable: list[Candidate] = []
    for one in candidates:
        problem = _problem(one)
        if problem is None:
            usable.append(one)
        else:
            gone.append(_lost(one.row, one.name, problem.reason, problem.detail))
    if body.protocol not in OF_PAIRS or not (body.folders or body.content):
        return usable
    by_content: defaultdict[str, set[str]] = defaultdict(set)
    for one in usable:
        by_content[one.content].add(one.arm or one.row)
    needed = len(body.folders) if body.protocol == "pair_accept" else 2
    lonely = [one for one in usable if len(by_content[one.content]) < needed]
    gone += [_lost(one.row, one.name, "no_partner") for one in lonely]
    return [one for one in usable if len(by_content[one.content]) >= needed]


def _decoded(chosen: list[Candidate], gone: list[dict[str, Any]]) -> list[Candidate]:
    """The images that can be decoded; the others go to ``gone``."""

    def check(one: Candidate) -> ImageError | None:
        try:
            if not one.proven:
                _ = (
                    open_frame(read_listed(one.path, None, None, one.sha256), ImageLimits())
                    .at(one.region)
                    .rgb
                )
        except ImageError as error:
            return error
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        problems = list(pool.map(check, chosen))
    for one, problem in zip(chosen, problems, strict=True):
        if problem is not None:
            gone.append(_lost(one.row, one.name, problem.reason, problem.detail))
    return [one for one, problem in zip(chosen, problems, strict=True) if problem is None]


def _problem(one: Candidate) -> ImageError | None:
    """Why the file of an image is not the one that the run listed; None if it is."""
    if one.mtime_ns is None or changed_at(one.path) == one.mtime_ns:
        return None
    try:
        read_listed(one.path, one.size, one.mtime_ns, one.sha256)
    except ImageError as error:
        return error
    return None


def _drawn(body: StudyStep, candidates: list[Candidate], seed: int, name: str) -> list[Candidate]:
    """The images that are rated, in the order of the candidates."""
    if body.items is None:
        return candidates
    if body.dropped_by is not None:
        return candidates[: body.items]
    draw = stream(seed, "study", name, "items")
    if body.protocol in OF_PAIRS and (body.folders or body.content):
        return _drawn_contents(body, candidates, draw.permutation)
    by_row = sorted(range(len(candidates)), key=lambda at: candidates[at].row)
    chosen = sorted(by_row[at] for at in draw.permutation(len(by_row))[: body.items])
    return [candidates[at] for at in chosen]


def _drawn_contents(body: StudyStep, candidates: list[Candidate], permutation: Any) -> list[Candidate]:
    """Whole contents, drawn until there are enough pairs of folders, or enough images of contents."""
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        groups[one.content].append(one)
    contents = sorted(groups)
    chosen: set[str] = set()
    count = 0
    for at in permutation(len(contents)):
        if count >= (body.items or 0):
            break
        chosen.add(contents[at])
        many = len(groups[contents[at]])
        count += many * (many - 1) // 2 if body.folders else many
    return [one for one in candidates if one.content in chosen]


def _training(body: StudyStep, gold: Sequence[Answered], seed: int, name: str) -> list[Answered]:
    """The images of training trials, of those with a right answer; at least as many remain to check the raters.

    Without any, raters train on damaged copies of the rated images.
    """
    if body.protocol in OF_PAIRS:
        return []
    drawn = stream(seed, "study", name, "training").permutation(len(gold))
    return [gold[at] for at in drawn[: min(body.checks.training, len(gold) // 2)]]


def _with_answers(
    candidates: list[Candidate], answers: Mapping[str, tuple[float, float]], body: StudyStep
) -> tuple[list[Answered], list[Candidate]]:
    """The candidates with a right answer, and the others. Raises RecipeError for an answer about no image."""
    gold: list[Answered] = []
    others: list[Candidate] = []
    used: set[str] = set()
    for one in candidates:
        names = (one.row, one.name, one.content if body.folders else "", *one.also)
        called = next((name for name in names if name in answers), None)
        if called is None:
            others.append(one)
        else:
            used.add(called)
            gold.append((one, *answers[called]))
    strange = [name for name in answers if name not in used]
    if strange:
        known = [name for one in candidates for name in (one.name, one.row)]
        raise RecipeError(
            f"{body.checks.answers}: '{strange[0]}' is not an image of this study.{did_you_mean(strange[0], known)}",
            "name each item by its uri, id or sha256",
        )
    return gold, others


def read_answers(path: Path, body: StudyStep) -> dict[str, tuple[float, float]]:
    """The right answers of gold trials: item → the lowest and the highest right score.

    keep is 1 and drop is 0. Raises RecipeError with the line of the first fault.
    """
    try:
        text = decode_text(path.read_bytes()).text
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise RecipeError(
            f"cannot read the answers {path}: {said}", "give a CSV file item,low,high"
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    if not {"item", "low", "high"} <= set(reader.fieldnames or ()):
        said = ", ".join(reader.fieldnames or ()) or "nothing"
        raise RecipeError(
            f"{path} needs the columns item, low and high; it has {said}", "its first line is item,low,high"
        )
    low, high = body.scale or (0.0, 1.0)
    found: dict[str, tuple[float, float]] = {}
    for row in reader:
        place = f"{path}:{reader.line_num}"
        try:
            ends = (_number(row["low"]), _number(row["high"]))
        except (AttributeError, ValueError):
            raise RecipeError(
                f"{place}: low and high must be numbers", "write for example a.png,1,2"
            ) from None
        if not low <= ends[0] <= ends[1] <= high:
            said = f"{ends[0]:g} to {ends[1]:g} is not within {low:g} to {high:g}"
            raise RecipeError(f"{place}: {said}", f"the scale of {body.protocol} is {low:g} to {high:g}")
        if row["item"] in found:
            raise RecipeError(f"{place}: '{row['item']}' has two answers", "delete one of them")
        found[row["item"]] = ends
    return found


def _number(text: str) -> float:
    word = text.strip().lower()
    return VERDICTS[word] if word in VERDICTS else float(word)
