"""One question put to a model: its answer read strictly, one attempt to repair it, else why there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from groundglass.annotators.clients.protocol import Reply, Request, without_secrets
from groundglass.annotators.question import INSTRUCTIONS, Answer, Inquiry
from groundglass.annotators.questions.quality import expected_level
from groundglass.catalog import Value
from groundglass.errors import NoValue

Ask = Callable[[Request], Reply]

MOST_TOKENS = 1000
"""Of an answer, with what a model thinks before it."""
FEW_TOKENS = 8
"""Of an answer of one word."""


@dataclass
class Interview:
    """Questions to one model. What it cannot do is remembered, so that it is not asked in vain each time.

    silent  names of questions for which the server told no probabilities
    """

    silent: set[str] = field(default_factory=set)

    def answer(self, inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value]:
        """The values of a question's columns for a picture, given as a JPEG file.

        Raises NoValue: ``refused``, ``malformed`` (no JSON object), ``wrong_schema``, ``not_in_vocabulary``; and what
        ``ask`` raises.
        """
        if inquiry.question.levels and inquiry.question.name not in self.silent:
            level = self._level(inquiry, image, ask)
            if level is not None:
                return level
        return json_answer(inquiry, image, ask)

    def _level(self, inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value] | None:
        request = _request(inquiry, image)
        single = replace(
            request,
            question=inquiry.question.single,
            schema=None,
            probabilities=True,
            most_tokens=FEW_TOKENS,
        )
        reply = _given(ask(single))
        if not reply.positions:
            self.silent.add(inquiry.question.name)
        return expected_level(reply.positions)


def json_answer(inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value]:
    """The values of a JSON answer; a faulty one is shown to the model once, with what is wrong. Raises NoValue."""
    request = _request(inquiry, image)
    text = _given(ask(request)).text
    try:
        return read_answer(inquiry, text)
    except NoValue as fault:
        told = f"That is no valid answer ({fault}). Answer again, with one JSON object of the schema and nothing else."
        return read_answer(inquiry, _given(ask(replace(request, faulty=(text, told)))).text)


def read_answer(inquiry: Inquiry, text: str) -> dict[str, Value]:
    """The values in an answer's text; a fence or a sentence around the one JSON object is passed over.

    Raises NoValue: ``malformed``, ``wrong_schema``, ``not_in_vocabulary``.

    >>> from groundglass.annotators.catalog import QUESTIONS
    >>> from groundglass.annotators.question import inquire
    >>> style = inquire(QUESTIONS["style"])
    >>> read_answer(style, '{"style": "anime"}')
    {'style': 'anime'}
    >>> read_answer(style, '{"style": "cartoon"}')
    Traceback (most recent call last):
    groundglass.errors.NoValue: not_in_vocabulary: 'cartoon'
    """
    question = inquiry.question
    try:
        answer: Answer = question.answer.model_validate(_object(text))
    except ValidationError as error:
        raise NoValue("wrong_schema", _fault(error)) from error
    word: Any = getattr(answer, question.word) if question.word else None
    if inquiry.words and word not in inquiry.words:
        raise NoValue("not_in_vocabulary", repr(word)[:100])
    return question.values(answer)


def _object(text: str) -> dict[str, Any]:
    """The JSON object from the first brace to the last."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1]) if start >= 0 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NoValue("malformed", repr(" ".join(text.split())[:80]))
    return found


def _fault(error: ValidationError) -> str:
    """The first thing that is wrong, in short."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return without_secrets(f"{place}: {first['msg']}" if place else first["msg"])


def _given(reply: Reply) -> Reply:
    if reply.refused:
        raise NoValue("refused", without_secrets(reply.refused))
    return replace(reply, text=reply.text.encode(errors="replace").decode())


def _request(inquiry: Inquiry, image: bytes) -> Request:
    return Request(
        instructions=INSTRUCTIONS,
        question=inquiry.prompt,
        image=image,
        name=inquiry.question.name,
        schema=inquiry.schema,
        most_tokens=MOST_TOKENS,
    )
