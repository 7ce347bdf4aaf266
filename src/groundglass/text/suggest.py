"""The nearest valid word, for every message about a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word most like ``word``, or None when none is near.

    >>> nearest("blokiness", ["blockiness", "sharpness"])
    'blockiness'
    >>> nearest("x", ["blockiness"])
    """
    known = {known.lower(): known for known in words}
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A sentence to put behind a message, or nothing.

    >>> did_you_mean("meazure", ["measure", "select"])
    " Did you mean 'measure'?"
    """
    found = nearest(word, words)
    return f" Did you mean '{found}'?" if found else ""
