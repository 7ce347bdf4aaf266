"""The right answers of a study's gold images, from the file that `checks: {answers: …}` names."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.candidates import Candidate
from groundglass.studies.records import VERDICTS
from groundglass.text.decode_text import decode_text
from groundglass.text.suggest import did_you_mean

Answered = tuple[Candidate, float, float]
"""An image with the lowest and the highest right answer."""


def with_answers(
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
