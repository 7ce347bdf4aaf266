"""A rater's or owner's browser as a small program: one connection, cookies, and the CSRF token."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from patience import STOPS_A_HANG

SCORES: dict[str, Any] = {"acr": 4, "slider": 70, "pairwise": "left", "accept": "keep", "pair_accept": "keep"}
"""An answer of each protocol."""


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return self.json()["code"]


@dataclass
class Client:
    """``base`` is the server's address, such as http://127.0.0.1:8000."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    _connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request on the kept connection; a connection that the server closed is opened again before it."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=STOPS_A_HANG)
        try:
            self._connection.request(method, path, body, sent)
            answer = self._connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        for line in reply.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, content: Any, **headers: str) -> Reply:
        usual = {"Content-Type": "application/json", "X-CSRF-Token": self.csrf}
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, json.dumps(content).encode(), usual | own)

    def open(self, link: str) -> Reply:
        """Open a link, and read the session that it gives."""
        reply = self.get(urlsplit(link).path)
        assert reply.status == 303, (reply.status, reply.body)
        where = "/api/board" if reply.headers["Location"] == "/board" else "/api/session"
        self.csrf = self.get(where).json()["csrf"]
        return reply

    def next(self, ahead: int = 0) -> Any:
        return self.get(f"/api/next?ahead={ahead}").json()

    def vote(self, trial: str, score: Any, **more: Any) -> Reply:
        return self.post("/api/votes", {"id": str(uuid.uuid4()), "trial": trial, "score": score, **more})

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()
