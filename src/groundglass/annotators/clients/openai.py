"""Asking any server that speaks OpenAI's chat-completions protocol: OpenAI, vLLM, Ollama, llama.cpp …"""

from __future__ import annotations

import base64
from typing import Any

from groundglass.annotators.clients.protocol import (
    Position,
    Reply,
    Request,
    Trouble,
    seconds_of,
    trouble_of_status,
)

HOME = "https://api.openai.com/v1"
TOP = 20
"""Alternatives to each token that are asked for; no server gives more."""
POSITIONS = 8
"""Tokens from the answer's beginning whose probabilities are looked at."""
OPTIONAL = ("temperature", "logprobs", "top_logprobs", "response_format")
"""Settings that some models refuse: then they are asked without."""


class OpenAIServer:
    """A model of a server. ``base_url`` ends in ``/v1`` as a rule; ``key`` is sent as the bearer's token."""

    concurrent = True

    def __init__(self, model: str, base_url: str, key: str, seconds: float) -> None:
        from openai import OpenAI

        self.model, self.base_url = model, base_url
        self._api = OpenAI(api_key=key, base_url=base_url, timeout=seconds, max_retries=0)
        self._without: set[str] = set()

    def ask(self, request: Request) -> Reply:
        """The answer. Raises Trouble."""
        import openai

        settings = {key: value for key, value in self._settings(request).items() if key not in self._without}
        headers = {"X-Client-Request-Id": request.call}
        try:
            found: Any = self._api.chat.completions.create(
                model=self.model, messages=messages(request), extra_headers=headers, **settings
            )
        except openai.APITimeoutError as error:
            raise Trouble("timeout", str(error), again=True, charged=True) from error
        except openai.APIStatusError as error:
            raise self._refusal(error, settings) from error
        except (openai.APIError, ValueError) as error:  # cut off, or no JSON at all
            raise Trouble("server_error", f"{self.base_url}: {error}", again=True, charged=True) from error
        return _reply(found, self.base_url)

    def _settings(self, request: Request) -> dict[str, Any]:
        length = "max_completion_tokens" if self.base_url == HOME else "max_tokens"
        settings: dict[str, Any] = {"temperature": 0, length: request.most_tokens}
        if request.probabilities:
            settings |= {"logprobs": True, "top_logprobs": TOP}
        if request.schema is not None:
            schema = {"name": request.name, "schema": request.schema, "strict": True}
            settings["response_format"] = {"type": "json_schema", "json_schema": schema}
        return settings

    def _refusal(self, error: Any, settings: dict[str, Any]) -> Trouble:
        """What a status other than success means; a setting that the model refuses is left out from now on."""
        detail, code = str(error.message), str(getattr(error, "code", None) or "")
        if code == "insufficient_quota":
            return Trouble("no_access", f"{self.base_url}: {detail}")
        if error.status_code in (400, 422):
            if "content_policy" in code or "content_filter" in code:
                return Trouble("refused", detail)
            named = [name for name in OPTIONAL if name in settings and name in f"{error.param} {detail}"]
            if named:
                self._without.update(named)
                return Trouble("bad_request", detail, again=True, wait=0)
        wait = seconds_of(error.response.headers.get("retry-after"))
        return trouble_of_status(error.status_code, detail, wait, self.base_url)


def messages(request: Request) -> list[Any]:
    """The conversation: instructions, the picture, the question, and what was wrong with the first answer."""
    picture = f"data:image/jpeg;base64,{base64.b64encode(request.image).decode('ascii')}"
    said = [
        {"type": "image_url", "image_url": {"url": picture}},
        {"type": "text", "text": request.question},
    ]
    whole: list[Any] = [
        {"role": "system", "content": request.instructions},
        {"role": "user", "content": said},
    ]
    if request.faulty:
        answer, fault = request.faulty
        whole += [{"role": "assistant", "content": answer}, {"role": "user", "content": fault}]
    return whole


def _reply(found: Any, base_url: str) -> Reply:
    choices = getattr(found, "choices", None)
    if not choices:
        raise Trouble("server_error", f"{base_url} answers with no choices", again=True, charged=True)
    usage, first = getattr(found, "usage", None), choices[0]
    tokens = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    message = first.message
    filtered = "stopped by the server's filter" if first.finish_reason == "content_filter" else ""
    refused = getattr(message, "refusal", None) or filtered
    return Reply(message.content or "", *tokens, _positions(first), refused)


def _positions(choice: Any) -> tuple[Position, ...]:
    """The alternatives at the answer's first tokens; nothing where the server gives none."""
    tokens = getattr(getattr(choice, "logprobs", None), "content", None) or ()
    return tuple(
        {token.token: token.logprob, **{other.token: other.logprob for other in token.top_logprobs or ()}}
        for token in tokens[:POSITIONS]
    )
