"""HTTP requests that are limited in time and size, and go only to the given address."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from groundglass.calls.protocol import Trouble

MOST_BYTES = 32 * 2**20
"""The largest reply, by default: an answer in words has a few kB."""


@dataclass(frozen=True)
class Answered:
    """A raw reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Form:
    """A body of type multipart/form-data.

    fields  name -> text
    files   name -> (file name, content, MIME type)
    """

    fields: Mapping[str, str]
    files: Mapping[str, tuple[str, bytes, str]]


class Wire:
    """Posts JSON, or a `Form`. ``seconds`` limits each call from the connection to the last byte. Safe for threads.

    Redirects are not followed: a key must not go to another server than the given one.
    """

    def __init__(
        self, where: str, headers: Mapping[str, str], seconds: float, most_bytes: int = MOST_BYTES
    ) -> None:
        import httpx2

        self.where, self.seconds, self._loop = where, seconds, shared_loop()
        self._most_bytes = most_bytes
        self._client = httpx2.AsyncClient(
            headers=dict(headers),
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256),
            follow_redirects=False,
        )
        weakref.finalize(self, _close, self._client, self._loop).atexit = False

    def post(self, url: str, headers: Mapping[str, str], content: Any) -> Answered:
        """The reply. Raises Trouble if none came, or not all of it in time."""
        import httpx2

        asked = asyncio.run_coroutine_threadsafe(self._post(url, headers, content), self._loop)
        try:
            return asked.result()
        except TimeoutError as error:
            said = f"{self.where}: no complete answer within {self.seconds:g} s"
            raise Trouble("timeout", said, again=True, charged=True) from error
        except httpx2.DecodingError as error:
            said = f"{self.where}: its reply cannot be unpacked: {error}"
            raise Trouble("server_error", said, charged=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            said = f"{self.where}: {error or type(error).__name__}"
            raise Trouble("server_error", said, again=True, charged=True) from error

    async def _post(self, url: str, headers: Mapping[str, str], content: Any) -> Answered:
        body_of_request: dict[str, Any] = (
            {"data": content.fields, "files": content.files}
            if isinstance(content, Form)
            else {"json": content}
        )
        # httpx's own timeouts count between two bytes; a server that drips would never reach them.
        async with asyncio.timeout(self.seconds):
            async with self._client.stream("POST", url, headers=dict(headers), **body_of_request) as response:
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    # Counted while it arrives, because a server may send without end.
                    if len(body) > self._most_bytes:
                        said = f"{self.where} answers with more than {self._most_bytes // 2**20} MiB"
                        raise Trouble("server_error", said, charged=True)
                return Answered(response.status_code, response.headers, bytes(body))


def _close(client: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Close the connections soon: the garbage collector must not wait for the network."""
    asyncio.run_coroutine_threadsafe(client.aclose(), loop)


@cache
def shared_loop() -> asyncio.AbstractEventLoop:
    """The event loop that all calls of this process share, in a daemon thread."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="model servers", daemon=True).start()
    return loop
