"""Right answers: the flags that a vote gets, and the feedback of a training trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundglass.recipes.study_model import StudyStep
from groundglass.studies.design import Design
from groundglass.studies.handed_out import Draft
from groundglass.studies.records import VERDICTS, Score, Vote

HIGHEST_OF_DAMAGED = {
    "acr": (1.0, 2.0),
    "slider": (0.0, 30.0),
    "accept": (0.0, 0.0),
    "pair_accept": (0.0, 0.0),
}
"""The right scores of a badly damaged copy."""


def right_answer(design: Design, draft: Draft) -> tuple[float, float] | str | None:
    """The right answer of a trial: a range of scores, or the side that must win; None if there is none.

    Several dimensions are judged by the first one.
    """
    if draft.damaged:
        if draft.right >= 0 and design.sides_vary:
            return "right" if draft.damaged == "left" else "left"
        return HIGHEST_OF_DAMAGED[design.protocol]
    item = design.items[draft.right if draft.right >= 0 else draft.left]
    if draft.kind not in ("train", "gold") or item.low is None or item.high is None or design.sides_vary:
        return None
    return item.low, item.high


def is_right(answer: tuple[float, float] | str, score: Score) -> bool:
    """Whether a score is the right answer."""
    if isinstance(answer, str):
        return score == answer
    number = next(iter(score.values())) if isinstance(score, Mapping) else score
    value = VERDICTS[number] if isinstance(number, str) else number
    return answer[0] <= value <= answer[1]


def flags_of(design: Design, draft: Draft, vote: Vote, body: StudyStep) -> list[str]:
    """The reasons to doubt a vote: too_fast, trap_failed, gold_failed, train_failed. They are recorded, no more."""
    flags: list[str] = []
    dwell = vote.seen.get("dwell")
    if dwell is not None and dwell < body.checks.dwell:
        flags.append("too_fast")
    answer = right_answer(design, draft)
    if answer is not None and not is_right(answer, vote.score):
        flags.append(f"{draft.kind}_failed")
    return flags


def feedback_of(design: Design, draft: Draft, score: Score) -> dict[str, Any] | None:
    """The feedback of a training trial; None for all others, whatever they are."""
    if draft.kind != "train":
        return None
    answer = right_answer(design, draft)
    if answer is None:
        sentence = "This trial has no fixed answer: your own judgement counts."
        return {"right": None, "low": None, "high": None, "sentence": sentence}
    right = is_right(answer, score)
    low, high = (None, None) if isinstance(answer, str) else answer
    return {"right": right, "low": low, "high": high, "sentence": _sentence(design, draft, answer, right)}


def _sentence(design: Design, draft: Draft, answer: tuple[float, float] | str, right: bool) -> str:
    start = "Right." if right else "Not quite."
    if isinstance(answer, str):
        return f"{start} The image at the {answer} is better: the other one was damaged on purpose."
    cause = ": it was damaged on purpose" if draft.damaged else ""
    if design.protocol in ("accept", "pair_accept"):
        word = "keep" if answer[0] > 0 else "drop"
        return f"{start} The answer here is {word}{cause}."
    span = f"{answer[0]:g}" if answer[0] == answer[1] else f"{answer[0]:g} to {answer[1]:g}"
    return f"{start} This image should get {span}{cause}."
