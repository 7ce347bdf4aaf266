"""The test sets that come with groundglass, and files of fingerprints that users made."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.errors import RecipeError
from groundglass.files.hashes import file_sha256
from groundglass.similarity.test_images.fingerprints import read_prints
from groundglass.similarity.test_images.inverted_index import build_index
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.similarity.test_images.inverted_index import Index

SETS = ("Set5", "Set14", "BSD100", "Urban100")
"""The sets whose fingerprints come with groundglass: 5, 14, 100 and 100 images."""
ALL = "all"
FILE = Path(__file__).with_name("test_sets.parquet")


def words_of(against: str) -> tuple[str, ...]:
    """The sets and files that a text names, separated by commas, or one per line if names hold commas.

    >>> words_of("Set5, Set14"), words_of("all")
    (('Set5', 'Set14'), ('all',))
    """
    if Path(against).expanduser().is_file():
        return (against,)
    between = "\n" if "\n" in against else ","
    return tuple(word.strip() for word in against.split(between) if word.strip())


def resolve(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """The shipped sets, in the order of `SETS`, and the files that words name.

    Raises RecipeError for a word that is neither, with the nearest set's name.

    >>> resolve(["Set14", "Set5"])
    (('Set5', 'Set14'), ())
    >>> resolve(["Set6"])
    Traceback (most recent call last):
    groundglass.errors.RecipeError: there is no test set 'Set6', and no such file. Did you mean 'Set5'?
    """
    sets: set[str] = set()
    files: dict[Path, None] = {}
    for word in words:
        if word == ALL or word in SETS:
            sets |= set(SETS) if word == ALL else {word}
        elif (path := Path(word).expanduser()).is_file():
            files[path.absolute()] = None
        else:
            near = did_you_mean(word, (*SETS, ALL))
            hint = f"one of {', '.join(SETS)}, all, or a file made by `groundglass fingerprint`"
            raise RecipeError(f"there is no test set '{word}', and no such file.{near}", hint)
    return tuple(name for name in SETS if name in sets), tuple(files)


def digest_of(path: Path) -> str:
    """The content hash that identifies a file of fingerprints, whatever its name. Raises RecipeError."""
    try:
        return file_sha256(path)[:16]
    except OSError as error:
        raise RecipeError(f"cannot read the fingerprints {path}: {error.strerror}") from error


@lru_cache(maxsize=4)
def load_index(against: str) -> Index:
    """The index of the sets and files that a text names, cached for the process. Raises RecipeError."""
    sets, files = resolve(words_of(against))
    prints = [known for known in read_prints(FILE) if known.set in sets] if sets else []
    for path in files:
        prints += read_prints(path)
    return build_index(prints)
