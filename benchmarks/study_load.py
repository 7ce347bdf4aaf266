"""Many raters at once, in one thread: each votes at its own pace, and sends a vote again until it is acknowledged."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Acknowledged:
    """A vote that the server confirmed. ``seconds`` is None if it had to be sent again."""

    vote: str
    trial: str
    score: Any
    seconds: float | None


@dataclass
class Load:
    """``base`` is the server's address; it may change when the server is started again."""

    base: Callable[[], str]
    score: Any
    pause: float = 1.0
    """Seconds between the votes of one rater."""
    ahead: int = 3
    images: bool = True
    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    refused: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    """Answers that are neither a confirmation nor a lost connection: there must be none."""

    async def rater(self, link: str, votes: int) -> None:
        """One rater: so many votes, or fewer if there are no more trials."""
        browser = _Browser(self.base)
        await browser.open(link[link.index("/i/") :])
        await asyncio.sleep(random.random() * self.pause)
        seen: set[str] = set()
        due = time.perf_counter()
        for _ in range(votes):
            trial = await browser.json("GET", f"/api/next?ahead={self.ahead}")
            if trial.get("done"):
                break
            if self.images:
                for one in (trial, *trial["ahead"]):
                    for image in one["images"]:
                        if image["url"] not in seen:
                            seen.add(image["url"])
                            await browser.request("GET", image["url"])
            due += self.pause
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._vote(browser, trial["trial"])
        browser.close()

    async def _vote(self, browser: _Browser, trial: str) -> None:
        sent = {"id": str(uuid.uuid4()), "trial": trial, "score": self.score, "dwell": 1.0}
        start, attempts = time.perf_counter(), browser.lost
        status, body = await browser.request("POST", "/api/votes", sent)
        seconds = time.perf_counter() - start
        if status != 200:
            self.refused.append((status, body))
            return
        first = browser.lost == attempts
        self.acknowledged.append(Acknowledged(sent["id"], trial, self.score, seconds if first else None))


class _Browser:
    """One connection that is opened again, and a request sent again, whenever it is lost."""

    def __init__(self, base: Callable[[], str]) -> None:
        self._base = base
        self._cookie = self._csrf = ""
        self._pipe: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.lost = 0

    async def open(self, path: str) -> None:
        status, _ = await self.request("GET", path)
        assert status == 303, status
        self._csrf = (await self.json("GET", "/api/session"))["csrf"]

    async def json(self, method: str, path: str) -> Any:
        status, body = await self.request(method, path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    async def request(self, method: str, path: str, content: Any = None) -> tuple[int, bytes]:
        while True:
            try:
                return await self._once(method, path, content)
            except (OSError, EOFError, ValueError):
                self.lost += 1
                self.close()
                await asyncio.sleep(0.05)

    async def _once(self, method: str, path: str, content: Any) -> tuple[int, bytes]:
        if self._pipe is None:
            parts = urlsplit(self._base())
            self._pipe = await asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = self._pipe
        body = b"" if content is None else json.dumps(content).encode()
        head = [
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(self._base()).netloc}",
            f"Cookie: {self._cookie}",
            f"X-CSRF-Token: {self._csrf}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            if name == "content-length":
                length = int(value)
            elif name == "set-cookie":
                self._cookie = value.partition(";")[0]
        return int(lines[0].split()[1]), await reader.readexactly(length)

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe[1].close()
            self._pipe = None
