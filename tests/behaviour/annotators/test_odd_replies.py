"""A reply is foreign data: whatever a server sends, it is a value or a reason, and the ledger agrees with it."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.annotators import ask_question
from groundglass.annotators.ask_question import Interview
from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.clients import gemini_reply, openai_reply
from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.annotators.clients.resolve import ModelName, open_client
from groundglass.annotators.question import Inquiry, inquire
from groundglass.calls.ledger import Budget, Ledger, Price, read_lines
from groundglass.calls.protocol import SECRETS, Trouble
from groundglass.calls.retry import Asker, Patience
from groundglass.calls.server import Server
from groundglass.calls.wire import Answered
from groundglass.catalog import Value
from groundglass.engines.shards import Stop
from groundglass.errors import REASONS, NoValue
from groundglass.testing.model_server import ModelServer

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

IMAGE = testing.jpeg(testing.photo(64, 48))
CAPTION, SCORE = inquire(QUESTIONS["caption"]), inquire(QUESTIONS["score"])
SERVICES = ("openai", "google")

USABLE = ("", "parts", "think", "fence", "only_reasoning")
"""What does not keep an answer from being understood."""
FAULTY = {
    "null_message": "server_error",
    "no_choices": "server_error",
    "null_content": "malformed",
    "empty": "malformed",
    "huge": "malformed",
    "doubled_key": "malformed",
    "doubled_envelope": "server_error",
    "cut_off": "length",
    "all_thought": "length",
    "error_within": "bad_request",
    "busy_within": "server_error",
    "broken_within": "server_error",
    "surrogates": "wrong_schema",
}
"""What makes an answer none, and its reason."""
UNTOLD = ("usage_words", "usage_null", "no_usage")
USAGE = ("", "usage_text", *UNTOLD)
LOGPROBS = ("", "no_logprobs", "null_logprob", "null_tokens", "much_probability")


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def client_of(service: str, server: ModelServer) -> Server:
    url = server.root if service == "google" else server.url
    client = open_client(ModelName(service, "m", url), 20.0)  # pyright: ignore[reportArgumentType]
    assert isinstance(client, Server)
    return client


@contextmanager
def asking(client: Server) -> Iterator[Asked]:
    with tempfile.TemporaryDirectory() as folder:
        yield Asked(client, folder)


class Asked:
    """Questions to a client, every call in a ledger of its own."""

    def __init__(self, client: Server, folder: str) -> None:
        self.ledger = Ledger(Path(folder) / "calls.jsonl", Price(1.0, 1.0), Budget())
        self.asker = Asker(client, self.ledger, Stop(), Patience(attempts=3, first=0.0))
        self.interview = Interview()

    def answer(self, inquiry: Inquiry) -> dict[str, Value] | str:
        """The values, or why there are none."""

        def ask(request: Request) -> Reply:
            return self.asker.ask(request, {})

        try:
            values = self.interview.answer(inquiry, IMAGE, ask)
        except (NoValue, Trouble) as fault:
            return fault.reason
        assert values.keys() == inquiry.question.columns.keys()
        json.dumps(values, ensure_ascii=False).encode()
        return values

    def ended(self) -> dict[str, dict[str, Any]]:
        lines = list(read_lines(self.ledger.path))
        ended = {line["call"]: line for line in lines if line["event"] == "ended"}
        assert ended.keys() == {line["call"] for line in lines if line["event"] == "sent"}
        return ended


def assert_ledger_is_the_servers_count(asked: Asked, server: ModelServer) -> None:
    ended = asked.ended()
    counted = {one.asked.call: one for one in server.served}
    assert ended.keys() == counted.keys()
    for call, line in ended.items():
        one = counted[call]
        told = not any(word in one.fault for word in (*UNTOLD, "within", "doubled_envelope"))
        assert (line["tokens_in"], line["tokens_out"]) == (
            (one.tokens_in, one.tokens_out) if told else (None, None)
        )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    service=st.sampled_from(SERVICES),
    content=st.sampled_from((*USABLE, *FAULTY)),
    usage=st.sampled_from(USAGE),
)
def test_an_odd_reply_is_used_or_is_its_own_reason(
    server: ModelServer, service: str, content: str, usage: str
):
    server.served.clear()
    server.misbehave = lambda _: f"{usage}+{content}"
    with asking(client_of(service, server)) as asked:
        found = asked.answer(CAPTION)
        assert_ledger_is_the_servers_count(asked, server)
    if content in USABLE:
        assert isinstance(found, dict)
        assert str(found["caption"]).startswith("caption of 64 x 48 px")
    else:
        assert found == FAULTY[content]
    paid = [one for one in server.served if one.tokens_in and not one.asked.repair]
    assert len(paid) <= 1 or (content == "no_choices" and usage in UNTOLD), "nothing is paid twice"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    service=st.sampled_from(SERVICES),
    moods=st.lists(st.sampled_from(LOGPROBS), min_size=2, max_size=5),
)
def test_a_score_is_read_in_one_way_only(server: ModelServer, service: str, moods: list[str]):
    server.served.clear()
    found: list[dict[str, Value] | str] = []
    with asking(client_of(service, server)) as asked:
        for mood in moods:
            server.misbehave = lambda _, mood=mood: mood
            found.append(asked.answer(SCORE))
        assert_ledger_is_the_servers_count(asked, server)
    values = [one for one in found if isinstance(one, dict)]
    assert len({one["score_from"] for one in values}) <= 1
    for mood, one in zip(moods, found, strict=True):
        if isinstance(one, str):
            assert one == {"much_probability": "malformed"}.get(mood, "no_probabilities")
        elif one["score_from"] == "probabilities":
            assert mood in ("", "null_logprob")


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["429", "error", "\ud800", "length", "{", "1e999", "</think>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "type", "error", "code", "message", "token", "content"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every part of a JSON value, the whole among them."""
    found = [path]
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        found += places(value, (*path, key))
    return found


def put(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    odd = copy.deepcopy(whole)
    inner = odd
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return odd


class Changed:
    """A wire to a server that changes one part of each reply."""

    def __init__(self, wire: Any, draw: st.DataObject) -> None:
        self.wire, self.draw, self.sent = wire, draw, 0

    def post(self, url: str, headers: Any, content: Any) -> Answered:
        answered = self.wire.post(url, headers, content)
        self.sent += 1
        payload = json.loads(answered.body)
        where = self.draw.draw(st.sampled_from(places(payload)))
        odd = put(payload, where, self.draw.draw(ANYTHING))
        status = self.draw.draw(st.sampled_from((200, 200, 200, 400, 422, 429, 500)))
        return Answered(status, answered.headers, json.dumps(odd).encode())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=st.sampled_from(SERVICES), inquiry=st.sampled_from((CAPTION, SCORE)), draw=st.data())
def test_no_reply_whatever_raises(server: ModelServer, service: str, inquiry: Inquiry, draw: st.DataObject):
    server.served.clear()
    server.misbehave = lambda _: ""
    client = client_of(service, server)
    changed = Changed(client._wire, draw)
    client._wire = changed  # pyright: ignore[reportAttributeAccessIssue]
    with asking(client) as asked:
        for _ in range(2):
            found = asked.answer(inquiry)
            assert isinstance(found, dict) or found in REASONS
        assert len(asked.ended()) == len(server.served) == changed.sent


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"choices": "none"}',
        b'{"choices": {"0": {}}}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "hello"}]}',
        b'{"detail": "gone"}',
        b'{"error": true}',
        b'{"object": "error", "message": "it broke", "code": 500}',
        b"data: {}\n\n",
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_what_is_no_reply_is_the_servers_error(server: ModelServer, service: str, body: bytes):
    client = client_of(service, server)

    class Wire:
        def post(self, *_: Any) -> Answered:
            return Answered(200, {}, body)

    client._wire = Wire()  # pyright: ignore[reportAttributeAccessIssue]
    with asking(client) as asked:
        assert asked.answer(CAPTION) == "server_error"


def test_a_key_that_a_server_quotes_is_in_no_answer(server: ModelServer):
    key = "sk-quoted-7777"
    SECRETS.add(key)
    try:
        for said in (f"a sign: {key}", f"a sign: {key}".replace("s", "\\u0073")):
            client = client_of("openai", server)
            reply = {"choices": [{"message": {"content": f'{{"caption": "{said}"}}'}}]}

            class Wire:
                def post(self, *_: Any, reply: Any = reply) -> Answered:
                    return Answered(200, {}, json.dumps(reply).encode())

            client._wire = Wire()  # pyright: ignore[reportAttributeAccessIssue]
            with asking(client) as asked:
                found = asked.answer(CAPTION)
            assert found == {"caption": "a sign: …"}
    finally:
        SECRETS.discard(key)


class Fixed:
    """A wire on which the same body comes every time; ``sent`` counts the requests."""

    def __init__(self, body: bytes) -> None:
        self.body, self.sent = body, 0

    def post(self, *_: Any) -> Answered:
        self.sent += 1
        return Answered(200, {}, self.body)


def answered_with(server: ModelServer, service: str, body: bytes) -> tuple[dict[str, Value] | str, int]:
    """What becomes of a body, and how many requests were sent."""
    client = client_of(service, server)
    wire = Fixed(body)
    client._wire = wire  # pyright: ignore[reportAttributeAccessIssue]
    with asking(client) as asked:
        found = asked.answer(CAPTION)
        assert len(asked.ended()) == wire.sent
    return found, wire.sent


SAID = ('{"caption": ', '"A cat', '."}')
PIECES = {
    "openai": [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in SAID]
    + [{"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 9}}],
    "google": [{"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in SAID]
    + [{"usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 9}}],
}
WHOLE = {
    "openai": {"choices": [{"message": {"content": "".join(SAID)}}]},
    "google": {"candidates": [{"content": {"parts": [{"text": "".join(SAID)}]}}]},
}


@pytest.mark.parametrize("way", ["events", "windows events", "list", "lines"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_stream_that_nobody_asked_for_is_put_together(server: ModelServer, service: str, way: str):
    texts = [json.dumps(piece) for piece in PIECES[service]]
    body = {
        "events": "".join(f"data: {text}\n\n" for text in texts) + "data: [DONE]\n\n",
        "windows events": "".join(f"event: x\r\ndata: {text}\r\n\r\n" for text in texts),
        "list": f"[{', '.join(texts)}]",
        "lines": "\n".join(texts),
    }[way]
    assert answered_with(server, service, body.encode()) == ({"caption": "A cat."}, 1)


def test_a_stream_tells_its_tokens_thoughts_probabilities_and_errors():
    pieces: list[dict[str, Any]] = [
        {"choices": [{"delta": {"reasoning_content": "hm "}}]},
        {
            "choices": [
                {"delta": {"content": "good"}, "logprobs": {"content": [{"token": "good", "logprob": -0.1}]}}
            ]
        },
        {
            "choices": [{"delta": {}, "finish_reason": "length"}],
            "usage": {"total_tokens": 9, "prompt_tokens": 4},
        },
    ]
    reply = openai_reply.read_reply(openai_reply.joined(pieces), "here")
    assert (reply.text, reply.reasoning, reply.cut, reply.tokens_out) == ("good", "hm ", True, 5)
    assert reply.positions == ({"good": -0.1},)
    broken = openai_reply.joined([*pieces, {"error": {"message": "overloaded", "code": 503}}])
    assert openai_reply.error_of(broken) == {"message": "overloaded", "code": 503}
    places = {"topCandidates": [{"candidates": [{"token": "good", "logProbability": -0.1}]}]}
    told = [{"candidates": [{"content": {"parts": [{"text": "good"}]}, "logprobsResult": places}]}] * 2
    assert gemini_reply.read_reply(gemini_reply.joined(told), "here").positions == ({"good": -0.1},) * 2


@pytest.mark.parametrize("service", SERVICES)
def test_a_reply_that_comes_twice_in_one_is_one(server: ModelServer, service: str):
    body = json.dumps(WHOLE[service]).encode()
    for twice in (body + body, body + b"\n" + body, b"[" + body + b", " + body + b"]"):
        assert answered_with(server, service, twice) == ({"caption": "A cat."}, 1)


@pytest.mark.parametrize("service", SERVICES)
def test_a_reply_that_a_model_wrote_is_paid_once_however_broken(server: ModelServer, service: str):
    body = json.dumps(WHOLE[service]).encode()
    latin = body.replace(b"A cat", b"caf\xe9")
    for broken in (body[:-9], body + b"<!-- x -->", b"data: " + body[:-9] + b"\n\n", latin, b"null"):
        assert answered_with(server, service, broken) == ("server_error", 1)
    for nobody_wrote in (b"", b" <html>busy</html>"):
        assert answered_with(server, service, nobody_wrote) == ("server_error", 3)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("depth", [300, 900, 5_000])
def test_a_reply_of_a_thousand_levels_ends_nothing(server: ModelServer, service: str, depth: int):
    levels = b"[" * depth + b"]" * depth
    deep = {
        "openai": b'{"choices": [{"message": {"content": [{"type": "text", "text": %s}]}}]}',
        "google": b'{"candidates": [{"content": {"parts": %s}}], "error": %s}',
    }[service]
    found, sent = answered_with(server, service, deep.replace(b"%s", levels))
    assert found in ("server_error", "malformed")
    assert sent <= 3


def test_an_answer_of_nothing_but_braces_is_given_up_soon():
    tried = 0

    class Counting:
        def raw_decode(self, *_: Any) -> Any:
            nonlocal tried
            tried += 1
            raise ValueError

    for text in ('{"a":' * 15_000, "{" * 90_000):
        tried = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ask_question, "decoder", Counting)
            with pytest.raises(NoValue, match="malformed"):
                ask_question.read_answer(CAPTION, text)
        assert tried <= ask_question.MOST_BRACES


def test_an_answer_may_break_its_lines_and_brings_no_control_characters(server: ModelServer):
    body = json.dumps({"choices": [{"message": {"content": '{"caption": "A\ncat\\u0000 \\u001b."}'}}]})
    assert answered_with(server, "openai", body.encode()) == ({"caption": "A cat ."}, 1)


def test_no_part_of_a_key_is_in_a_message(server: ModelServer):
    key = "sk-quoted-" + "7" * 60
    SECRETS.add(key)
    try:
        for body in (
            f"<html>{'x' * 20} {key}",
            json.dumps({"choices": [{"message": {}, "finish_reason": key}]}),
        ):
            client = client_of("openai", server)
            client._wire = Fixed(body.encode())  # pyright: ignore[reportAttributeAccessIssue]
            with pytest.raises((Trouble, NoValue)) as caught:
                Interview().answer(CAPTION, IMAGE, client.ask)
            assert "sk-quoted" not in str(caught.value)
    finally:
        SECRETS.discard(key)
