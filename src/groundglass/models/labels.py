"""Lists of labels that a recipe gives: a few words, or a text file with one a line."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.text.decode_text import decode_text


def read_labels(text: str, fewest: int = 2) -> tuple[str, ...]:
    """The labels: of the .txt file that a text names, one a line; else the text itself, one a line or split at commas.

    Empty ones and those said before are left out. Raises RecipeError where there are fewer than ``fewest``, and
    where the file cannot be read.

    >>> read_labels("indoor, outdoor, indoor")
    ('indoor', 'outdoor')
    """
    labels = tuple(dict.fromkeys(label_list(text)))
    if len(labels) < fewest:
        raise RecipeError(
            f"{len(labels) or 'no'} label{'' if len(labels) == 1 else 's'} in {text!r}: at least {fewest} needed",
            "'indoor, outdoor', or the path of a .txt file with one label a line",
        )
    return labels


def label_list(text: str) -> tuple[str, ...]:
    """The same with those said before, in the order of a network's own numbers.

    >>> label_list("-, cat, -, dog")
    ('-', 'cat', '-', 'dog')
    """
    if "\n" in text.strip():
        plain = text
    else:
        plain = _read(text) if text.strip().lower().endswith(".txt") else text.replace(",", "\n")
    return tuple(" ".join(line.split()) for line in plain.splitlines() if line.strip())


def check_sentence(name: str, sentence: str, example: str) -> None:
    """Raises RecipeError for a sentence, called ``name`` in a recipe, without one {} where a label is put.

    >>> check_sentence("template", "a photo", "a photo of {}")
    Traceback (most recent call last):
    groundglass.errors.RecipeError: the template 'a photo' must hold {} once
    """
    if sentence.count("{}") != 1:
        raise RecipeError(f"the {name} {sentence!r} must hold {{}} once", f"as {example!r} does")


def _read(path: str) -> str:
    try:
        return decode_text(Path(path.strip()).expanduser().read_bytes()).text
    except OSError as error:
        raise RecipeError(
            f"cannot read {path}: {error.strerror}", "paths are taken from the working folder"
        ) from error
    except ValueError as error:
        raise RecipeError(f"{path} is no text: {error}", "save it as UTF-8, one label a line") from error
