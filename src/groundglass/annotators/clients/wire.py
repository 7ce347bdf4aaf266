"""A request over HTTP, whole or not at all: bounded in time and in size, to the address that was named and no other."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from groundglass.annotators.clients.protocol import Trouble

MOST_BYTES = 32 * 2**20
"""Of a reply: an answer has a few kB."""


@dataclass(frozen=True)
class Answered:
    """A reply as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Posts JSON. ``seconds`` bounds each call from the connection to the last byte. Safe for threads.

    No redirection is followed: a key must not go to another server than the one that was named.
    """

    def __init__(self, where: str, headers: Mapping[str, str], seconds: float) -> None:
        import httpx2

        self.where, self.seconds, self._loop = where, seconds, _loop()
        self._client = httpx2.AsyncClient(
            headers=dict(headers),
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256),
            follow_redirects=False,
        )
        weakref.finalize(self, _close, self._client, self._loop).atexit = False

    def post(self, url: str, headers: Mapping[str, str], content: Any) -> Answered:
        """What came back. Raises Trouble where nothing did, or not all in time."""
        import httpx2

        asked = asyncio.run_coroutine_threadsafe(self._post(url, headers, content), self._loop)
        try:
            return asked.result()
        except TimeoutError as error:
            said = f"{self.where}: no whole answer within {self.seconds:g} s"
            raise Trouble("timeout", said, again=True, charged=True) from error
        except httpx2.DecodingError as error:
            said = f"{self.where}: its reply cannot be unpacked: {error}"
            raise Trouble("server_error", said, charged=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            said = f"{self.where}: {error or type(error).__name__}"
            raise Trouble("server_error", said, again=True, charged=True) from error

    async def _post(self, url: str, headers: Mapping[str, str], content: Any) -> Answered:
        async with asyncio.timeout(self.seconds):
            async with self._client.stream("POST", url, headers=dict(headers), json=content) as response:
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        said = f"{self.where} answers with more than {MOST_BYTES // 2**20} MiB"
                        raise Trouble("server_error", said, charged=True)
                return Answered(response.status_code, response.headers, bytes(body))


def _close(client: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Let go of the connections, some time soon: whoever collects rubbish does not wait for it."""
    asyncio.run_coroutine_threadsafe(client.aclose(), loop)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop that all calls of this process share, in a thread that nobody waits for."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="model servers", daemon=True).start()
    return loop
