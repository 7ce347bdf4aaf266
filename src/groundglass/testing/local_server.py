"""The frame of the servers on this machine that tests ask: addresses, requests, and the faults of sending a reply."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

ENDLESS = 200 * 2**20
"""Bytes of an endless reply: more than any client reads."""
Reply = tuple[int, bytes, str]
"""The status, the content, and the fault with which it is sent."""


class LocalServer:
    """A server, running inside a ``with`` block. A subclass gives the replies.

    asked    POST requests so far
    seconds  of the wait before a slow reply, or before each byte of one that drips
    pause    the wait that a busy server asks for, as text
    """

    def __init__(self, seconds: float, pause: str) -> None:
        self.seconds, self.pause = seconds, pause
        self.asked = 0
        self.lock = threading.Lock()
        self._http = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"local": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def answer(self, number: int, path: str, body: Mapping[str, Any], headers: Any) -> Reply:
        """The reply to a POST request; ``number`` is 0, 1, 2 … in the order of arrival."""
        raise NotImplementedError

    def file(self, path: str, headers: Any) -> Reply:  # noqa: ARG002
        """The reply to a GET request."""
        return 404, b"no such file", ""

    @property
    def root(self) -> str:
        """The address that Google's protocol starts from."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        """The address that OpenAI's protocol starts from."""
        return f"{self.root}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def form_of(kind: str, content: bytes) -> dict[str, Any]:
    """The fields of a body of type multipart/form-data: texts, and the bytes of files; ``kind`` is its Content-Type.

    >>> part = b'--x\\r\\nContent-Disposition: form-data; name="n"\\r\\n\\r\\n1\\r\\n--x--\\r\\n'
    >>> form_of("multipart/form-data; boundary=x", part)
    {'n': '1'}
    """
    whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
    fields: dict[str, Any] = {}
    for part in whole.iter_parts():
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        name = str(part.get_param("name", header="content-disposition"))
        fields[name] = value if part.get_filename() else value.decode()
    return fields


class _QuietServer(ThreadingHTTPServer):
    """An HTTP server that does not report clients that hang up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report only faults of the server itself."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    local: LocalServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._reply(self.local.file(self.path, self.headers))

    def do_POST(self) -> None:
        server = self.local
        content = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers.get("Content-Type", "")
        body = form_of(kind, content) if kind.startswith("multipart/") else json.loads(content)
        with server.lock:
            number, server.asked = server.asked, server.asked + 1
        self._reply(server.answer(number, self.path, body, self.headers))

    def _reply(self, reply: Reply) -> None:
        if reply[2] == "slow":
            time.sleep(self.local.seconds)
        try:
            self._send(*reply)
        # The client is gone.
        except OSError:
            self.close_connection = True

    def _send(self, status: int, content: bytes, fault: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if fault == "page" else "application/json")
        self.send_header("Content-Length", str(ENDLESS if fault == "endless" else len(content)))
        if fault == "busy":
            self.send_header("Retry-After", self.local.pause)
        self.end_headers()
        if fault == "endless":
            for _ in range(ENDLESS // 2**20):
                self.wfile.write(b"{" * 2**20)
        elif fault == "drip":
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(self.local.seconds)
        else:
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
        self.close_connection = self.close_connection or fault == "cut"


def run_command(server: LocalServer) -> None:
    """Run the command in the arguments, with ``URL`` replaced by the server's address, and exit with its status."""
    with server:
        words = [word.replace("URL", server.url) for word in sys.argv[1:]]
        ended = subprocess.run(words, check=False)
    sys.exit(ended.returncode)
