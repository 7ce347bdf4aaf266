"""The schema of all replies in OpenAI's chat-completions protocol, whatever server sent them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

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
BARE_ERROR = ("message", "detail")
"""Keys of an error that is not wrapped in ``error``."""
THOUGHTS = ("thinking", "reasoning")
"""Kinds of parts that do not belong to the answer."""


class Usage(Foreign):
    """Tokens; some servers use other names, or give only the sum."""

    into: Annotated[Count, Field(validation_alias=AliasChoices("prompt_tokens", "input_tokens"))] = None
    out: Annotated[Count, Field(validation_alias=AliasChoices("completion_tokens", "output_tokens"))] = None
    total: Annotated[Count, Field(validation_alias="total_tokens")] = None

    def tokens(self) -> tuple[int | None, int | None]:
        """Tokens in and out.

        >>> Usage.model_validate({"prompt_tokens": "90", "total_tokens": 100}).tokens()
        (90, 10)
        """
        into, out, total = self.into, self.out, self.total
        if total is not None and into is not None and out is None and total >= into:
            out = total - into
        if total is not None and out is not None and into is None and total >= out:
            into = total - out
        return into, out


class Alternative(Foreign):
    """A token and its probability."""

    token: Annotated[str | None, OrNone] = None
    logprob: Logarithm = float("-inf")

    def pair(self) -> list[tuple[str, float]]:
        return [] if self.token is None else [(self.token, self.logprob)]


def _no_nulls(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


class Token(Alternative):
    """A token of the answer, and its alternatives."""

    top_logprobs: Annotated[list[Alternative], BeforeValidator(_no_nulls)] = Field(default_factory=list)

    def all(self) -> list[tuple[str, float]]:
        return [*self.pair(), *(pair for one in self.top_logprobs for pair in one.pair())]


class Logprobs(Foreign):
    """The probabilities of an answer's tokens."""

    content: Annotated[list[Token], BeforeValidator(_no_nulls)] = Field(default_factory=list)


def _content(value: Any) -> Any:
    """Text and reasoning of a content: a text, parts, one part, an answer that is already parsed, or nothing."""
    parts = value if isinstance(value, list) else [value]
    said: dict[str, list[str]] = {"text": [], "thoughts": [], "refusal": []}
    for part in parts:
        kind, text = _part(part)
        said[kind].append(text)
    return {kind: "".join(texts) for kind, texts in said.items()}


def _part(part: Any) -> tuple[str, str]:
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, dict):
        return "text", ""
    kind = part.get("type")
    if kind is None and not isinstance(part.get("text"), str):
        # The server parsed the answer's JSON; it is written again, so that all answers are read in one way.
        return "text", json.dumps(part)
    if kind == "refusal":
        return "refusal", _words_of(part.get("refusal"))
    if kind in THOUGHTS or any(word in part for word in THOUGHTS):
        return "thoughts", _words_of(part.get("thinking") or part.get("reasoning") or part.get("text"))
    return "text", _words_of(part.get("text"))


def _words_of(value: Any) -> str:
    """A text, or the texts of the parts inside."""
    if isinstance(value, list):
        return "".join(_words_of(one) for one in value)
    if isinstance(value, dict):
        return _words_of(value.get("text") or value.get("value"))
    return value if isinstance(value, str) else ""


class Content(Foreign):
    """The text, reasoning and refusal in a message's content."""

    text: str = ""
    thoughts: str = ""
    refusal: str = ""


class Message(Foreign):
    """A model's message."""

    content: Annotated[Content, BeforeValidator(_content)] = Content()
    refusal: Words = ""
    reasoning_content: Annotated[str, BeforeValidator(_words_of)] = ""
    reasoning: Annotated[str, BeforeValidator(_words_of)] = ""


class Choice(Foreign):
    """One answer, or the error in its place."""

    message: Annotated[Message | None, OrNone] = None
    delta: Annotated[Message | None, OrNone] = None
    finish_reason: Words = ""
    logprobs: Annotated[Logprobs | None, OrNone] = None
    error: Any = None


class Completion(Foreign):
    """A complete reply."""

    choices: Annotated[list[Annotated[Choice | None, OrNone]], Listed] = Field(default_factory=list)
    usage: Annotated[Usage | None, OrNone] = None
    error: Any = None


def joined(pieces: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One reply from the pieces of a stream: texts and probabilities in order, and the last counts of tokens.

    >>> said = [{"choices": [{"delta": {"content": word}}]} for word in ("a ", "cat")]
    >>> joined([*said, {"choices": [], "usage": {"total_tokens": 9}}])["choices"][0]["message"]["content"]
    'a cat'
    """
    read = [Completion.model_validate(piece) for piece in pieces]
    errors = [piece["error"] for piece in pieces if piece.get("error")]
    usage = [piece["usage"] for piece in pieces if piece.get("usage")]
    firsts = [one.choices[0] for one in read if one.choices and one.choices[0] is not None]
    messages = [message for one in firsts if (message := one.message or one.delta) is not None]
    ended = [one.finish_reason for one in firsts if one.finish_reason]
    said = {
        "content": "".join(one.content.text for one in messages),
        "reasoning_content": "".join(
            one.reasoning_content or one.reasoning or one.content.thoughts for one in messages
        ),
        "refusal": "".join(one.refusal or one.content.refusal for one in messages),
    }
    places = [place.model_dump() for one in firsts if one.logprobs for place in one.logprobs.content]
    choice = {
        "message": said if messages else None,
        "finish_reason": ended[-1] if ended else None,
        "logprobs": {"content": places},
    }
    return {
        "choices": [choice] if firsts else [],
        "usage": usage[-1] if usage else None,
        "error": errors[0] if errors else None,
    }


def error_of(payload: Any) -> Any:
    """The error in a reply, None if there is none."""
    completion = Completion.model_validate(payload)
    if not completion.choices and any(name in payload for name in BARE_ERROR):
        return completion.error or payload
    first = completion.choices[0] if completion.choices else None
    return completion.error or (first.error if first else None)


def tokens_of(payload: Any) -> tuple[int | None, int | None]:
    """Tokens in and out, None if a reply does not count them."""
    usage = Completion.model_validate(payload).usage
    return usage.tokens() if usage else (None, None)


def read_reply(payload: Any, where: str) -> Reply:
    """The answer in a reply. Raises Trouble if there is none.

    >>> said = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}]}
    >>> reply = read_reply({"choices": [{"message": said}], "usage": "12 tokens"}, "http://localhost")
    >>> reply.text, reply.reasoning, reply.tokens_in
    ('yes', 'hm', None)
    """
    completion = Completion.model_validate(payload)
    tokens = completion.usage.tokens() if completion.usage else (None, None)
    if not completion.choices:
        raise Trouble(
            "server_error",
            f"{where} answers with no choices",
            again=not any(tokens),
            charged=True,
            tokens=tokens,
        )
    choice = completion.choices[0] or Choice()
    message, ended = choice.message, choice.finish_reason
    filtered = "stopped by the server's filter" if ended == "content_filter" else ""
    # A filtered answer may have no message; without a filter that is a fault of the server.
    if message is None:
        if not filtered:
            raise Trouble("server_error", f"{where} answers with a null message", charged=True, tokens=tokens)
        message = Message()
    return Reply(
        message.content.text,
        *tokens,
        positions=_positions(choice.logprobs),
        refused=message.refusal or message.content.refusal or filtered,
        reasoning=message.reasoning_content or message.reasoning or message.content.thoughts,
        ended=ended,
    )


def _positions(logprobs: Logprobs | None) -> tuple[dict[str, float], ...]:
    places = logprobs.content[:POSITIONS] if logprobs else []
    return positions_of([place.all() for place in places])
