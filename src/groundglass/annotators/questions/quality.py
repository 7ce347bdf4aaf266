"""Quality: a verdict with its reasons, and scores of quality and of beauty from the probabilities of five words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from groundglass.annotators.question import Answer, Question
from groundglass.catalog import Column, Value
from groundglass.errors import NoValue

VERDICTS = ("good", "usable", "bad")
LEVELS = ("excellent", "good", "fair", "poor", "bad")
"""From 5 to 1, as raters of ITU-R BT.500 and Q-Align call them. No two begin with the same letter."""
LEAST = 0.5
"""The five words together must have at least this share of the probability."""
MOST = 1.01
"""The largest sum of probabilities that is accepted: servers round them."""


class Judged(Answer):
    """Reasons first, so that the verdict follows from them."""

    reasons: list[str]
    quality: str


class Scored(Answer):
    """A number from 1 to 5."""

    score: Annotated[float, Field(ge=1, le=5)]


class Rated(Answer):
    """A number from 1 to 5."""

    aesthetic_score: Annotated[float, Field(ge=1, le=5)]


def judged(answer: Judged) -> dict[str, Value]:
    """The verdict, and the reasons in one text.

    >>> judged(Judged(reasons=["soft", "blocky sky"], quality="bad"))
    {'quality': 'bad', 'quality_reasons': 'soft; blocky sky'}
    """
    reasons = "; ".join(" ".join(reason.split()) for reason in answer.reasons)
    return {"quality": answer.quality, "quality_reasons": reasons}


def scored(answer: Scored) -> dict[str, Value]:
    """The number that the model wrote.

    >>> scored(Scored(score=3.5))
    {'score': 3.5, 'score_from': 'number'}
    """
    return {"score": answer.score, "score_from": "number"}


def rated(answer: Rated) -> dict[str, Value]:
    """The number that the model wrote.

    >>> rated(Rated(aesthetic_score=2))
    {'aesthetic_score': 2.0, 'aesthetic_score_from': 'number'}
    """
    return {"aesthetic_score": answer.aesthetic_score, "aesthetic_score_from": "number"}


def expected_level(position: Mapping[str, float], name: str = "score") -> dict[str, Value] | None:
    r"""The expected level of an answer, from 1 (bad) to 5 (excellent); None if it names no level.

    ``position`` has the alternatives for the answer's first token: token → logarithm of its probability p.
    For each level, the p of all tokens that begin its name are summed, and the score is
    :math:`\sum_i p_i (6 - i) / \sum_i p_i` (Q-Align, equations 1 and 2), i = 1 for excellent. Together they must have
    at least `LEAST` of the probability. ``name`` is the name of the question and of its column.

    Raises NoValue ``malformed`` if these are not probabilities: neither one of them nor their sum may be over 1.

    >>> expected_level({"good": math.log(0.4), " Fair": math.log(0.4), "The": math.log(0.2)})
    {'score': 3.5, 'score_from': 'probabilities'}
    >>> expected_level({"The": math.log(0.9), "good": math.log(0.1)}) is None
    True
    >>> expected_level({"good": math.log(0.9), "fair": math.log(0.8)})
    Traceback (most recent call last):
    groundglass.errors.NoValue: malformed: probabilities that sum up to 1.7
    """
    probabilities = {token: math.exp(min(logarithm, 1.0)) for token, logarithm in position.items()}
    whole = sum(probabilities.values())
    if not whole <= MOST:
        raise NoValue("malformed", f"probabilities that sum up to {whole:.4g}")
    found: dict[str, float] = {}
    for token, probability in probabilities.items():
        level = level_of(token)
        if level:
            found[level] = found.get(level, 0.0) + probability
    total = sum(found.values())
    if total < LEAST:
        return None
    # Divided by their own total, because the model may give the rest of the probability to other words.
    mean = sum(p * (len(LEVELS) - LEVELS.index(level)) for level, p in found.items()) / total
    return {name: mean, f"{name}_from": "probabilities"}


def level_of(token: str) -> str:
    """The level whose name begins with a token, in small letters or capitals; "" if none does.

    >>> level_of(" Exc"), level_of("Good"), level_of("goodness"), level_of("")
    ('excellent', 'good', '', '')
    """
    word = token.strip(" \t\n\"'*`Ġ▁").lower()
    return next((level for level in LEVELS if word and level.startswith(word)), "")


def _text(meaning: str) -> Column:
    return Column("", None, None, "neither", meaning, str)


QUALITY = Question(
    name="quality",
    version=1,
    asks=(
        "Judge the technical quality of the picture as training material for image restoration: sharpness, noise, "
        "compression, exposure, colour, and signs of enlarging or sharpening. List what you see in `reasons`, then "
        "give your verdict in `quality`: 'good' shows no visible fault at this size, 'usable' small ones, 'bad' "
        "clear ones. One of: {words}"
    ),
    answer=Judged,
    values=judged,
    columns={
        "quality": _text(f"one of {', '.join(VERDICTS)}"),
        "quality_reasons": _text("the reasons that the model lists, separated by `;`"),
    },
    summary="A verdict on the technical quality (good, usable, bad), with reasons.",
    word="quality",
    words=VERDICTS,
)
SCORE = Question(
    name="score",
    version=2,
    asks=(
        "Rate the technical quality of the picture with a number from 1 (bad) to 5 (excellent); "
        "decimals are welcome."
    ),
    single=(
        "How would you rate the technical quality of this picture? Answer with one word only, no JSON: "
        "excellent, good, fair, poor or bad."
    ),
    answer=Scored,
    values=scored,
    columns={
        "score": Column("", 1, 5, "higher", "the quality that the model gives it; 5 is excellent"),
        "score_from": _text(
            "`probabilities` of words, or a `number` that the model wrote; the same for all images"
        ),
    },
    summary="A number for the technical quality, from the probabilities of five words if the server gives them.",
    reference="Wu et al., Q-Align: Teaching LMMs for Visual Scoring via Discrete Text-Defined Levels, ICML 2024",
    levels=LEVELS,
)
AESTHETIC_SCORE = Question(
    name="aesthetic_score",
    version=1,
    asks=(
        "Rate how pleasing the picture is (composition, light, colour, subject), apart from its technical quality, "
        "with a number from 1 (bad) to 5 (excellent); decimals are welcome."
    ),
    single=(
        "How would you rate the aesthetics of this picture? Answer with one word only, no JSON: "
        "excellent, good, fair, poor or bad."
    ),
    answer=Rated,
    values=rated,
    columns={
        "aesthetic_score": Column("", 1, 5, "higher", "how pleasing the model finds it; 5 is excellent"),
        "aesthetic_score_from": _text(
            "`probabilities` of words, or a `number` that the model wrote; the same for all images"
        ),
    },
    summary="A number for how pleasing the image is, read like `score`: the second head of Q-Align.",
    reference="Wu et al., Q-Align: Teaching LMMs for Visual Scoring via Discrete Text-Defined Levels, ICML 2024",
    levels=LEVELS,
)
