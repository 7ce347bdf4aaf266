"""The items of a study: which images are rated, which train and check the raters, and which had to be left out."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import ImageError, RecipeError
from groundglass.files.locators import changed_at, read_listed
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.random_streams import stream
from groundglass.recipes.study_model import OF_PAIRS, StudyStep
from groundglass.studies.candidates import LEFT_OUT, Candidate, left_out
from groundglass.studies.records import ItemRow
from groundglass.studies.right_answers import Answered, read_answers, with_answers

THREADS = 4
"""Images that are decoded at the same time; they bound memory."""


@dataclass(frozen=True)
class Items:
    """The items in their order, and the images that were left out (`LEFT_OUT`)."""

    items: tuple[ItemRow, ...]
    left_out: pa.Table

    @property
    def rated(self) -> tuple[ItemRow, ...]:
        return tuple(item for item in self.items if item.role == "rate")


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
    gold, others = with_answers(usable, answers, body)
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
            gone.append(left_out(one.row, one.name, problem.reason, problem.detail))
    if body.protocol not in OF_PAIRS or not (body.folders or body.content):
        return usable
    by_content: defaultdict[str, set[str]] = defaultdict(set)
    for one in usable:
        by_content[one.content].add(one.arm or one.row)
    needed = len(body.folders) if body.protocol == "pair_accept" else 2
    lonely = [one for one in usable if len(by_content[one.content]) < needed]
    gone += [left_out(one.row, one.name, "no_partner") for one in lonely]
    return [one for one in usable if len(by_content[one.content]) >= needed]


def _decoded(chosen: list[Candidate], gone: list[dict[str, Any]]) -> list[Candidate]:
    """The images that can be decoded; the others go to ``gone``."""

    def check(one: Candidate) -> ImageError | None:
        try:
            if not one.proven:
                data = read_listed(one.path, None, None, one.sha256)
                _ = open_frame(data, ImageLimits(), one.makes).at(one.region).rgb
        except ImageError as error:
            return error
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        problems = list(pool.map(check, chosen))
    for one, problem in zip(chosen, problems, strict=True):
        if problem is not None:
            gone.append(left_out(one.row, one.name, problem.reason, problem.detail))
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
