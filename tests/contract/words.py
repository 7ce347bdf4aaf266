"""The word list: words that readers found stilted, and what to say instead. `test_words.py` holds the project to it.

Each entry is (name, pattern, what to say). A pattern is tried on prose: code, links and doctests are taken out before.
"""

from __future__ import annotations

import re

_THINGS = (
    "images?|photos?|photographs?|files?|tiles?|rows?|archives?|workers?|process(?:es)?|programs?|servers?"
)
_NO_BUT = r"\s+no\s+(?!longer\b|more\b|less\b|fewer\b|better\b|worse\b|larger\b|smaller\b|matter\b)"
_OPENING = r"(?:^[ \t]*(?:[-*+][ \t]+|\d+\.[ \t]+)?|[.!?:][\"')]?\s+|\|[ \t]*)\**"

WORDS: tuple[tuple[str, str, str], ...] = (
    ("picture", r"(?<![-/\w])[Pp]ictures?\b(?!/)", "image (any row), photo (only an original), tile or file"),
    ("enlarge", r"\b[Ee]nlarg(?:e[sd]?|ing|ements?)\b", "upscale (of a box or a page: grow)"),
    (
        "tell",
        r"\b(?:[Tt]ells?|[Tt]old|[Tt]elling)\b",
        "shows, detects, says, separates, depends on, recognises",
    ),
    ("know again", r"\b(?:[Kk]nows?|[Kk]nown|[Kk]new)(?:\s+\S+){0,4}\s+again\b", "recognise"),
    ("anew", r"\b[Aa]new\b", "again, or: new, rebuild"),
    (
        "stand",
        r"\b(?:[Ss]tands?|[Ss]tood)\b(?!-in|\s+(?:for|in\s+for|out|still|alone)\b)",
        "is, appears, is written, is named",
    ),
    ("lie", r"\b(?:[Ll]ies?|lay|lain)\b(?!\s+out\b)", "is, is stored, is next to"),
    (
        "is no X",
        r"(?<!there\s)(?<!There\s)(?<!where\s)\b(?:is|are|was|were)" + _NO_BUT,
        "is not an X, are not X, has no X",
    ),
    ("be had", r"\b(?:be|is|are|was|were|been)\s+had\b", "be obtained, be read"),
    ("in silence", r"\bin\s+silence\b", "silently"),
    ("wish", r"\b[Ww]ish(?:es|ed)?\b", "want, ask for"),
    ("paler", r"\bpaler\b", "lighter"),
    ("take leave", r"\b[Tt](?:akes?|aking|ook)\s+leave\b", "leave, let go"),
    ("as it came", r"\bas\s+(?:it|they)\s+came\b", "unchanged"),
    ("judged by itself", r"\bjudged?\s+by\s+(?:itself|themselves)\b", "judged alone"),
    (
        "who",
        rf"\b(?:{_THINGS}),?\s+(?:who|whom|whose)\b",
        "that, which (of a file, an image or a program)",
    ),
    (
        "opens with What, Where, Who",
        _OPENING + r"(?:What|Where|Who|Whose|Whoever|Wherever)\b(?![^.!?]*\?)",
        'the subject first: "The settings of …", "Returns …", "If …", "The image that …"',
    ),
)

SENTENCES: tuple[str, ...] = (
    "of all that left at one step in one way",
    "tells enlarged pictures",
    "know your own test images again",
    "what your own clean pictures are like",
    "like those that are wished for, and not smaller",
    "paler where no measure of the gate should see it",
    "Captions and categories that can be paid for",
    "it cannot be had of a defective version",
    "What it does that nothing else does",
    "the funnel above says where the last picture went",
    "pictures that are no pictures",
    "what is asked of a model is said once",
    "take leave of a dead worker",
    "stands twice",
    "judged anew",
)
"""Passages that readers marked. They are gone, whatever the patterns above make of them."""

PATTERNS = tuple((name, re.compile(pattern, re.M), say) for name, pattern, say in WORDS)


def faults(prose: str) -> list[tuple[int, str, str]]:
    """(offset, word found, what to say) of every word in a text that the list names.

    >>> faults("The picture is kept.")
    [(4, 'picture', 'image (any row), photo (only an original), tile or file')]
    >>> faults("There is no image. The file is no longer there. Where is it?")
    []
    """
    found = [
        (match.start(), match[0].strip(), say)
        for _, pattern, say in PATTERNS
        for match in pattern.finditer(prose)
    ]
    flat = re.sub(r"[\s`]+", " ", prose)
    found += [
        (0, sentence, "something else: readers marked it") for sentence in SENTENCES if sentence in flat
    ]
    return sorted(found)
