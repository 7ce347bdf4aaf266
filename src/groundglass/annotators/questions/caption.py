"""A caption: a description of an image in one or two sentences."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundglass.annotators.question import Answer, Question
from groundglass.catalog import Column

LONGEST = 5000
"""The longest caption, in letters; the question asks for at most 60 words."""


class Told(Answer):
    """A caption of at least one letter."""

    caption: Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"\S")]


def values(answer: Told) -> dict[str, float | int | str | bool | bytes | None]:
    """The caption on one line.

    >>> values(Told(caption=" A dog\\n on grass. "))
    {'caption': 'A dog on grass.'}
    """
    return {"caption": " ".join(answer.caption.split())}


QUESTION = Question(
    name="caption",
    version=1,
    asks=(
        "Describe the picture in one or two plain sentences, at most 60 words: the subject, where it is, the light "
        "and the point of view. Begin with the subject, not with words such as 'the image shows'."
    ),
    answer=Told,
    values=values,
    columns={
        "caption": Column("", None, None, "neither", "one or two sentences that describe the image", str)
    },
    summary="A description of the image in one or two sentences.",
)
"""Its record in the catalog."""
