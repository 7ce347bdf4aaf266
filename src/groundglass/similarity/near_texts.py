"""Texts that are the same but for case, spaces and punctuation, and texts with nearly the same words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from math import ceil

from groundglass.files.hashes import sha256_of

KEY = 12
"""Hex digits of a text's key: of a million texts, two different ones share a key with a chance of 0.2 %."""


def normal_text(text: str | None) -> str:
    """A text without differences of case, spaces, punctuation and Unicode form; "" for a blank one.

    A text of punctuation or symbols alone keeps them: otherwise all of these would be one text.

    >>> normal_text("A  cat, sitting!"), normal_text("a Cat sitting"), normal_text("?!")
    ('a cat sitting', 'a cat sitting', '?!')
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    # Marks belong to their letters: without them, words of Hindi or Thai would fall apart.
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in plain)
    return " ".join(spaced.split()) or " ".join(plain.split())


def text_group(text: str | None) -> str | None:
    """A key that equal texts share (`normal_text`); None for a blank text.

    >>> text_group("a cat") == text_group("A cat."), text_group(" ")
    (True, None)
    """
    plain = normal_text(text)
    return sha256_of(plain.encode("utf-8", "replace"))[:KEY] if plain else None


def near_groups(texts: Sequence[str], least: float) -> list[int]:
    """For each text the position of the first text of its group; texts in a group are near each other, in a chain.

    Two texts are near if they share at least ``least`` of all their words (Jaccard, 0 to 1, a repeated word counts as
    often as it appears), in any order.

    >>> near_groups(["a red cat on a mat", "a red cat on the mat", "red cat on a mat, a", "a dog"], 0.7)
    [0, 0, 0, 3]
    """
    bags = [_bag(text) for text in texts]
    count = Counter(word for bag in bags for word in bag)
    ordered = [sorted(bag, key=lambda word: (count[word], word)) for bag in bags]
    root = list(range(len(texts)))
    # Two bags that share so many words share one of the rarest words of each (the prefix filter of Chaudhuri et al.,
    # "A Primitive Operator for Similarity Joins in Data Cleaning", ICDE 2006), so only those are looked up.
    seen: dict[tuple[str, int], list[int]] = {}
    for at in sorted(range(len(texts)), key=lambda at: len(bags[at])):
        size = len(bags[at])
        prefix = ordered[at][: size - ceil(least * size - 1e-9) + 1]
        others = {
            other
            for word in prefix
            for other in seen.get(word, ())
            if len(bags[other]) >= least * size - 1e-9
        }
        for other in others:
            if _find(root, at) != _find(root, other) and _share(bags[at], bags[other]) >= least - 1e-9:
                one, two = sorted((_find(root, at), _find(root, other)))
                root[two] = one
        for word in prefix:
            seen.setdefault(word, []).append(at)
    return [_find(root, at) for at in range(len(texts))]


def _bag(text: str) -> set[tuple[str, int]]:
    """The words of a text, each with the number of its appearance: a set that counts repeated words."""
    count = Counter[str]()
    bag: set[tuple[str, int]] = set()
    for word in normal_text(text).split():
        bag.add((word, count[word]))
        count[word] += 1
    return bag


def _share(one: set[tuple[str, int]], other: set[tuple[str, int]]) -> float:
    both = len(one & other)
    return both / max(1, len(one) + len(other) - both)


def _find(root: list[int], at: int) -> int:
    while root[at] != at:
        root[at] = at = root[root[at]]
    return at
