"""Settings that a server refuses are given up once for all, whatever the words; what is the picture's stays with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from groundglass import testing
from groundglass.annotators.ask_question import Interview
from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.annotators.clients.resolve import ModelName, open_client
from groundglass.annotators.question import inquire
from groundglass.calls import access
from groundglass.calls.concessions import MOST_SEARCHES
from groundglass.calls.ledger import Budget, Ledger, Price
from groundglass.calls.protocol import Trouble
from groundglass.calls.refusals import read_error_within, read_failure, trouble_of, wait_asked
from groundglass.calls.retry import Asker, Patience
from groundglass.calls.server import Server
from groundglass.calls.wire import Answered
from groundglass.engines.shards import Stop
from groundglass.testing.model_server import ModelServer

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

IMAGE = testing.jpeg(testing.photo(64, 48))
CAPTION, SCORE = inquire(QUESTIONS["caption"]), inquire(QUESTIONS["score"])
GOOD = b'{"choices": [{"message": {"content": "{\\"caption\\": \\"stripes\\"}"}}]}'


def server_of(url: str, service: str = "openai", seconds: float = 20.0) -> Server:
    client = open_client(ModelName(service, "m", url), seconds)  # pyright: ignore[reportArgumentType]
    assert isinstance(client, Server)
    return client


def asker_of(client: Server, folder: Path) -> Callable[[Request], Reply]:
    ledger = Ledger(folder / "calls.jsonl", Price(), Budget())
    asker = Asker(client, ledger, Stop(), Patience(first=0.0))
    return lambda request: asker.ask(request, {})


class Picky:
    """A wire to a server that refuses what ``refuses`` says of a request's content: a message, or None."""

    def __init__(self, refuses: Callable[[dict[str, Any]], str | None], status: int = 400) -> None:
        self.refuses, self.status, self.asked = refuses, status, 0

    def post(self, _url: str, _headers: Any, content: dict[str, Any]) -> Answered:
        self.asked += 1
        said = self.refuses(content)
        if said is None:
            return Answered(200, {}, GOOD)
        return Answered(self.status, {}, b'{"error": {"message": "%s"}}' % said.encode())


def picky(refuses: Callable[[dict[str, Any]], str | None], status: int = 400) -> tuple[Server, Picky]:
    client = server_of("http://localhost:1/v1")
    wire = Picky(refuses, status)
    client._wire = wire  # pyright: ignore[reportAttributeAccessIssue]
    return client, wire


def has_system(content: dict[str, Any]) -> bool:
    return content["messages"][0]["role"] == "system"


HAS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "temperature": lambda content: "temperature" in content,
    "format": lambda content: "response_format" in content,
    "system": has_system,
    "length": lambda content: "max_tokens" in content,
}
WORDS = {
    "temperature": ("Unsupported value: 'temperature' does not support 0", "TEMPERATURE must be 1"),
    "format": (
        "failed to parse grammar",
        "This response_format type is unavailable now",
        "structured outputs need a newer engine",
        "json_schema is not supported",
    ),
    "system": (
        "System role not supported",
        "Conversation roles must alternate user/assistant/user",
        "chat template raised an error",
        "Developer instruction is not enabled",
        "Unexpected role 'system' after role",
    ),
    "length": (
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'",
        "unknown field max_tokens",
    ),
}
NO_WORDS = ("Bad Request", "invalid argument", "{}", "Extra inputs are not permitted")


def cases() -> Iterable[tuple[str, str, int]]:
    for name, words in WORDS.items():
        yield from ((name, said, 400) for said in (*words, *NO_WORDS))
        yield name, words[0], 422
    yield "system", WORDS["system"][2], 500  # as llama.cpp does
    yield "format", WORDS["format"][0], 500


@pytest.mark.parametrize(("name", "said", "status"), list(cases()))
def test_a_refused_setting_is_given_up_once(tmp_path: Path, name: str, said: str, status: int):
    client, wire = picky(lambda content: said if HAS[name](content) else None, status)
    ask = asker_of(client, tmp_path)
    assert Interview().answer(CAPTION, IMAGE, ask) == {"caption": "stripes"}
    before = wire.asked
    assert Interview().answer(CAPTION, IMAGE, ask) == {"caption": "stripes"}
    assert wire.asked == before + 1, "it is given up for the whole run"
    (note,) = client.notes
    words = {"format": "response_format", "system": "the system message", "length": "max_tokens"}
    assert words.get(name, name) in note


def test_several_settings_are_given_up_one_after_the_other(tmp_path: Path):
    client, wire = picky(
        lambda content: next((words[0] for name, words in WORDS.items() if HAS[name](content)), None)
    )
    assert Interview().answer(CAPTION, IMAGE, asker_of(client, tmp_path)) == {"caption": "stripes"}
    assert wire.asked == 1 + len(HAS)
    assert len(client.notes) == len(HAS)


def test_what_is_not_the_settings_fault_costs_no_setting(tmp_path: Path):
    """The first pictures are refused, nobody knows why: nothing is given up because of them."""
    client, wire = picky(lambda _: "Bad Request")
    ask = asker_of(client, tmp_path)
    for _ in range(MOST_SEARCHES + 2):
        with pytest.raises(Trouble) as caught:
            Interview().answer(CAPTION, IMAGE, ask)
        assert caught.value.reason == "bad_request"
    before = wire.asked
    with pytest.raises(Trouble):
        Interview().answer(CAPTION, IMAGE, ask)
    assert wire.asked == before + 1, "the search for a setting ends"
    assert client.notes == ()
    wire.refuses = lambda content: None if all(has(content) for has in HAS.values()) else "lost"
    assert Interview().answer(CAPTION, IMAGE, ask) == {"caption": "stripes"}


def test_what_was_accepted_is_not_given_up_for_a_picture_without_words(tmp_path: Path):
    client, wire = picky(lambda _: None)
    ask = asker_of(client, tmp_path)
    Interview().answer(CAPTION, IMAGE, ask)
    wire.refuses = lambda _: "Bad Request"
    with pytest.raises(Trouble):
        Interview().answer(CAPTION, IMAGE, ask)
    assert wire.asked == 2
    assert client.notes == ()


def test_too_many_alternatives_are_fewer_ones(tmp_path: Path):
    client, wire = picky(
        lambda content: "top_logprobs must be at most 5" if content.get("top_logprobs", 0) > 5 else None
    )
    request = Request("", "?", IMAGE, "score", probabilities=True)
    asker_of(client, tmp_path)(request)
    assert wire.asked == 2
    assert client.notes[0].startswith("`logprobs` is sent as logprobs with 5 alternatives")


def test_a_refusal_of_probabilities_by_mood_mixes_no_scales(tmp_path: Path):
    with ModelServer() as server:
        ask, interview = asker_of(server_of(server.url), tmp_path), Interview()
        first = interview.answer(SCORE, IMAGE, ask)
        moods = iter(("no_probabilities", ""))
        server.misbehave = lambda _: next(moods)
        assert interview.answer(SCORE, IMAGE, ask) == first
    assert first["score_from"] == "probabilities"


@pytest.mark.parametrize(
    ("fault", "setting"),
    [
        ("no_schema", "responseJsonSchema"),
        ("no_grammar", "responseJsonSchema"),
        ("must_think", "thinkingConfig"),
        ("no_system_role", "system"),
        ("no_temperature", "temperature"),
        ("unsaid", "temperature"),
    ],
)
def test_gemini_likewise(tmp_path: Path, fault: str, setting: str):
    with ModelServer(lambda _: fault) as server:
        client = server_of(server.root, "google")
        values = Interview().answer(CAPTION, IMAGE, asker_of(client, tmp_path))
        assert str(values["caption"]).startswith("caption of")
        assert setting not in server.served[-1].asked.settings
        assert len(client.notes) == 1


@pytest.mark.parametrize(
    "said",
    [
        '{"error": {"code": "content_filter", "message": "The response was filtered"}}',
        '{"error": {"code": null, "message": "rejected by our safety system"}}',
        '{"error": {"message": "Bad", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}',
        '{"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}',
        '{"detail": "I cannot help with that picture."}',
        "your image was flagged by moderation",
    ],
)
def test_a_refusal_of_the_content_is_refused(said: str):
    failure = read_failure(400, {}, said.encode())
    assert trouble_of(failure, "here").reason == "refused"
    assert trouble_of(read_failure(403, {}, said.encode()), "here").reason == "refused"


@pytest.mark.parametrize(
    ("error", "reason", "again"),
    [
        ({"message": "busy", "code": 429}, "server_error", True),
        ({"message": "busy", "code": "503"}, "server_error", True),
        ({"message": "Rate limit reached", "type": "rate_limit"}, "server_error", True),
        ({"message": "cannot read the picture", "code": 400}, "bad_request", False),
        ({"message": "x", "code": "content_filter"}, "refused", False),
        ({"message": "no credit", "code": 402}, "server_error", False),
        ("it broke", "server_error", True),
        (["it", "broke"], "server_error", True),
        (7, "server_error", True),
    ],
)
def test_an_error_within_a_reply_means_what_its_code_means(error: Any, reason: str, again: bool):
    trouble = trouble_of(read_error_within(error, {}), "here")
    assert (trouble.reason, trouble.again) == (reason, again)


def test_a_server_is_left_alone_for_as_long_as_it_asks():
    far = "Fri, 31 Dec 9999 23:59:59 GMT"
    assert (wait_asked({"retry-after": far}, None) or 0) > 10**9
    assert wait_asked({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None) == 0
    delay = {"error": {"code": 429, "details": [{"@type": "…RetryInfo", "retryDelay": "37s"}]}}
    assert wait_asked({}, delay) == wait_asked({}, [delay]) == 37
    patience, attempt, half_an_hour = Patience(), 1, 1800.0
    assert patience.wait(attempt, half_an_hour, 0.0) == half_an_hour
    assert patience.wait(attempt, half_an_hour, 1.0) >= half_an_hour


def test_gemini_says_in_its_body_how_long_it_wants_to_be_left_alone():
    body = b'{"error": {"code": 429, "message": "quota", "details": [{"retryDelay": "12.5s"}]}}'

    class Wire:
        def post(self, *_: Any) -> Answered:
            return Answered(429, {}, body)

    client = server_of("http://localhost:1", "google")
    client._wire = Wire()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Trouble) as caught:
        client.ask(Request("", "?", IMAGE, "caption"))
    assert (caught.value.wait, caught.value.again) == (12.5, True)


def test_one_that_asks_for_more_than_the_patience_is_not_asked_again(tmp_path: Path):
    client, wire = picky(lambda _: None)
    wire.post = lambda *_: Answered(429, {"retry-after": "90000"}, b"{}")  # pyright: ignore[reportAttributeAccessIssue]
    asked = asker_of(client, tmp_path)
    with pytest.raises(Trouble) as caught:
        asked(Request("", "?", IMAGE, "caption"))
    assert caught.value.wait == 90000
    assert (tmp_path / "calls.jsonl").read_text().count('"sent"') == 1


@pytest.mark.parametrize("service", ["openai", "google"])
def test_the_time_limit_is_one_for_the_whole_call(service: str):
    """A server that drips would take minutes; each byte alone comes in time."""
    with ModelServer(lambda _: "drip", seconds=0.2) as server:
        client = server_of(server.root if service == "google" else server.url, service, seconds=0.6)
        with pytest.raises(Trouble) as caught:
            client.ask(Request("", CAPTION.prompt, IMAGE, "caption", CAPTION.schema))
    assert (caught.value.reason, caught.value.charged) == ("timeout", True)


def test_nothing_of_another_account_goes_to_a_named_server(monkeypatch: pytest.MonkeyPatch):
    secrets = {
        "OPENAI_API_KEY": "sk-mine-0001",
        "OPENAI_ORG_ID": "org-mine-0002",
        "OPENAI_PROJECT_ID": "proj-mine-0003",
        "OPENAI_CUSTOM_HEADERS": "X-Secret: mine-0004",
        "GOOGLE_API_KEY": "g-mine-0005",
        "GEMINI_API_KEY": "g-mine-0006",
        "GOOGLE_CLOUD_PROJECT": "cloud-mine-0007",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/elsewhere",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/elsewhere",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(access.OWN_KEY, raising=False)
    with ModelServer() as server:
        for service in ("openai", "google"):
            client = server_of(server.root if service == "google" else server.url, service)
            client.ask(Request("", CAPTION.prompt, IMAGE, "caption", CAPTION.schema))
        assert len(server.headers) == 2
        for headers in server.headers:
            sent = "\n".join(f"{name}: {value}" for name, value in headers.items())
            assert "mine-" not in sent
            assert "OpenAI-Organization" not in sent


def test_openai_itself_is_told_who_pays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-0001")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    client = server_of("")
    assert client._wire._client.headers["OpenAI-Organization"] == "org-mine"
    assert client._url == "https://api.openai.com/v1/chat/completions"


def test_no_redirection_is_followed():
    client, wire = picky(lambda _: None)
    wire.post = lambda *_: Answered(307, {"location": "http://elsewhere"}, b"")  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Trouble) as caught:
        client.ask(Request("", "?", IMAGE, "caption"))
    assert caught.value.reason == "no_access"
    assert "give that address as base_url" in caught.value.detail
