"""The names and addresses under which other machines reach this one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

PATIENCE_SECONDS = 2.0
"""How long the start waits for a name server: without one, names are only not accepted."""
ALL = ("0.0.0.0", "::", "")
"""The hosts that mean all addresses of the machine."""
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of no machine. Connecting a UDP socket to one sends nothing; it only chooses the way there."""


def reached_by(host: str, port: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The machine's names, and the URLs under which others reach a server that listens on ``host``, addresses first.

    >>> reached_by("192.0.2.7", 8000)[1][0]
    'http://192.0.2.7:8000'
    """
    addresses = own_addresses() if host in ALL else [host]
    if host == "0.0.0.0":
        addresses = [one for one in addresses if ":" not in one]
    names = own_names(addresses)
    urls = [f"http://{f'[{one}]' if ':' in one else one}:{port}" for one in (*addresses, *names)]
    return tuple(names), tuple(urls)


def own_addresses() -> list[str]:
    """The addresses of this machine in its networks, without loopback: that of the way out first."""
    found: list[str] = []
    for family, there in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as way:
                way.connect((there, 9))
                found.append(str(way.getsockname()[0]))
        except OSError:
            continue  # this machine has no network of this kind
    with contextlib.suppress(OSError):  # the machine's own name has no address
        found += [str(place[0]) for *_, place in socket.getaddrinfo(socket.gethostname(), None)]
    plain = [address.partition("%")[0] for address in found]
    return [one for one in dict.fromkeys(plain) if not one.startswith(("127.", "fe80:")) and one != "::1"]


def own_names(addresses: Sequence[str]) -> list[str]:
    """The names that the machine, or its network's name server, has for these addresses, such as mypc.fritz.box."""

    def ask(address: str) -> list[str]:
        try:
            name, others, _ = socket.gethostbyaddr(address)
        except OSError:
            return []
        return [name, *others]

    pool = ThreadPoolExecutor(max(1, len(addresses)), thread_name_prefix="own names")
    asked = [pool.submit(ask, address) for address in addresses]
    done, _ = wait(asked, PATIENCE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    found = [name.lower().rstrip(".") for one in asked if one in done for name in one.result()]
    local = socket.gethostname().lower()
    return list(dict.fromkeys(name for name in (local, *found) if name and name != "localhost"))
