"""Finds the model that a recipe names, and checks its key, address or folder before it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from groundglass.annotators.clients.gemini import google_server
from groundglass.annotators.clients.openai import HOME, openai_server
from groundglass.annotators.clients.protocol import Client
from groundglass.annotators.clients.transformers import LocalModel
from groundglass.calls.access import account, check_address, check_key, key_of
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.find_weights import find_weights

Service = Literal["openai", "google", "local"]

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
        check_address(model.base_url)
    if model.service == "local":
        if not (Path(model.name).expanduser() / "config.json").is_file():
            raise RecipeError(
                f"{model.name} holds no model: it has no config.json", "name the folder that has one"
            )
    else:
        check_key(model.service, model.base_url, f"asking {model}")


def open_client(model: ModelName, seconds: float) -> Client:
    """The model, ready to be asked; ``seconds`` is the limit of one call. Raises the errors of `check_model`."""
    check_model(model)
    if model.service == "local":
        return LocalModel(Path(model.name).expanduser())
    # A server on the user's own machine often needs no key, but the header must hold something.
    key = key_of(model.service, model.base_url) or "none"
    if model.service == "google":
        return google_server(model.name, model.base_url, key, seconds)
    payer = {} if model.base_url else account()
    return openai_server(model.name, model.base_url or HOME, key, seconds, payer)


def identity(model: ModelName) -> str:
    """The part of the store's key for a model: its name and server, or the hash of its folder's files.

    The same name at another address may be another model, so answers are not shared between addresses.
    Raises RecipeError if a folder's files cannot be read or are damaged.
    """
    if model.service != "local":
        return str(model)

    return f"local:{find_weights(model.name, PATTERNS).sha256}"
