"""What is known of weights: where they come from, which files they are, and the hash that stands for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of

SAFE = (".safetensors", ".onnx")
"""Files of weights that hold numbers and nothing that could be run."""
PICKLES = (".bin", ".pth", ".pt", ".pkl", ".ckpt")
"""Files of weights that are programs to the reader: loading one of an unknown origin can run anything."""
_HUB = re.compile(r"([\w.-]+/[\w.-]+)@([^/\s]+)(?:/(\S+))?")


@dataclass(frozen=True)
class WeightFile:
    """One file: its name within the folder, its size in bytes, its SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Weights:
    """Weights that were found.

    origin    "OWNER/NAME" on a hub, or the name of the file or folder that a recipe gave
    revision  the commit on the hub; "" for what lies on this machine
    path      the file or folder to load; on a hub's, where it lies once `absent` was fetched
    files     what is loaded, by name
    absent    those of them that must be fetched first
    licence   as the hub's card says; "" where nothing says it
    """

    origin: str
    revision: str
    path: Path
    files: tuple[WeightFile, ...]
    absent: tuple[WeightFile, ...] = ()
    licence: str = ""

    @property
    def sha256(self) -> str:
        """Of the one file; of several, of the lines that `sha256sum` would print of them; "" where none is known."""
        if not self.files:
            return ""
        if len(self.files) == 1:
            return self.files[0].sha256
        return sha256_of("".join(f"{file.sha256}  {file.name}\n" for file in self.files).encode())

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class OnHub:
    """A place on a hub: "OWNER/NAME@REVISION", with "/FILE" behind it where one file is meant."""

    repository: str
    revision: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}" + (f"/{self.file}" if self.file else "")


def parse_hub(text: str) -> OnHub | None:
    """The place on a hub that a text names; None where it names none.

    >>> parse_hub("openai/clip@main"), parse_hub("a/b@1f2e/x/model.safetensors").file
    (OnHub(repository='openai/clip', revision='main', file=''), 'x/model.safetensors')
    >>> parse_hub("weights/koniq.safetensors")
    """
    found = _HUB.fullmatch(text)
    return OnHub(found[1], found[2], found[3] or "") if found else None


def choose_files(names: list[str], patterns: tuple[str, ...], where: str, allow_pickle: bool) -> list[str]:
    """Which files of a folder are loaded, in order: those that the patterns want, or the one that holds weights.

    Pickles are left out where there is anything better. Raises RecipeError where nothing holds weights, where one file
    is wanted and several are there, and where only a pickle is and the recipe does not allow it.

    >>> choose_files(["config.json", "model.safetensors", "model.bin"], ("*.json", "*.safetensors"), "here", False)
    ['config.json', 'model.safetensors']
    >>> choose_files(["a.pth", "notes.txt"], (), "here", True)
    ['a.pth']
    """
    wanted = [name for name in sorted(names) if _matches(name, patterns or ("*",))]
    holding = [name for name in wanted if is_of(name, SAFE)]
    if not holding:
        holding = [name for name in sorted(names) if is_of(name, PICKLES)]
        if not holding:
            raise RecipeError(
                f"{where} holds no weights", f"wanted is {', '.join(patterns) or 'a .safetensors file'}"
            )
        refuse_pickle(f"{where}/{holding[0]}", allow_pickle)
    if not patterns and len(holding) > 1:
        raise RecipeError(
            f"{where} holds {len(holding)} files of weights: {', '.join(holding[:4])}", "name one of them"
        )
    others = [] if not patterns else [name for name in wanted if not is_of(name, SAFE + PICKLES)]
    return sorted([*others, *holding])


def refuse_pickle(where: str, allow_pickle: bool) -> None:
    """Raises RecipeError for a pickle that the recipe does not allow."""
    if is_of(where, PICKLES) and not allow_pickle:
        raise RecipeError(
            f"{where} is a pickle, which can run anything when it is loaded",
            "give a .safetensors file, or write allow_pickle: true where you trust its origin",
        )


def is_of(name: str, endings: tuple[str, ...]) -> bool:
    """Whether a file's name has one of these endings."""
    return PurePosixPath(name).suffix.lower() in endings


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class NetworkNote:
    """One network that was asked: by which measure, where its weights come from, their hash and licence."""

    measure: str
    weights: str
    sha256: str
    licence: str
    notice: str = ""
