"""The names of splits: their order, and the names that are not allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from groundglass.errors import RecipeError

TRAIN, VALIDATION = "train", "validation"
_ORDER = {TRAIN: 0, VALIDATION: 1, "test": 2}
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def ordered_splits(names: Iterable[str]) -> list[str]:
    """train, validation, test, then the others by name.

    >>> ordered_splits(["test", "faces", "train"])
    ['train', 'test', 'faces']
    """
    return sorted(set(names), key=lambda name: (_ORDER.get(name, 3), name))


def check_splits(splits: Sequence[str]) -> None:
    """Refuse split names that cannot be folder names."""
    for split in splits:
        if not _SPLIT.fullmatch(split):
            raise RecipeError(f"{split!r} cannot be the name of a split", "use letters, digits, '-' and '_'")
