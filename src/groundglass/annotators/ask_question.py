"""Asks a model one question: reads its answer strictly, tries once to repair it, and else gives a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal, get_args

from pydantic import ValidationError

from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.annotators.question import INSTRUCTIONS, Answer, Inquiry
from groundglass.annotators.questions.quality import expected_level
from groundglass.calls.foreign import DoubledKey, decoder
from groundglass.calls.protocol import masked, without_secrets
from groundglass.catalog import Value
from groundglass.errors import NoValue

Ask = Callable[[Request], Reply]

MOST_TOKENS = 1000
"""The limit of an answer's tokens, reasoning included."""
FEW_TOKENS = 8
"""The limit of tokens for an answer of one word."""


MOST_LETTERS = 100_000
"""An answer with more letters than this is not read."""
MOST_BRACES = 500
"""The most places of an answer at which an object may begin: each is tried, and the time grows with their square."""
SHOWN = 2000
"""Letters of a faulty answer that are sent back to the model: they cost money."""

Readout = Literal["probabilities", "number"]
READOUTS: tuple[Readout, ...] = get_args(Readout)


@dataclass
class Interview:
    """Questions to one model. Safe for threads.

    readouts  how a question that asks for a level is read, as soon as that is known: the first answer decides, and the
              two ways are never mixed, because their numbers are on different scales
    """

    readouts: dict[str, Readout] = field(default_factory=dict)
    _deciding: Lock = field(default_factory=Lock)

    def answer(self, inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value]:
        """The values of a question's columns for an image, which is given as a JPEG file.

        Raises NoValue: ``refused``, ``length`` (cut off), ``malformed`` (no JSON object), ``wrong_schema``,
        ``not_in_vocabulary``, ``no_probabilities``; and what ``ask`` raises.
        """
        question = inquiry.question
        if not question.levels:
            return json_answer(inquiry, image, ask)
        if question.name not in self.readouts:
            # Only one thread decides; the others wait for its answer and then read theirs in the same way.
            with self._deciding:
                if question.name not in self.readouts:
                    return self._decide(inquiry, image, ask)
        if self.readouts[question.name] == "number":
            return json_answer(inquiry, image, ask)
        level, said = _level(inquiry, image, ask)
        if level is None:
            raise NoValue("no_probabilities", f"of a level, as for other images; it said {said!r}")
        return level

    def _decide(self, inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value]:
        """The first answer: from probabilities if the server gives them, else the number."""
        level, _ = _level(inquiry, image, ask)
        self.readouts[inquiry.question.name] = "number" if level is None else "probabilities"
        return json_answer(inquiry, image, ask) if level is None else level


def _level(inquiry: Inquiry, image: bytes, ask: Ask) -> tuple[dict[str, Value] | None, str]:
    """The level by the probabilities of the answer's first token, None if they give none; and how the answer begins."""
    single = replace(
        _request(inquiry, image),
        question=inquiry.question.single,
        schema=None,
        probabilities=True,
        most_tokens=FEW_TOKENS,
    )
    reply = _given(ask(single))
    # After reasoning, the first token does not belong to the answer.
    thought = reply.reasoning or "<think>" in reply.text
    if thought or not reply.positions:
        return None, without_secrets(reply.text)[:40]
    level = expected_level(reply.positions[0], inquiry.question.name)
    return level, without_secrets(reply.text)[:40]


def json_answer(inquiry: Inquiry, image: bytes, ask: Ask) -> dict[str, Value]:
    """The values of a JSON answer; a faulty one is sent back to the model once, with its fault. Raises NoValue."""
    request = _request(inquiry, image)
    reply = _given(ask(request))
    try:
        return _read_reply(inquiry, reply)
    except NoValue as fault:
        # A cut or empty answer leaves nothing to repair.
        if fault.reason == "length" or not reply.text.strip():
            raise
        # The model reads this text, so it stays as it is: another wording could change its answers.
        again = f"That is no valid answer ({fault}). Answer again, with one JSON object of the schema and nothing else."
        repaired = _given(ask(replace(request, faulty=(reply.text[:SHOWN], again))))
    return _read_reply(inquiry, repaired)


def _read_reply(inquiry: Inquiry, reply: Reply) -> dict[str, Value]:
    """The values in a reply. An answer that is cut off does not count, whatever comes before the cut.

    If only reasoning came, it is the answer if it is its one JSON object: some servers return answers as reasoning.
    """
    text = reply.text.strip()
    whole = text or reply.reasoning.strip()
    if reply.cut and not whole.rstrip("` \n").endswith("}"):
        raise NoValue("length", f"cut off at the limit of {MOST_TOKENS:,} tokens")
    if text:
        return read_answer(inquiry, text)
    if not whole:
        ended = f"; it ended with {without_secrets(reply.ended)[:40]!r}" if reply.ended else ""
        raise NoValue("malformed", f"an empty answer{ended}")
    try:
        return read_answer(inquiry, whole)
    except NoValue as fault:
        raise NoValue("malformed", "only reasoning came, and no answer") from fault


def read_answer(inquiry: Inquiry, text: str) -> dict[str, Value]:
    """The values in an answer's text; reasoning, a fence or a sentence around the one JSON object is ignored.

    Raises NoValue: ``malformed``, ``wrong_schema``, ``not_in_vocabulary``.

    >>> from groundglass.annotators.catalog import QUESTIONS
    >>> from groundglass.annotators.question import inquire
    >>> style = inquire(QUESTIONS["style"])
    >>> read_answer(style, '<think>{"a"} or {b}?</think>{"style": "anime"}')
    {'style': 'anime'}
    >>> read_answer(style, '{"style": "cartoon"}')
    Traceback (most recent call last):
    groundglass.errors.NoValue: not_in_vocabulary: 'cartoon'
    """
    found = _objects(text)
    fitting: list[dict[str, Value]] = []
    faults: list[NoValue] = []
    for one in found:
        try:
            values = _values(inquiry, one)
        except NoValue as fault:
            faults.append(fault)
        else:
            # A model that repeats its answer gave one answer; two different ones are refused below.
            fitting += [values] if values not in fitting else []
    if len(fitting) > 1:
        raise NoValue("malformed", f"{len(fitting)} different answers in one")
    if not fitting:
        raise faults[-1]
    return fitting[0]


def _values(inquiry: Inquiry, found: dict[str, Any]) -> dict[str, Value]:
    """The values of one JSON object. An API key that a server quotes never gets into a column."""
    question = inquiry.question
    try:
        answer: Answer = question.answer.model_validate(found)
    except ValidationError as error:
        raise NoValue("wrong_schema", _fault(error)) from error
    word: Any = getattr(answer, question.word) if question.word else None
    if inquiry.words and word not in inquiry.words:
        raise NoValue("not_in_vocabulary", without_secrets(repr(word))[:100])
    values = question.values(answer)
    return {name: masked(value) if isinstance(value, str) else value for name, value in values.items()}


def _objects(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects in a text, at least one. Raises NoValue ``malformed``."""
    if len(text) > MOST_LETTERS:
        raise NoValue("malformed", f"an answer of {len(text):,} letters")
    # Reasoning may hold JSON too; only what comes after it is the answer.
    text = text.rpartition("</think>")[2]
    found: list[dict[str, Any]] = []
    read, start, tried = decoder(), text.find("{"), 0
    while start >= 0:
        tried += 1
        if tried > MOST_BRACES:
            raise NoValue("malformed", f"more than {MOST_BRACES} opening braces")
        end = start + 1
        try:
            one, end = read.raw_decode(text, start)
            found.append(one)
        except DoubledKey as error:
            raise NoValue("malformed", without_secrets(str(error))) from error
        except (ValueError, RecursionError):
            pass
        start = text.find("{", end)
    if not found:
        raise NoValue("malformed", without_secrets(repr(" ".join(text.split())[:80])))
    return found


def _fault(error: ValidationError) -> str:
    """The first fault, in short."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return without_secrets(f"{place}: {first['msg']}" if place else first["msg"])


def _given(reply: Reply) -> Reply:
    if reply.refused:
        raise NoValue("refused", without_secrets(reply.refused))
    return replace(reply, text=masked(reply.text), reasoning=masked(reply.reasoning))


def _request(inquiry: Inquiry, image: bytes) -> Request:
    return Request(
        instructions=INSTRUCTIONS,
        question=inquiry.prompt,
        image=image,
        name=inquiry.question.name,
        schema=inquiry.schema,
        most_tokens=MOST_TOKENS,
    )
