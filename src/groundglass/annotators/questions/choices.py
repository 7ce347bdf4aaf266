"""Questions that are answered by one word of a list: category, shot, style."""

from __future__ import annotations

from typing import Any

from groundglass.annotators.question import Answer, Question
from groundglass.catalog import Column, Value

UNKNOWN = "unknown"
"""The answer of a model that is not sure, so that it need not guess; a selection can drop it."""
SHOTS = ("macro", "close-up", "medium shot", "wide shot", "aerial", "microscopic", "no camera", UNKNOWN)
STYLES = (
    "photograph",
    "3d render",
    "digital painting",
    "traditional painting",
    "drawing",
    "anime",
    "screenshot",
    "document",
    "diagram",
    UNKNOWN,
)


class Category(Answer):
    """One word of the recipe's vocabulary."""

    category: str


class Shot(Answer):
    """One of `SHOTS`."""

    shot: str


class Style(Answer):
    """One of `STYLES`."""

    style: str


def values(answer: Answer) -> dict[str, Value]:
    """The word of the answer."""
    said: dict[str, Any] = answer.model_dump()
    return said


CATEGORY = Question(
    name="category",
    version=1,
    asks="To which one of these categories does the picture's main subject belong best? {words}",
    answer=Category,
    values=values,
    columns={"category": Column("", None, None, "neither", "a word of the recipe's `vocabulary`", str)},
    summary="The word of the recipe's vocabulary that fits the main subject best.",
    word="category",
)
SHOT = Question(
    name="shot",
    version=2,
    asks=(
        "How near is the main subject, as a photographer would call the shot? One of: {words}. "
        "Use 'no camera' for what was drawn, rendered or captured from a screen, and 'unknown' where it cannot be told."
    ),
    answer=Shot,
    values=values,
    columns={"shot": Column("", None, None, "neither", f"one of {', '.join(SHOTS)}", str)},
    summary="The distance of the main subject, from macro to aerial.",
    word="shot",
    words=SHOTS,
)
STYLE = Question(
    name="style",
    version=2,
    asks="What kind of picture is it? One of: {words}. Use 'unknown' where it cannot be told.",
    answer=Style,
    values=values,
    columns={"style": Column("", None, None, "neither", f"one of {', '.join(STYLES)}", str)},
    summary="The kind of image: photograph, render, painting, drawing, screenshot …",
    word="style",
    words=STYLES,
)
