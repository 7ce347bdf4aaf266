"""A sentence for whoever runs the program, from places that nobody handed a voice: a damaged file was set aside."""

from __future__ import annotations

import warnings
from collections.abc import Callable


class Notice(UserWarning):
    """What `notice` says where nobody asked for another way: as Python's warnings go."""


def _warn(sentence: str) -> None:
    warnings.warn(sentence, Notice, stacklevel=4)


_tell: Callable[[str], None] = _warn


def notice(sentence: str) -> None:
    """Say a sentence to the person: a line on stderr of the command, a Python warning elsewhere."""
    _tell(sentence)


def tell_notices_to(tell: Callable[[str], None]) -> None:
    """From now on notices of this process go to ``tell``."""
    global _tell
    _tell = tell
