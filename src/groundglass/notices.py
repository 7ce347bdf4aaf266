"""Messages for the user from code that has no other way to report, such as "a damaged file was set aside"."""

from __future__ import annotations

import warnings
from collections.abc import Callable


class Notice(UserWarning):
    """A message of `notice` as a Python warning, used unless `send_notices_to` chose another way."""


def _warn(sentence: str) -> None:
    warnings.warn(sentence, Notice, stacklevel=4)


_send: Callable[[str], None] = _warn


def notice(sentence: str) -> None:
    """Show a sentence to the user: a line on stderr in the command, a Python warning elsewhere."""
    _send(sentence)


def send_notices_to(send: Callable[[str], None]) -> None:
    """From now on, notices of this process go to ``send``."""
    global _send
    _send = send
