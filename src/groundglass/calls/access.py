"""The access to a server: its address, and the keys in the environment that are sent to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from groundglass.calls.protocol import SECRETS
from groundglass.errors import RecipeError

KEYS: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
}
"""The environment variables with the key of each service's own server."""

OWN_KEY = "GROUNDGLASS_API_KEY"
"""The environment variable with the key of a server that a recipe names: a recipe cannot send the keys above there."""

ACCOUNT: Mapping[str, str] = {
    "OpenAI-Organization": "OPENAI_ORG_ID",
    "OpenAI-Project": "OPENAI_PROJECT_ID",
}
"""Headers for OpenAI's own server → their environment variables."""


def check_address(base_url: str) -> None:
    """Raises RecipeError if a text is not a server's address, or holds a secret."""
    try:
        parts = urlsplit(base_url)
        secret = parts.username or parts.password or parts.query
    except ValueError:
        raise RecipeError(
            f"{base_url!r} is not an address", "write for example http://localhost:8000/v1"
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(f"{base_url!r} is not an address", "write for example http://localhost:8000/v1")
    # The address is written into the run's files, which people share.
    if secret:
        message = "an address with a name, a password or a query would be written into the run's files"
        raise RecipeError(message, f"leave that out, and export {OWN_KEY}=…")


def check_key(service: str, base_url: str, asking: str) -> None:
    """Raises RecipeError, with the line to type, if a service's own server needs a key that is not here.

    ``asking`` is what needs it.
    """
    if not base_url and not key_of(service, base_url):
        name = KEYS[service][0]
        raise RecipeError(f"{asking} needs a key in the environment: {name}", f"export {name}=…")


def key_of(service: str, base_url: str) -> str:
    """The API key for a server; "" if there is none. ``base_url`` "" is the service's own server."""
    names = (OWN_KEY,) if base_url else KEYS[service]
    key = next((value for name in names if (value := os.environ.get(name, "").strip())), "")
    if key:
        SECRETS.add(key)
    return key


def account() -> dict[str, str]:
    """The headers for the organisation and project at OpenAI that pays; no other server gets them."""
    named = {header: os.environ.get(name, "").strip() for header, name in ACCOUNT.items()}
    return {header: value for header, value in named.items() if value}
