"""Finds the model that a recipe names, and checks its key, address or folder before it is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from groundglass.annotators.clients.gemini import google_server
from groundglass.annotators.clients.openai import HOME, openai_server
from groundglass.annotators.clients.protocol import SECRETS, Client
from groundglass.annotators.clients.transformers import LocalModel
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.find_weights import find_weights

Service = Literal["openai", "google", "local"]

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

PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
"""The files of a local model's folder that decide its answers."""

_EXTRAS = {"openai": "annotate", "google": "annotate", "local": "models"}


@dataclass(frozen=True)
class ModelName:
    """A multimodal model.

    service   the service whose protocol is used
    name      the model's name at the server, or the folder that holds its weights
    base_url  the server's address; "" is the service's own
    """

    service: Service
    name: str
    base_url: str = ""

    def __str__(self) -> str:
        return f"{self.service}:{self.name}" + (f" at {self.base_url}" if self.base_url else "")


def check_model(model: ModelName) -> None:
    """Raises RecipeError, with the line to type, if the model cannot be asked: extra, key, address or folder."""
    extra = _EXTRAS[model.service]
    if not is_installed(extra):
        raise MissingExtra(f"models of '{model.service}'", extra)
    if model.base_url:
        _check_address(model.base_url)
    if model.service == "local":
        if not (Path(model.name).expanduser() / "config.json").is_file():
            raise RecipeError(
                f"{model.name} holds no model: it has no config.json", "name the folder that has one"
            )
    elif not model.base_url and not _key_of(model):
        name = KEYS[model.service][0]
        raise RecipeError(f"asking {model} needs a key in the environment: {name}", f"export {name}=…")


def _check_address(base_url: str) -> None:
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


def _key_of(model: ModelName) -> str:
    """The API key for a model's server; "" if there is none."""
    names = (OWN_KEY,) if model.base_url else KEYS[model.service]
    key = next((value for name in names if (value := os.environ.get(name, "").strip())), "")
    if key:
        SECRETS.add(key)
    return key


def open_client(model: ModelName, seconds: float) -> Client:
    """The model, ready to be asked; ``seconds`` is the limit of one call. Raises the errors of `check_model`."""
    check_model(model)
    if model.service == "local":
        return LocalModel(Path(model.name).expanduser())
    # A server on the user's own machine often needs no key, but the header must hold something.
    key = _key_of(model) or "none"
    if model.service == "google":
        return google_server(model.name, model.base_url, key, seconds)
    account = {} if model.base_url else _account()
    return openai_server(model.name, model.base_url or HOME, key, seconds, account)


def _account() -> dict[str, str]:
    """The headers for the organisation and project at OpenAI that pays; no other server gets them."""
    named = {header: os.environ.get(name, "").strip() for header, name in ACCOUNT.items()}
    return {header: value for header, value in named.items() if value}


def identity(model: ModelName) -> str:
    """The part of the store's key for a model: its name and server, or the hash of its folder's files.

    The same name at another address may be another model, so answers are not shared between addresses.
    Raises RecipeError if a folder's files cannot be read or are damaged.
    """
    if model.service != "local":
        return str(model)

    return f"local:{find_weights(model.name, PATTERNS).sha256}"
