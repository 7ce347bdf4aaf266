"""Yes-or-no questions: a visible watermark, unsafe content, an image made by a model."""

from __future__ import annotations

from typing import Any

from groundglass.annotators.question import Answer, Question
from groundglass.catalog import Column, Value


class Watermark(Answer):
    """The evidence comes first, so that the flag follows from it."""

    seen: str
    watermark: bool


class Nsfw(Answer):
    """The evidence comes first, so that the flag follows from it."""

    seen: str
    nsfw: bool


class AiMade(Answer):
    """The evidence comes first, so that the flag follows from it."""

    seen: str
    ai_made: bool


def values(answer: Any) -> dict[str, Value]:
    """The flag, and the evidence as ``<flag>_seen``.

    >>> values(Watermark(seen="'stock' across the middle", watermark=True))
    {'watermark': True, 'watermark_seen': "'stock' across the middle"}
    """
    seen = answer.model_dump()
    words = seen.pop("seen")
    (name,) = seen
    return {name: seen[name], f"{name}_seen": " ".join(words.split())}


def _flag(answer: type[Answer], name: str, asks: str, meaning: str) -> Question:
    evidence = Column("", None, None, "neither", "what the model says it saw", str)
    return Question(
        name=name,
        version=1,
        asks=f"{asks} Say in `seen`, in a few words, what you see that decides it, then answer true or false.",
        answer=answer,
        values=values,
        columns={name: Column("", 0, 1, "lower", meaning, bool), f"{name}_seen": evidence},
        summary=f"{meaning[0].upper()}{meaning[1:]}, and the evidence.",
    )


WATERMARK = _flag(
    Watermark,
    "watermark",
    "Has something been laid over the picture after it was taken: a watermark, logo, signature, date or caption? "
    "Signs and writing that belong to the scene do not count.",
    "whether a watermark, logo, signature, date or caption covers part of it",
)
NSFW = _flag(
    Nsfw,
    "nsfw",
    "Does the picture show nudity, sexual acts, or bloody violence, so that it should not be in a public dataset?",
    "whether it shows nudity, sexual acts or bloody violence",
)
AI_MADE = _flag(
    AiMade,
    "ai_made",
    "Was the picture made by a generative model? Look at hands, eyes, writing, repeated textures, impossible "
    "structures and light. Without such a sign answer false.",
    "whether it shows signs of having been made by a generative model",
)
