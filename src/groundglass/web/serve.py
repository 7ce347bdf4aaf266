"""Start the application: a socket that listens, patience with slow clients, and a clean end."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from groundglass.errors import UnreachableError
from groundglass.studies.open_study import Study
from groundglass.web.app import create_app
from groundglass.web.guards import HEADERS
from groundglass.web.settings import CONNECTIONS, HEAD, HEAD_SECONDS, Settings

SWITCH_SECONDS = 0.0005
"""How often threads take turns. Python's 5 ms would let one thread that computes delay every vote by as much."""
GRACE_SECONDS = 5
"""How long the end waits for requests that are being answered."""


class PatientProtocol(H11Protocol):
    """HTTP that closes a connection whose first request does not arrive in time, and sends our headers with a 400."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        waiting: Any = self.cycle  # None until the first request is complete
        if waiting is None and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        body = b'{"error":"this is not a valid HTTP request","code":"not_http"}'
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *HEADERS.items(),
        ]
        reply = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (reply, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class AnnouncingServer(uvicorn.Server):
    """A server that calls a function as soon as it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises UnreachableError if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError as error:
        said = error.strerror or str(error)
        hint = "another program uses this port: choose one with --port, or --port 0 for any free one"
        raise UnreachableError(f"cannot listen on {host} port {port}: {said}", hint) from error
    return made


def address_of(made: socket.socket) -> str:
    """The address of a socket as a browser on this machine writes it.

    A server that listens on all addresses is 127.0.0.1 for this machine.
    """
    host, port = made.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def serve(
    studies: Sequence[Study], made: socket.socket, settings: Settings, announce: Callable[[], None]
) -> None:
    """Serve studies until Ctrl-C or SIGTERM; requests that are being answered are finished first.

    Raises KeyboardInterrupt after Ctrl-C.
    """
    serve_app(create_app(studies, settings), made, announce, bool(settings.url))


def serve_app(
    app: ASGIApp, made: socket.socket, announce: Callable[[], None], behind_proxy: bool = False
) -> None:
    """Serve an application until Ctrl-C or SIGTERM, as `serve` does."""
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # its lines quote what clients sent
    AnnouncingServer(config_of(app, behind_proxy), announce).run([made])


def config_of(app: ASGIApp, behind_proxy: bool = False) -> uvicorn.Config:
    """The settings of uvicorn. Its own access log is off: it would write the tokens of links."""
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=behind_proxy,
        h11_max_incomplete_event_size=HEAD,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
