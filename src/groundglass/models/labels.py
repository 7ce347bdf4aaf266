"""Lists of labels in a recipe: a few words, a text file with one label per line, or the name of a shipped list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.models.architectures.coco_labels import COCO
from groundglass.text.decode_text import decode_text

LVIS = Path(__file__).parent / "vocabularies" / "lvis.txt"
"""The 1,203 names of LVIS v1, one per line (CC BY 4.0, see the README next to it)."""


def read_labels(text: str, fewest: int = 2) -> tuple[str, ...]:
    """The labels in a .txt file that a text names (one per line), or in the text (one per line or split at commas).

    The text may be the name of a shipped list: `coco` (80 names) or `lvis` (1,203). Empty and repeated labels are left
    out. Raises RecipeError if there are fewer than ``fewest``, or if the file cannot be read.

    >>> read_labels("indoor, outdoor, indoor")
    ('indoor', 'outdoor')
    >>> len(read_labels("lvis")), read_labels("coco")[:2]
    (1203, ('person', 'bicycle'))
    """
    # A dict keeps the order, which is the order of the columns.
    labels = tuple(dict.fromkeys(label_list(text)))
    if len(labels) < fewest:
        raise RecipeError(
            f"{len(labels) or 'no'} label{'' if len(labels) == 1 else 's'} in {text!r}: at least {fewest} needed",
            "'indoor, outdoor', or the path of a .txt file with one label per line",
        )
    return labels


def label_list(text: str) -> tuple[str, ...]:
    """The same with repeated labels, in the order of a network's outputs.

    >>> label_list("-, cat, -, dog")
    ('-', 'cat', '-', 'dog')
    """
    word = text.strip().lower()
    if word == "coco":
        return COCO
    if word == "lvis":
        text = LVIS.read_text(encoding="utf-8")
    if "\n" in text.strip():
        plain = text
    else:
        plain = _read(text) if text.strip().lower().endswith(".txt") else text.replace(",", "\n")
    return tuple(" ".join(line.split()) for line in plain.splitlines() if line.strip())


def label_column(measure: str, label: str) -> str:
    """The name of a label's own column.

    >>> label_column("onnx", "hot dog")
    'onnx_hot_dog'
    """
    return f"{measure}_" + re.sub(r"\W+", "_", label.strip()).strip("_")


def label_columns(measure: str, labels: Iterable[str]) -> dict[str, str]:
    """The label of each column. Raises RecipeError if two labels would share a column, or if a label has no letter.

    >>> label_columns("classify", ["hot dog", "cat"])
    {'classify_hot_dog': 'hot dog', 'classify_cat': 'cat'}
    """
    found: dict[str, str] = {}
    for label in labels:
        column = label_column(measure, label)
        if column == f"{measure}_":
            raise RecipeError(f"the label '{label}' holds no letter and no digit", "")
        # SQL ignores case in the names of columns, so "Cat" and "cat" would be the same one.
        other = next((one for name, one in found.items() if name.lower() == column.lower()), label)
        if other != label:
            raise RecipeError(
                f"the labels '{other}' and '{label}' would have the same column", "rename one of them"
            )
        found[column] = label
    return found


def check_sentence(name: str, sentence: str, example: str) -> None:
    """Raises RecipeError for a sentence, called ``name`` in a recipe, that does not hold {} once, in the label's place.

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
            f"cannot read {path}: {error.strerror}", "paths are relative to the working folder"
        ) from error
    except ValueError as error:
        raise RecipeError(
            f"{path} is not a text file: {error}", "save it as UTF-8, one label per line"
        ) from error
