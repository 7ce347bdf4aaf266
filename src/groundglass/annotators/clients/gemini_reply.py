"""The schema of all replies of Gemini's ``generateContent``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from groundglass.annotators.clients.protocol import Reply
from groundglass.calls.foreign import (
    Count,
    Foreign,
    Listed,
    Logarithm,
    OrNone,
    Words,
    positions_of,
)
from groundglass.calls.protocol import Trouble

POSITIONS = 8
"""The number of first tokens whose probabilities are read."""
HARMFUL = ("SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "RECITATION")
"""Finish reasons that are refusals."""


def _objects(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


class Usage(Foreign):
    """Tokens; a model's reasoning costs as much as its answer."""

    into: Annotated[Count, Field(validation_alias="promptTokenCount")] = None
    said: Annotated[Count, Field(validation_alias="candidatesTokenCount")] = None
    thought: Annotated[Count, Field(validation_alias="thoughtsTokenCount")] = None
    total: Annotated[Count, Field(validation_alias="totalTokenCount")] = None

    def tokens(self) -> tuple[int | None, int | None]:
        """Tokens in and out.

        >>> Usage.model_validate({"promptTokenCount": 90, "thoughtsTokenCount": 4}).tokens()
        (90, 4)
        """
        if self.said is None and self.thought is None:
            into, total = self.into, self.total
            known = into is not None and total is not None and total >= into
            return into, (total or 0) - (into or 0) if known else None
        return self.into, (self.said or 0) + (self.thought or 0)


class Alternative(Foreign):
    """A token and its probability."""

    token: Annotated[str | None, OrNone] = None
    probability: Annotated[Logarithm, Field(validation_alias="logProbability")] = float("-inf")


class Place(Foreign):
    """The alternatives at one place of the answer."""

    candidates: Annotated[list[Alternative], BeforeValidator(_objects)] = Field(default_factory=list)


class Logprobs(Foreign):
    """The probabilities of an answer's tokens."""

    places: Annotated[list[Place], BeforeValidator(_objects)] = Field(
        default_factory=list, validation_alias="topCandidates"
    )


class Part(Foreign):
    """A piece of text, of the answer or of the reasoning."""

    text: Words = ""
    thought: Any = None


class Content(Foreign):
    """The content of a model's answer."""

    parts: Annotated[list[Part], BeforeValidator(_objects)] = Field(default_factory=list)


class Candidate(Foreign):
    """One answer."""

    content: Annotated[Content | None, OrNone] = None
    ended: Annotated[Words, Field(validation_alias="finishReason")] = ""
    logprobs: Annotated[Logprobs | None, OrNone, Field(validation_alias="logprobsResult")] = None


class Feedback(Foreign):
    """The reason why a question did not reach the model."""

    blocked: Annotated[Words, Field(validation_alias="blockReason")] = ""


class Generated(Foreign):
    """A complete reply."""

    candidates: Annotated[list[Annotated[Candidate | None, OrNone]], Listed] = Field(default_factory=list)
    usage: Annotated[Usage | None, OrNone, Field(validation_alias="usageMetadata")] = None
    feedback: Annotated[Feedback | None, OrNone, Field(validation_alias="promptFeedback")] = None
    error: Any = None


def joined(pieces: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One reply from the pieces of a stream: their parts in order, and the last value of every other field.

    >>> said = [{"candidates": [{"content": {"parts": [{"text": word}]}}]} for word in ("a ", "cat")]
    >>> read_reply(joined(said), "Google").text
    'a cat'
    """
    whole = {name: value for piece in pieces for name, value in piece.items() if value}
    read = [Generated.model_validate(piece) for piece in pieces]
    firsts = [one.candidates[0] for one in read if one.candidates and one.candidates[0] is not None]
    contents = [one.content for one in firsts if one.content is not None]
    ended = [one.ended for one in firsts if one.ended]
    places = [place for one in firsts if one.logprobs for place in one.logprobs.places]
    candidate = {
        "content": {"parts": [part.model_dump() for one in contents for part in one.parts]}
        if contents
        else None,
        "finishReason": ended[-1] if ended else None,
        "logprobsResult": {
            "topCandidates": [
                {
                    "candidates": [
                        {"token": one.token, "logProbability": one.probability} for one in place.candidates
                    ]
                }
                for place in places
            ]
        },
    }
    return whole | {"candidates": [candidate] if firsts else []}


def error_of(payload: Any) -> Any:
    """The error in a reply, None if there is none."""
    return Generated.model_validate(payload).error


def tokens_of(payload: Any) -> tuple[int | None, int | None]:
    """Tokens in and out, None if a reply does not count them."""
    usage = Generated.model_validate(payload).usage
    return usage.tokens() if usage else (None, None)


def read_reply(payload: Any, where: str) -> Reply:
    """The answer in a reply. Raises Trouble if there is none.

    >>> read_reply({"candidates": [{"content": {"parts": [{"text": "yes"}]}}]}, "Google").text
    'yes'
    """
    generated = Generated.model_validate(payload)
    tokens = generated.usage.tokens() if generated.usage else (None, None)
    blocked = generated.feedback.blocked if generated.feedback else ""
    if not generated.candidates and not blocked:
        raise Trouble(
            "server_error",
            f"{where} answers with no candidates",
            again=not any(tokens),
            charged=True,
            tokens=tokens,
        )
    first = (generated.candidates[0] if generated.candidates else None) or Candidate()
    # A blocked prompt has no candidate, a blocked answer has one without content.
    refused = blocked or (first.ended if first.ended in HARMFUL else "")
    if first.content is None and not refused and first.ended in ("", "STOP"):
        raise Trouble("server_error", f"{where} answers with a null message", charged=True, tokens=tokens)
    parts = first.content.parts if first.content else []
    return Reply(
        "".join(part.text for part in parts if not part.thought),
        *tokens,
        positions=_positions(first.logprobs),
        refused=refused,
        reasoning="".join(part.text for part in parts if part.thought),
        ended=first.ended,
    )


def _positions(logprobs: Logprobs | None) -> tuple[dict[str, float], ...]:
    places = logprobs.places[:POSITIONS] if logprobs else []
    return positions_of(
        [
            [(one.token, one.probability) for one in place.candidates if one.token is not None]
            for place in places
        ]
    )
