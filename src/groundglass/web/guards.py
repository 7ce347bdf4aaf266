"""The checks that every request passes: the host, security headers, log lines without tokens, plain errors."""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections import OrderedDict

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundglass.web.replies import Stop, refusal
from groundglass.web.screen import POLICY
from groundglass.web.settings import Settings
from groundglass.web.troubles import Troubles

HEADERS: dict[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Links hold tokens: no other server may see them.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
"""The headers of every reply."""
_TOKEN = re.compile(r"^/([io])/.*", re.S)


class Guards:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, settings: Settings, troubles: Troubles) -> None:
        self.app = app
        self.settings = settings
        self.troubles = troubles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, start, status = Request(scope, receive), time.perf_counter(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if self.settings.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            hosts = request.headers.getlist("host")
            if len(hosts) != 1 or not self.settings.is_own_host(hosts[0]):
                await refusal(request, Stop("host"))(scope, receive, guarded)
            else:
                await self.app(scope, receive, guarded)
        except Exception as error:
            # Details go to the terminal of the owner, never to a rater.
            self.troubles.unexpected(error)
            if self.settings.log is not None:
                self.settings.log(f"unexpected error at {request.method} {without_token(request.url.path)}")
                self.settings.log("".join(traceback.format_exception(error)))
            if status == 0:
                await refusal(request, Stop("unexpected"))(scope, receive, guarded)
        finally:
            if self.settings.log is not None:
                ms = 1000 * (time.perf_counter() - start)
                path = without_token(request.url.path)
                self.settings.log(f"{time.strftime('%H:%M:%S')} {request.method} {path} {status} {ms:.0f} ms")


def without_token(path: str) -> str:
    r"""A path for a log: links without their tokens, and nothing that could fake a second line.

    >>> without_token("/i/abc"), without_token("/x\n200")
    ('/i/…', '/x\\n200')
    """
    hidden = _TOKEN.match(path)
    return f"/{hidden[1]}/…" if hidden else path.encode("unicode_escape").decode()


class Bucket:
    """Allows so many events at once and so many a second, for each name."""

    def __init__(self, a_second: float, at_once: float, names: int = 10_000) -> None:
        self.a_second, self.at_once, self.names = a_second, at_once, names
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether the event is allowed; it then counts."""
        now = time.monotonic()
        with self._lock:
            level, before = self._levels.pop(name, (self.at_once, now))
            level = min(self.at_once, level + (now - before) * self.a_second)
            allowed = level >= 1
            self._levels[name] = (level - 1 if allowed else level, now)
            while len(self._levels) > self.names:
                self._levels.popitem(last=False)
        return allowed
