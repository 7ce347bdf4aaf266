"""The settings of the application: addresses under which it answers, and limits."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from groundglass.web.troubles import Trouble

BODY = 64 * 1024
"""The most bytes of a request's body."""
BODY_SECONDS = 20.0
"""Seconds until a body must be complete."""
HEAD = 16 * 1024
"""The most bytes of a request's first line and headers."""
HEAD_SECONDS = 20.0
"""Seconds until the first request of a connection must be complete."""
VOTES_A_SECOND, VOTES_AT_ONCE = 50.0, 500.0
"""Requests that change something, for each session: as a rate, and at once. Nobody votes that fast."""
MISSES_A_SECOND, MISSES_AT_ONCE = 1.0, 60.0
"""Links that do not exist, for each address."""
CONNECTIONS = 1000
"""Open connections."""
_HOST = re.compile(r"[\w.:%\[\]-]+", re.ASCII)
"""The signs of ``host:port``: no browser sends a user's name or a path with it."""


@dataclass(frozen=True)
class Settings:
    """The addresses of the application.

    url     its public address behind a proxy, such as https://rate.example.org; "" without one
    secure  browsers reach it by https: cookies are sent only there
    log     gets a line for each request, without tokens; None logs nothing
    report  gets what failed, for the owner; None reports nothing
    names   further names and addresses of this machine (`groundglass.web.own_names`)
    reach   the address for links that others open, if raters cannot reach the one that the owner uses; "" is that one
    """

    url: str = ""
    log: Callable[[str], None] | None = None
    report: Callable[[Trouble], None] | None = None
    names: tuple[str, ...] = ()
    reach: str = ""

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")

    @property
    def public(self) -> str:
        """Host and port of the public address."""
        return urlsplit(self.url).netloc.lower()

    def is_own_host(self, host: str) -> bool:
        """Whether a Host header names this server.

        A page of another site can point its own name at 127.0.0.1 and then read what a browser gets there. So names
        are accepted only if they are this machine's or the public address; numbers cannot be pointed elsewhere.
        """
        name = host_name(host)
        if not name:
            return False
        own = name in _own_names() or name in self.names
        return own or _is_address(name) or name == host_name(self.public)


def host_name(host: str) -> str:
    """The host of ``host:port`` in small letters; "" for what is not one.

    >>> host_name("Rate.example.org:8000"), host_name("[::1]:80"), host_name("a b")
    ('rate.example.org', '::1', '')
    """
    if not _HOST.fullmatch(host):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@cache
def _own_names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return ("localhost", name, f"{name}.local", name.partition(".")[0])


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
