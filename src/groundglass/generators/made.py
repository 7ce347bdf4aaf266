"""The folder of a source's generated images: one file for each, and one line in `made.jsonl` for each outcome.

A file is written whole before its line, and never replaced by another image: its name is a hash of all that decides
the image. So a kill at any moment loses at most the images that are being made.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from groundglass.errors import cannot_write
from groundglass.files.atomic import write_all, write_bytes, write_text
from groundglass.files.hashes import sha256_of
from groundglass.generators.image_reply import ImageRequest
from groundglass.generators.judge import judge
from groundglass.generators.settings import Value, size_of

LINES = "made.jsonl"
CALLS = "calls.jsonl"


@dataclass(frozen=True)
class Task:
    """One image to be made: all that a generator needs, and the key that is the name of its file."""

    key: str
    uri: str
    prompt: str
    seed: int
    settings: Mapping[str, Value]

    def request(self) -> ImageRequest:
        """The request for it at a server."""
        return ImageRequest(self.prompt, self.seed, self.settings)

    def judge(self, content: bytes) -> tuple[str, str, str]:
        """The ending that fits its bytes; and why they are not the image that was wanted."""
        return judge(content, size_of(self.settings.get("size")))


class ImageTask(Protocol):
    """One image to be made by a server; ``key`` is the name of its file."""

    @property
    def key(self) -> str: ...
    def request(self) -> ImageRequest: ...
    def judge(self, content: bytes) -> tuple[str, str, str]: ...


@dataclass(frozen=True)
class Outcome:
    """The end of one attempt to make an image.

    file            its name in the folder of the generator; "" if there is none
    error           why it cannot be used, a word of `groundglass.errors.REASONS`; "" if it can
    revised_prompt  the prompt that the server used instead
    cut             tokens at the end of the prompt that no text encoder read; None if that is not known
    seconds         how long it took
    """

    key: str
    file: str = ""
    sha256: str = ""
    error: str = ""
    detail: str = ""
    revised_prompt: str = ""
    cut: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Promised:
    """A server's reply with the address of an image that was made and paid for, but has not arrived yet."""

    url: str = ""
    revised_prompt: str = ""


def task_key(identity: str, prompt: str, settings: Mapping[str, Value], seed: int) -> str:
    """The key of an image: equal for equal generators, prompts, settings and seeds.

    >>> task_key("g", "a cat", {"b": 1, "a": 2}, 7) == task_key("g", "a cat", {"a": 2, "b": 1}, 7)
    True
    """
    whole = json.dumps([identity, prompt, dict(sorted(settings.items())), seed], ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class MadeFolder:
    """The folder of one source."""

    path: Path

    @property
    def calls(self) -> Path:
        """The ledger of all calls of servers for this source, in all runs of the recipe."""
        return self.path / CALLS

    def file(self, generator: str, name: str) -> Path:
        return self.path / generator / name

    def keep(self, generator: str, key: str, content: bytes, ending: str) -> str:
        """Write an image's bytes to the disk, whole, and return the file's name. Raises UnreachableError."""
        name = f"{key}{ending}"
        write_bytes(content, self.file(generator, name))
        return name

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes. Raises UnreachableError."""
        lines = [json.dumps(_short(outcome), ensure_ascii=False) for outcome in outcomes]
        path = self.path / LINES
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                # One write with O_APPEND, the line break first: a line that a kill cut short damages no other one.
                write_all(handle, "".join(f"\n{line}" for line in lines).encode(errors="replace"))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise cannot_write(path, error) from error

    def outcomes(self) -> dict[str, Outcome]:
        """The last outcome of each key; lines that are damaged, or whose file is gone, count for nothing."""
        path = self.path / LINES
        known = {field.name for field in fields(Outcome)}
        found: dict[str, Outcome] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in text.split("\n"):
            try:
                read = json.loads(line)
                outcome = Outcome(**{name: value for name, value in read.items() if name in known})
            except (ValueError, TypeError, AttributeError, RecursionError):
                continue
            found[outcome.key] = outcome
        return found

    def adopted(self, generator: str, task: ImageTask) -> Outcome | None:
        """The outcome of an image if a kill came after its file and before its line."""
        folder = self.path / generator
        for path in sorted(folder.glob(f"{task.key}.*")) if folder.is_dir() else ():
            content = path.read_bytes()
            _, error, detail = task.judge(content)
            words = note.revised_prompt if (note := self.promised(generator, task.key)) else ""
            return Outcome(task.key, path.name, sha256_of(content), error, detail, words)
        return None

    def promise(self, generator: str, key: str, promised: Promised) -> None:
        """Record what a server replied before the image arrives. Raises UnreachableError."""
        write_text(json.dumps(asdict(promised)), self._promise(generator, key))

    def promised(self, generator: str, key: str) -> Promised | None:
        """The reply of a server for an image that has no outcome yet; None if nothing is recorded."""
        try:
            read = json.loads(self._promise(generator, key).read_text(encoding="utf-8"))
            return Promised(str(read["url"]), str(read["revised_prompt"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self, generator: str, key: str) -> None:
        """Remove the record of a reply. An address may allow anybody to read the image, so it is not kept."""
        # If it remains, it is read once more at worst.
        with suppress(OSError):
            self._promise(generator, key).unlink(missing_ok=True)

    def _promise(self, generator: str, key: str) -> Path:
        # The point keeps it apart from the image's files.
        return self.path / generator / f".{key}.reply"


def _short(outcome: Outcome) -> dict[str, Any]:
    """The fields that say something."""
    default = Outcome(outcome.key)
    return {
        name: value
        for name, value in asdict(outcome).items()
        if value != getattr(default, name) or name == "key"
    }
