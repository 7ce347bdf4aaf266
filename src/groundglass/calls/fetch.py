"""Fetches the file behind a URL that a server's reply names: foreign data decides where this program connects to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from groundglass.calls.protocol import Trouble, without_secrets
from groundglass.calls.wire import shared_loop

Address = IPv4Address | IPv6Address


class NotReached(Trouble):
    """The file behind an address could not be reached; a later attempt may succeed, at no cost."""


def fetch_url(url: str, asked: str, seconds: float, most_bytes: int) -> bytes:
    """The bytes behind a URL that the server at the address ``asked`` named; its key is not sent.

    Only http and https, no redirects; one limit of time from the connection to the last byte, and one of size. An
    address of this machine or its network is refused, except the server's own. Raises Trouble, ``charged``:
    the image was made; and `NotReached`.
    """
    import httpx2

    shown = without_secrets(url)[:120]
    try:
        return asyncio.run_coroutine_threadsafe(
            _within(url, asked, seconds, most_bytes, shown), shared_loop()
        ).result()
    except TimeoutError as error:
        raise _not_reached(f"{shown}: not complete within {seconds:g} s") from error
    except (httpx2.HTTPError, OSError) as error:
        raise _not_reached(f"{shown}: {error or type(error).__name__}") from error
    except (httpx2.InvalidURL, ValueError) as error:
        raise _trouble(f"{shown}: {error or type(error).__name__}") from error


async def _within(url: str, asked: str, seconds: float, most_bytes: int, shown: str) -> bytes:
    async with asyncio.timeout(seconds):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _trouble(f"the reply names {shown!r}, which is not an address of http or https")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = await _resolved(parts.hostname, port)
        if not all(map(is_public, addresses)):
            own = urlsplit(asked).hostname
            owned = await _resolved(own, port) if own else []
            if not all(is_owned(address, owned) for address in addresses):
                raise _trouble(
                    f"the reply names {shown!r}, an address inside this network, not the server's own"
                )
        return await _got(url, addresses[0], most_bytes, shown)


async def _resolved(host: str, port: int) -> list[Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet, and not of this machine or its network.

    >>> [is_public(ip_address(one)) for one in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False, False]
    """
    inner = getattr(address, "ipv4_mapped", None)
    return (inner or address).is_global


def is_owned(address: Address, owned: Sequence[Address]) -> bool:
    """Whether an address belongs to the host with the addresses ``owned``; this machine has several for itself.

    Not the whole network: a cloud's machines read their passwords from an address in it.

    >>> here, there = ip_address("127.0.0.1"), ip_address("169.254.169.254")
    >>> is_owned(ip_address("::1"), [here]), is_owned(there, [here])
    (True, False)
    """
    return address in owned or (address.is_loopback and any(one.is_loopback for one in owned))


async def _got(url: str, address: Address, most_bytes: int, shown: str) -> bytes:
    import httpx2

    whole = httpx2.URL(url)
    # Connected to the address that was checked: a second look-up of the name could give another one.
    target = whole.copy_with(host=str(address))
    headers = {"Host": whole.netloc.decode("ascii").rpartition("@")[2]}
    client = httpx2.AsyncClient(timeout=None, follow_redirects=False, trust_env=False)
    async with (
        client,
        client.stream("GET", target, headers=headers, extensions={"sni_hostname": whole.host}) as response,
    ):
        if response.status_code >= 500:
            raise _not_reached(f"{shown} answers with status {response.status_code}")
        if response.status_code != 200:
            raise _trouble(f"{shown} answers with status {response.status_code}")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > most_bytes:
                raise _trouble(f"{shown} has more than {most_bytes // 2**20} MiB")
        return bytes(body)


def _not_reached(said: str) -> NotReached:
    return NotReached("server_error", said, charged=True)


def _trouble(said: str) -> Trouble:
    return Trouble("server_error", said, charged=True)
