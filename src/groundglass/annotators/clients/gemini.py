"""Asking a Gemini model through Google's ``generateContent``."""

from __future__ import annotations

from typing import Any

from groundglass.annotators.clients.protocol import (
    Position,
    Reply,
    Request,
    Trouble,
    seconds_of,
    trouble_of_status,
)

TOP = 5
"""Alternatives to each token that are asked for."""
POSITIONS = 8
OPTIONAL = ("logprobs", "thinking")
"""Settings that some models refuse: probabilities, and that they do not think first, which costs as much as answers."""
HARMFUL = ("SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "RECITATION")
"""Reasons for ending that are refusals."""


class GoogleServer:
    """A model of Google's, or of a server that speaks the same; ``base_url`` None is Google's own."""

    concurrent = True

    def __init__(self, model: str, base_url: str | None, key: str, seconds: float) -> None:
        from google import genai
        from google.genai import types

        once = types.HttpRetryOptions(attempts=1)
        options = types.HttpOptions(base_url=base_url, timeout=round(seconds * 1000), retry_options=once)
        self.model, self.where = model, base_url or "Google"
        self._api = genai.Client(api_key=key, vertexai=False, http_options=options)
        self._without: set[str] = set()

    def ask(self, request: Request) -> Reply:
        """The answer. Raises Trouble."""
        from google.genai import errors

        try:
            found = self._api.models.generate_content(
                model=self.model, contents=_contents(request), config=self._settings(request)
            )
        except errors.APIError as error:
            raise self._refusal(error) from error
        except Exception as error:
            raise _broken(error, self.where) from error
        return _reply(found)

    def _settings(self, request: Request) -> Any:
        from google.genai import types

        headers = {"X-Client-Request-Id": request.call}
        settings: dict[str, Any] = {
            "system_instruction": request.instructions,
            "temperature": 0,
            "max_output_tokens": request.most_tokens,
            "http_options": types.HttpOptions(headers=headers),
        }
        if request.schema is not None:
            settings |= {"response_mime_type": "application/json", "response_json_schema": request.schema}
        if request.probabilities and "logprobs" not in self._without:
            settings |= {"response_logprobs": True, "logprobs": TOP}
        if "thinking" not in self._without:
            settings |= {"thinking_config": types.ThinkingConfig(thinking_budget=0)}
        return types.GenerateContentConfig(**settings)

    def _refusal(self, error: Any) -> Trouble:
        """What a status other than success means; a setting that the model refuses is left out from now on."""
        detail = str(error.message or "")
        if error.code == 400:
            if "api key" in detail.lower():
                return Trouble("no_access", f"{self.where} refuses access (400)")
            named = {name for name in OPTIONAL if name in detail.lower()} - self._without
            if named:
                self._without |= named
                return Trouble("bad_request", detail, again=True, wait=0)
        headers = getattr(error.response, "headers", None) or {}
        return trouble_of_status(error.code, detail, seconds_of(headers.get("retry-after")), self.where)


def _contents(request: Request) -> list[Any]:
    """The picture, the question, and what was wrong with the first answer."""
    from google.genai import types

    picture = types.Part.from_bytes(data=request.image, mime_type="image/jpeg")
    turns = [types.Content(role="user", parts=[picture, types.Part(text=request.question)])]
    if request.faulty:
        answer, fault = request.faulty
        turns.append(types.Content(role="model", parts=[types.Part(text=answer)]))
        turns.append(types.Content(role="user", parts=[types.Part(text=fault)]))
    return turns


def _broken(error: Exception, where: str) -> Trouble:
    """A connection that failed. The library works with one of two HTTP packages, so names tell which error it is."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "TimeoutException" in names:
        return Trouble("timeout", str(error), again=True, charged=True)
    if names & {"HTTPError", "ValueError", "OSError"}:
        return Trouble("server_error", f"{where}: {error}", again=True, charged=True)
    raise error


def _reply(found: Any) -> Reply:
    tokens = _tokens(found.usage_metadata)
    blocked = getattr(found.prompt_feedback, "block_reason", None)
    candidates = found.candidates or ()
    ended = _word(getattr(candidates[0], "finish_reason", None)) if candidates else ""
    refused = _word(blocked) or (ended if ended in HARMFUL else "")
    if not candidates and not refused:
        raise Trouble("server_error", "an answer with no candidates", again=True, charged=True)
    parts = getattr(candidates[0].content, "parts", None) or () if candidates else ()
    text = "".join(part.text or "" for part in parts if not getattr(part, "thought", False))
    return Reply(text, *tokens, _positions(candidates), refused)


def _tokens(usage: Any) -> tuple[int | None, int | None]:
    """In and out; what a model thinks is paid for like what it says."""
    if usage is None:
        return None, None
    return usage.prompt_token_count, (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)


def _word(reason: Any) -> str:
    return str(getattr(reason, "value", reason) or "")


def _positions(candidates: Any) -> tuple[Position, ...]:
    result = getattr(candidates[0], "logprobs_result", None) if candidates else None
    places = getattr(result, "top_candidates", None) or ()
    return tuple(
        {one.token: one.log_probability for one in place.candidates or () if one.token is not None}
        for place in places[:POSITIONS]
    )
