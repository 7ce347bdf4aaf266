"""Replies that real servers send although no protocol allows them: each changes a good reply of either protocol."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Oddity:
    """One kind of odd reply.

    meaning  a short description
    alter    alter(reply, protocol) -> the odd reply, or its bytes; it may change the reply in place
    """

    meaning: str
    alter: Callable[[Body, str], Body | bytes]


def altered(reply: Body, protocol: str, oddities: str) -> Body | bytes:
    """The reply with each of the oddities, `+` between their names; names that are not in `ODD` change nothing."""
    odd: Body | bytes = copy.deepcopy(reply)
    for name in oddities.split("+"):
        if name in ODD and isinstance(odd, dict):
            odd = ODD[name].alter(odd, protocol)
    return odd


def _first(reply: Body, protocol: str) -> Body:
    return reply["candidates" if protocol == "google" else "choices"][0]


def said_in(reply: Body, protocol: str) -> str:
    """The text of a good reply."""
    first = _first(reply, protocol)
    return first["content"]["parts"][0]["text"] if protocol == "google" else first["message"]["content"]


def _says(reply: Body, protocol: str, text: str | None) -> Body:
    first = _first(reply, protocol)
    if protocol == "google":
        first["content"]["parts"] = [{"text": text}]
    else:
        first["message"]["content"] = text
    return reply


def _text(change: Callable[[str], str | None]) -> Callable[[Body, str], Body]:
    """An odd text in a good form."""
    return lambda reply, protocol: _says(reply, protocol, change(said_in(reply, protocol)))


def _usage(change: Callable[[Body], Any]) -> Callable[[Body, str], Body]:
    """An odd count of tokens."""

    def alter(reply: Body, protocol: str) -> Body:
        name = "usageMetadata" if protocol == "google" else "usage"
        return {**reply, name: change(reply[name])}

    return alter


def _parts(reply: Body, protocol: str) -> Body:
    first, text = _first(reply, protocol), said_in(reply, protocol)
    if protocol == "google":
        first["content"]["parts"] = [
            {"text": "hm {a}", "thought": True},
            {"text": text[:5]},
            {"text": text[5:]},
        ]
    else:
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm {a}"}]}
        first["message"]["content"] = [thought, {"type": "text", "text": text}]
    return reply


def _only_reasoning(reply: Body, protocol: str) -> Body:
    first, text = _first(reply, protocol), said_in(reply, protocol)
    if protocol == "google":
        first["content"]["parts"] = [{"text": text, "thought": True}]
    else:
        first["message"] |= {"content": None, "reasoning_content": text}
    return reply


def _null_message(reply: Body, protocol: str) -> Body:
    _first(reply, protocol)["content" if protocol == "google" else "message"] = None
    return reply


def _null_content(reply: Body, protocol: str) -> Body:
    first = _first(reply, protocol)
    if protocol == "google":
        first["content"]["parts"] = None
    else:
        first["message"]["content"] = None
    return reply


def _no_choices(reply: Body, protocol: str) -> Body:
    return {**reply, "candidates" if protocol == "google" else "choices": []}


def _cut_off(reply: Body, protocol: str) -> Body:
    first, text = _first(reply, protocol), said_in(reply, protocol)
    first |= {"finishReason": "MAX_TOKENS"} if protocol == "google" else {"finish_reason": "length"}
    return _says(reply, protocol, text[: len(text) // 2])


def _all_thought(reply: Body, protocol: str) -> Body:
    return _says(_cut_off(reply, protocol), protocol, "")


def _error_within(code: int | str | None) -> Callable[[Body, str], Body]:
    error = {"message": "the image cannot be opened", "code": code}
    return lambda _, __: {"error": error}


def _logprobs(change: Callable[[Body, str], Any]) -> Callable[[Body, str], Body]:
    """Odd probabilities; ``change`` gets each alternative and the name of its logarithm."""

    def alter(reply: Body, protocol: str) -> Body:
        first = _first(reply, protocol)
        if protocol == "google" and "logprobsResult" in first:
            for one in first["logprobsResult"]["topCandidates"][0]["candidates"]:
                change(one, "logProbability")
        if protocol == "openai" and "logprobs" in first:
            place = first["logprobs"]["content"][0]
            for one in (place, *place["top_logprobs"]):
                change(one, "logprob")
        return reply

    return alter


def _no_logprobs(reply: Body, protocol: str) -> Body:
    first = _first(reply, protocol)
    name = "logprobsResult" if protocol == "google" else "logprobs"
    return _set(reply, first, name, None) if name in first else reply


def _set(reply: Body, part: Body, name: str, value: Any) -> Body:
    part[name] = value
    return reply


def _impossible(one: Body, name: str) -> None:
    if one["token"] == "The":
        one[name] = None


def _doubled(text: str) -> str:
    return text.replace("{", '{"caption": "another", ', 1) if '"caption"' in text else text


def _doubled_envelope(reply: Body, protocol: str) -> bytes:
    name = "candidates" if protocol == "google" else "choices"
    return json.dumps(reply).replace("{", f'{{"{name}": [], ', 1).encode()


ODD: Mapping[str, Oddity] = {
    "parts": Oddity("content in parts, with reasoning among them", _parts),
    "think": Oddity(
        "reasoning with braces before the answer",
        _text(lambda said: f'<think>{{a, b}} or {{"x": 1}}?</think>\n{said}'),
    ),
    "fence": Oddity("JSON in a fence", _text(lambda said: f"Here it is:\n```json\n{said}\n```\nBye {{}}!")),
    "only_reasoning": Oddity("the answer in the reasoning's place, and no content", _only_reasoning),
    "null_content": Oddity("no content", _null_content),
    "null_message": Oddity("no message", _null_message),
    "no_choices": Oddity("no choice", _no_choices),
    "empty": Oddity("an empty text", _text(lambda _: "")),
    "cut_off": Oddity("an answer that is cut at the length limit", _cut_off),
    "all_thought": Oddity("nothing before the length limit", _all_thought),
    "error_within": Oddity("status 200 with an error of code 400", _error_within(400)),
    "busy_within": Oddity("status 200 with an error of code 429", _error_within("429")),
    "broken_within": Oddity("status 200 with an error without a code", _error_within(None)),
    "usage_text": Oddity(
        "tokens as text", _usage(lambda usage: {name: str(value) for name, value in usage.items()})
    ),
    "usage_words": Oddity("a sentence instead of tokens", _usage(lambda _: "a few tokens")),
    "usage_null": Oddity("no tokens", _usage(lambda usage: dict.fromkeys(usage))),
    "no_usage": Oddity("no field for tokens", _usage(lambda _: None)),
    "no_logprobs": Oddity("no probabilities although they were requested", _no_logprobs),
    "null_logprob": Oddity("an impossible token", _logprobs(_impossible)),
    "null_tokens": Oddity(
        "probabilities without tokens", _logprobs(lambda one, _: one.update({"token": None}))
    ),
    "much_probability": Oddity(
        "probabilities over 1", _logprobs(lambda one, name: one.update({name: -0.01}))
    ),
    "doubled_key": Oddity("a key with two values in the answer", _text(_doubled)),
    "doubled_envelope": Oddity("a key with two values around the answer", _doubled_envelope),
    "huge": Oddity("megabytes of answer", _text(lambda said: said + " very" * 500_000)),
    "surrogates": Oddity("unpaired surrogates", _text(lambda said: said.replace(" of ", " \\ud800 "))),
}
"""name → oddity."""
