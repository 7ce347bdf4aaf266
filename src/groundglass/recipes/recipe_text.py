"""The text of a recipe file, or of an argument of `--set`, and the start of each of its lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.recipes.errors import Mark, error_at

MOST_BYTES = 1_000_000
"""A recipe is written by hand; a longer file is something else."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Text:
    """A file's text and the starts of its lines; or a part of the text that was ``typed`` on the command line."""

    file: str
    text: str
    starts: tuple[int, ...]
    typed: str = ""

    def mark(self, index: int, length: int = 1) -> Mark:
        """The place of a character, counted from 0."""
        if self.typed:
            return Mark(self.file, 0, index + 1, self.typed, length)
        line = bisect_right(self.starts, index)
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return Mark(self.file, line, index - start + 1, self.text[start:end].rstrip("\r\n"), length)


def read_text(path: Path) -> Text:
    """A recipe file's text. Raises RecipeError if it is missing, unreadable, too long or not UTF-8."""
    raw = _read_bytes(path)
    if raw[:2] in _BOMS or b"\x00" in raw:
        kind = _BOMS.get(raw[:2], "")
        found = f"{path}: this file is written in {kind}" if kind else f"{path}: this is not a text file"
        raise RecipeError(
            found,
            "save it as UTF-8" if kind else "give the path of a recipe, a text file such as faceup.yaml",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        whole = as_text(str(path), raw.decode("latin-1"))
        raise error_at(
            whole.mark(error.start),
            f"this byte (0x{raw[error.start]:02X}) is not UTF-8",
            "save the file as UTF-8",
        ) from None
    return as_text(str(path), text)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise RecipeError(
                f"{path}: this is a folder, not a recipe", f"name the file in it: {path}/NAME.yaml"
            )
        with path.open("rb") as file:
            # One byte more than allowed shows that a file is too long, without reading gigabytes.
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such file", _beside(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(
            f"{path}: cannot be read: {reason.lower()}", "check the path and its permissions"
        ) from None
    if len(raw) > MOST_BYTES:
        raise RecipeError(
            f"{path}: longer than {MOST_BYTES:,} bytes: this is not a recipe", "give the path of a recipe"
        )
    return raw


def _beside(path: Path) -> str:
    """A hint with the recipes in the folder in which one was not found."""
    try:
        names = sorted(other.name for other in path.parent.glob("*.y*ml"))
    except (OSError, ValueError):
        names = []
    return f"recipes in {path.parent}: {', '.join(names[:8])}" if names else "check the path"


def typed_text(file: str, typed: str, start: int) -> Text:
    """The part of an argument from a character on; its columns are counted in the whole argument."""
    return Text(file, " " * start + typed[start:], (0,), typed)


def as_text(file: str, text: str) -> Text:
    """Text with the starts of its lines; any of the three line ends."""
    return Text(file, text, (0, *(end.end() for end in _LINE_END.finditer(text))))
