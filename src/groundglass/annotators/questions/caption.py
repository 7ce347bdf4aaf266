"""A caption: what a picture shows, in one or two sentences."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundglass.annotators.question import Answer, Question
from groundglass.catalog import Column

LONGEST = 5000
"""Letters of a caption; 60 words are asked for."""


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
    columns={"caption": Column("", None, None, "neither", "one or two sentences on what is shown", str)},
    summary="What the picture shows, in one or two sentences.",
)
"""Its record in the catalog."""
