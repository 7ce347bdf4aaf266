"""Restorers behind servers: their settings, checked without asking them, and the rows of their images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from groundglass.calls import ledger as calls
from groundglass.calls.access import check_address
from groundglass.errors import NotHere, RecipeError
from groundglass.generators import servers
from groundglass.generators.edits import KERNEL, cannot_fit, edit_key
from groundglass.generators.fault import SettingFault
from groundglass.generators.google_images import is_imagen
from groundglass.generators.setting_values import check_values
from groundglass.generators.settings import Budget, Generator, Value
from groundglass.made_images.records import key_of
from groundglass.made_images.restored import server_record
from groundglass.models.restorers.checks import LEAST_SIDE, MOST_PIXELS
from groundglass.models.restorers.restorer import MOST_SCALE
from groundglass.text.suggest import did_you_mean
from groundglass.transforms.derived import Derived, refuse, sizes
from groundglass.transforms.made_rows import larger_rows
from groundglass.transforms.transform import KeyFault, ToPrepare

SERVICES = ("openai", "google")
TEXT = "{text}"
"""The place in a prompt for the text of the row."""
OF_FILES = frozenset({"image", "mask"})
"""Fields of a request that hold images: groundglass sets them."""
_NAMED = re.compile(r"([A-Za-z]+):(?![\\/])(.+)", re.DOTALL)


class Asked(Protocol):
    """The keys of the transform that a restorer behind a server has."""

    @property
    def restore(self) -> str: ...
    @property
    def scale(self) -> int | None: ...
    @property
    def prompt(self) -> str | None: ...
    @property
    def prompt_from(self) -> str | None: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def settings(self) -> Mapping[str, Value]: ...
    @property
    def price(self) -> float | None: ...
    @property
    def budget(self) -> Budget | None: ...
    @property
    def concurrency(self) -> int: ...
    @property
    def timeout(self) -> float: ...


def names_a_server(restore: str) -> bool:
    """Whether a recipe's restorer is a model behind a server.

    >>> names_a_server("openai:gpt-image-1"), names_a_server("nets/span.pth"), names_a_server("C:/nets/span.pth")
    (True, False, False)
    """
    found = _NAMED.fullmatch(restore)
    return found is not None and not Path(restore).expanduser().exists()


@dataclass(frozen=True)
class ServerRestorer:
    """A restorer behind a server, with the settings of a recipe."""

    service: str
    model: str
    asked: Asked

    @property
    def scale(self) -> int:
        """How many times larger; `check_server` refuses a recipe without it."""
        return self.asked.scale or 1

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.service}:{self.model}"

    @property
    def limits(self) -> calls.Budget:
        """The most that may be spent."""
        budget = self.asked.budget
        return calls.Budget(budget.calls, budget.money) if budget else calls.Budget()

    def generator(self) -> Generator:
        """The record by which image servers are checked and opened. Raises ValidationError."""
        asked = self.asked
        plain = {"base_url": asked.base_url, "price": asked.price, "settings": dict(asked.settings)}
        return Generator.model_validate({self.service: self.model, **plain})

    def prompt_of(self, text: str) -> str:
        """The prompt for a row with this text; a fixed prompt has no place for it."""
        return (self.asked.prompt or TEXT).replace(TEXT, text)

    def record(self, text: str) -> Mapping[str, Any]:
        """The record of the images that are restored with the text of a row."""
        asked = self.asked
        return server_record(
            self.service, self.model, self.prompt_of(text), asked.settings, self.scale, KERNEL
        )

    def records(self, texts: Sequence[str | None] | None) -> list[Mapping[str, Any]]:
        """The records of rows with these texts; with None, the one of a fixed prompt."""
        distinct = dict.fromkeys(text for text in texts if text) if texts is not None else [""]
        return [self.record(text) for text in distinct]

    def prompts(self, texts: Sequence[str | None] | None) -> dict[str, str]:
        """The key of each record of `records` → its prompt."""
        return {key_of(record): str(record["prompt"]) for record in self.records(texts)}

    def edit_key(self, prompt: str, made: ToPrepare) -> str:
        """The key of the answer for an image: equal for all scales."""
        image = f"{made.sha256} {made.region}"
        return edit_key(self.service, self.model, prompt, self.asked.settings, image)


def server_of(asked: Asked) -> ServerRestorer:
    """The restorer that a recipe names; its service may be an unknown word until `check_server` has refused it."""
    service, _, model = asked.restore.partition(":")
    return ServerRestorer(service, model, asked)


def check_server(server: ServerRestorer) -> None:
    """Refuse what can be refused without asking the server. Raises KeyFault, and NotHere."""
    asked = server.asked
    if server.service not in SERVICES:
        say = f"there is no service '{server.service}'.{did_you_mean(server.service, SERVICES)}"
        raise KeyFault(("restore",), say, "openai:MODEL, or google:MODEL")
    if asked.scale is None or asked.scale > MOST_SCALE:
        say = (
            "a server has no scale of its own" if asked.scale is None else f"there is no scale {asked.scale}"
        )
        raise KeyFault(
            ("restore",) if asked.scale is None else ("scale",),
            say,
            f"scale: 1 to {MOST_SCALE}; each answer is brought to it",
        )
    if server.service == "google" and is_imagen(server.model):
        hint = "Gemini's image models do, such as google:gemini-2.5-flash-image"
        raise KeyFault(("restore",), f"{server.model} takes no image to edit", hint)
    _check_prompt(asked)
    _check_access(server)
    budget = asked.budget
    if budget is not None and budget.calls is None and budget.money is None:
        raise KeyFault(("budget",), "`budget` holds no limit", "write for example `budget: {calls: 1000}`")
    if budget is not None and budget.money is not None and asked.price is None:
        raise KeyFault(("budget",), "`money` needs the price of an image", "add `price: 0.04`")


def _check_prompt(asked: Asked) -> None:
    if asked.prompt is not None and not asked.prompt.strip():
        raise KeyFault(("prompt",), "`prompt` is empty", "prompt: Restore this photo. Change nothing else.")
    if asked.prompt_from is None and asked.prompt is None:
        hint = "prompt: Restore this photo. Change nothing else. Or prompt_from: a column of texts"
        raise KeyFault(("restore",), f"{asked.restore} needs a `prompt`", hint)
    if asked.prompt is None:
        return
    if asked.prompt_from is None and TEXT in asked.prompt:
        raise KeyFault(("prompt",), f"`{TEXT}` needs `prompt_from`", "prompt_from: caption")
    if asked.prompt_from is not None and TEXT not in asked.prompt:
        hint = f"write {TEXT} in `prompt` where the text of the row belongs, or leave `prompt_from` out"
        raise KeyFault(("prompt",), f"`prompt` has no place for `{asked.prompt_from}`", hint)


def _check_access(server: ServerRestorer) -> None:
    """Check address, key and settings, as `generate` does."""
    files = OF_FILES.intersection(server.asked.settings)
    if files:
        name = sorted(files)[0]
        raise KeyFault(("settings", name), f"`{name}` cannot be a setting: groundglass sets it")
    try:
        if server.asked.base_url:
            check_address(server.asked.base_url)
    except RecipeError as error:
        raise KeyFault(("base_url",), error.message, error.hint) from error
    try:
        generator = server.generator()
        check_values(generator)
        servers.check(generator)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        context = first.get("ctx", {})
        raise KeyFault(
            ("settings",), str(context.get("say", first["msg"])), str(context.get("hint", ""))
        ) from error
    except SettingFault as error:
        raise KeyFault(error.keys or ("restore",), error.message, error.hint) from error
    except NotHere:
        raise
    except RecipeError as error:
        raise KeyFault(("restore",), error.message, error.hint) from error


def notes_of(server: ServerRestorer) -> tuple[str, ...]:
    """Notes before the run: images leave this machine, and what is not known."""
    asked = server.asked
    where = asked.base_url or f"{server.service}'s own server"
    unknown = "; the cost is unknown: it has no `price`" if asked.price is None else ""
    kind = f"adaptive prompts from `{asked.prompt_from}`" if asked.prompt_from else "one fixed prompt"
    return (f"images are sent to {server.model} at {where}, with {kind}{unknown}",)


def rows_of(server: ServerRestorer, rows: pa.Table, texts: Sequence[str | None] | None) -> Derived:
    """The rows of restored images; rows that could only be paid for in vain are refused.

    Without ``texts``, all rows get the key of an empty text.
    """
    width, height = sizes(rows)
    area = width * height * server.scale**2
    misfit = np.array(
        [
            cannot_fit(server.asked.settings, size)
            for size in zip(width.tolist(), height.tolist(), strict=True)
        ],
        bool,
    )
    silent = np.array([texts is not None and not text for text in texts or [""] * rows.num_rows], bool)
    refused: list[pa.Table] = []
    left = np.ones(rows.num_rows, bool)
    for which, reason in (
        (np.minimum(width, height) < LEAST_SIDE, "too_small"),
        (area > MOST_PIXELS, "too_large"),
        (misfit, "wrong_size"),
        (silent, "no_text"),
    ):
        refused.append(refuse(rows, left & which, reason))
        left &= ~which
    said = texts if texts is not None else [""] * rows.num_rows
    by_text = {text: key_of(server.record(text)) for text in dict.fromkeys(said) if text is not None}
    keys = [by_text[text or ""] for text, stays in zip(said, left.tolist(), strict=True) if stays]
    made = larger_rows(rows.filter(pa.array(left)), server.scale, keys)
    return Derived(made.rows, pa.concat_tables([*refused, made.refused]))
