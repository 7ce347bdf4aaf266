"""Every question that a recipe can ask, written out."""

from __future__ import annotations

from collections.abc import Mapping

from groundglass.annotators.question import Question
from groundglass.annotators.questions import caption, choices, flags, quality

_ALL = (
    caption.QUESTION,
    choices.CATEGORY,
    choices.SHOT,
    choices.STYLE,
    quality.QUALITY,
    quality.SCORE,
    quality.AESTHETIC_SCORE,
    flags.WATERMARK,
    flags.NSFW,
    flags.AI_MADE,
)
QUESTIONS: Mapping[str, Question] = {question.name: question for question in _ALL}
"""name → question, in the order of the lists that users see."""
