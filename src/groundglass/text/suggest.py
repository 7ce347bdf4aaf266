"""The nearest valid word, for messages about unknown words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word most like ``word``, or None if none is near.

    >>> nearest("blokiness", ["blockiness", "sharpness"])
    'blockiness'
    >>> nearest("x", ["blockiness"])
    """
    known = {known.lower(): known for known in words}
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A sentence to append to a message, or "".

    >>> did_you_mean("meazure", ["measure", "select"])
    " Did you mean 'measure'?"
    """
    found = nearest(word, words)
    return f" Did you mean '{found}'?" if found else ""
