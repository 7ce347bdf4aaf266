"""Both protocols: what is sent, what is understood, and what each way of failing means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundglass import testing
from groundglass.annotators.ask_question import Interview, json_answer
from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.clients import resolve
from groundglass.annotators.clients.protocol import Client, Reply, Request
from groundglass.annotators.clients.resolve import ModelName, check_model, open_client
from groundglass.annotators.question import inquire
from groundglass.calls import access
from groundglass.calls.protocol import Trouble
from groundglass.errors import MissingExtra, NoValue, RecipeError
from groundglass.extras import install_command
from groundglass.testing.model_server import Asked, ModelServer

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

IMAGE = testing.jpeg(testing.photo(96, 64))
STYLE = inquire(QUESTIONS["style"])
SCORE = inquire(QUESTIONS["score"])
SERVICES = ("openai", "google")


def client_of(service: str, server: ModelServer, seconds: float = 20.0) -> Client:
    url = server.root if service == "google" else server.url
    return open_client(ModelName(service, "some-model", url), seconds)  # pyright: ignore[reportArgumentType]


def fails(*faults: str) -> Callable[[Asked], str]:
    """The first requests meet these faults, one each; then all is well."""
    return lambda asked: faults[asked.number] if asked.number < len(faults) else ""


@pytest.mark.parametrize("service", SERVICES)
def test_a_question_travels_with_its_picture(service: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.OWN_KEY, "secret-7")
    with ModelServer() as server:
        values = json_answer(STYLE, IMAGE, client_of(service, server).ask)
    (served,) = server.served
    assert served.asked.image == IMAGE
    assert served.asked.prompt == STYLE.prompt
    assert served.asked.schema == STYLE.schema
    assert (served.asked.model, served.asked.key) == ("some-model", "secret-7")
    assert values["style"] in STYLE.words


@pytest.mark.parametrize("service", SERVICES)
def test_tokens_are_the_servers_own(service: str):
    with ModelServer() as server:
        reply = client_of(service, server).ask(
            Request("Be brief.", STYLE.prompt, IMAGE, "style", STYLE.schema)
        )
    assert (reply.tokens_in, reply.tokens_out) == server.tokens()
    assert reply.tokens_in


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "reason", "again", "wait"),
    [
        ("busy", "server_error", True, 0.05),
        ("error", "server_error", True, None),
        ("cut", "server_error", True, None),
        ("page", "server_error", True, None),
        ("slow", "timeout", True, None),
        ("no_access", "no_access", False, None),
    ],
)
def test_each_way_of_failing_has_its_name(
    service: str, fault: str, reason: str, again: bool, wait: float | None
):
    with ModelServer(lambda _: fault, seconds=1.0) as server:
        client = client_of(service, server, seconds=0.4)
        with pytest.raises(Trouble) as caught:
            client.ask(Request("", STYLE.prompt, IMAGE, "style", STYLE.schema))
    assert (caught.value.reason, caught.value.again, caught.value.wait) == (reason, again, wait)
    assert len(server.served) == 1, "the client must not repeat by itself: the ledger would not know"


@pytest.mark.parametrize("service", SERVICES)
def test_no_error_quotes_the_key(service: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.OWN_KEY, "secret-8")
    for fault in ("no_access", "error"):
        with ModelServer(lambda _, fault=fault: fault) as server, pytest.raises(Trouble) as caught:
            client_of(service, server).ask(Request("", STYLE.prompt, IMAGE, "style", STYLE.schema))
        assert "secret-8" not in f"{caught.value!r} {caught.value.detail}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_faulty_answer_is_repaired_once(service: str):
    with ModelServer(fails("malformed")) as server:
        values = json_answer(STYLE, IMAGE, client_of(service, server).ask)
    assert [one.asked.repair for one in server.served] == [False, True]
    assert values["style"] in STYLE.words


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ("malformed", "malformed", 2),
        ("wrong_schema", "wrong_schema", 2),
        ("out_of_vocabulary", "not_in_vocabulary", 2),
        ("refusal", "refused", 1),
    ],
)
def test_what_cannot_be_repaired_has_a_reason(service: str, fault: str, reason: str, calls: int):
    with ModelServer(lambda _: fault) as server, pytest.raises(NoValue) as caught:
        json_answer(STYLE, IMAGE, client_of(service, server).ask)
    assert (caught.value.reason, len(server.served)) == (reason, calls)


@pytest.mark.parametrize("name", ["score", "aesthetic_score"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_score_is_the_expected_level(service: str, name: str):
    with ModelServer() as server:
        values = Interview().answer(inquire(QUESTIONS[name]), IMAGE, client_of(service, server).ask)
        (served,) = server.served
    text = {"excellent": 5, "good": 4, "fair": 3, "poor": 2}
    from groundglass.testing.model_server import levels_of

    best = text[levels_of(served.asked)[0][0]]
    assert values == {
        name: pytest.approx((0.6 * best + 0.3 * (best - 1)) / 0.9),
        f"{name}_from": "probabilities",
    }


def test_both_scores_of_a_picture_are_read_for_themselves():
    """The first answer decides for its own question only."""
    with ModelServer(lambda asked: "no_probabilities" if "aesthetics" in asked.prompt else "") as server:
        client, interview = client_of("openai", server), Interview()

        def patient(request: Request) -> Reply:
            try:
                return client.ask(request)
            except Trouble:
                return client.ask(request)

        first = interview.answer(SCORE, IMAGE, patient)
        assert first["score_from"] == "probabilities"
        both = interview.answer(inquire(QUESTIONS["aesthetic_score"]), IMAGE, patient)
    assert both["aesthetic_score_from"] == "number"


@pytest.mark.parametrize("service", SERVICES)
def test_without_probabilities_the_number_counts_and_they_are_not_asked_for_again(service: str):
    with ModelServer(lambda _: "no_probabilities") as server:
        client, interview = client_of(service, server), Interview()

        def patient(request: Request) -> Reply:
            try:
                return client.ask(request)
            except Trouble:
                return client.ask(request)

        first = interview.answer(SCORE, IMAGE, patient)
        before = len(server.served)
        second = interview.answer(SCORE, IMAGE, patient)
    assert first == second
    assert first["score_from"] == "number"
    assert 1 <= float(first["score"] or 0) <= 5
    assert len(server.served) == before + 1


def test_a_server_without_schemas_is_asked_in_words():
    with ModelServer(lambda _: "no_schema") as server:
        client = client_of("openai", server)
        with pytest.raises(Trouble) as caught:
            client.ask(Request("", STYLE.prompt, IMAGE, "style", STYLE.schema))
        assert caught.value.again
        values = json_answer(STYLE, IMAGE, client.ask)
    assert values["style"] in STYLE.words


def test_a_model_that_must_think_may_and_its_thoughts_are_counted():
    with ModelServer(lambda _: "must_think") as server:
        client = client_of("google", server)
        request = Request("", STYLE.prompt, IMAGE, "style", STYLE.schema)
        with pytest.raises(Trouble) as caught:
            client.ask(request)
        assert caught.value.again
        reply = client.ask(request)
    assert [one.asked.thinking for one in server.served] == [False, True]
    assert (reply.tokens_in, reply.tokens_out) == server.tokens()


def test_no_key_of_one_service_goes_to_a_server_that_a_recipe_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("GOOGLE_API_KEY", "g-mine")
    monkeypatch.delenv(access.OWN_KEY, raising=False)
    with ModelServer() as server:
        for service in SERVICES:
            json_answer(STYLE, IMAGE, client_of(service, server).ask)
    assert [one.asked.key for one in server.served] == ["none", "none"]


@pytest.mark.parametrize(
    ("model", "says", "hint"),
    [
        (ModelName("openai", "m"), "OPENAI_API_KEY", "export OPENAI_API_KEY=…"),
        (ModelName("google", "m"), "GOOGLE_API_KEY", "export GOOGLE_API_KEY=…"),
        (ModelName("openai", "m", "localhost:8000"), "is not an address", "http://localhost:8000/v1"),
        (ModelName("openai", "m", "http://me:pw@host/v1"), "password", "export GROUNDGLASS_API_KEY=…"),
        (ModelName("local", "nowhere"), "nowhere holds no model", "name the folder that has one"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_asked(
    model: ModelName, says: str, hint: str, monkeypatch: pytest.MonkeyPatch
):
    if model.service == "local":
        pytest.importorskip("transformers", reason="needs the extra 'models'")
    for name in ("OPENAI_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RecipeError) as caught:
        check_model(model)
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_extra_names_the_line_to_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resolve, "is_installed", lambda _: False)
    with pytest.raises(MissingExtra) as caught:
        check_model(ModelName("openai", "m", "http://localhost:1/v1"))
    assert caught.value.hint == install_command("annotate")
