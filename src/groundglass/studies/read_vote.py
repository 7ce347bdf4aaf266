"""Read a vote that a browser sent: every value has its type and range, and an unknown key is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from groundglass.recipes.study_model import StudyStep
from groundglass.studies.records import CHOICES, VERDICTS, Refused, Score, Vote, storable

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MODE = re.compile(r"[a-z][a-z_]{0,15}")
LONGEST_COMMENT = 4000
"""Characters of a comment."""
LATEST = 1e15
"""The largest time, in ms since 1970 or by the browser's own clock: clocks may be wrong, but not without end."""


def read_vote(body: StudyStep, sent: Mapping[str, Any]) -> Vote:
    """A vote from its JSON object. Raises Refused ``wrong`` with the key of the first fault."""
    _only(sent, ("id", "trial", "score", "reasons", "comment", *_SEEN))
    trial = sent.get("trial")
    if not isinstance(trial, str) or len(trial) > 64:
        raise _wrong("trial", "must be the id of a trial")
    seen = {key: check(key, sent[key]) for key, check in _SEEN.items() if sent.get(key) is not None}
    return Vote(
        id=read_uuid(sent, "id"),
        trial=storable(trial),
        score=_score(body, sent.get("score")),
        reasons=_reasons(body, sent.get("reasons")),
        comment=_comment(sent.get("comment")),
        seen=seen,
    )


def read_undoing(sent: Mapping[str, Any]) -> tuple[str, str]:
    """The UUID of an undoing, and that of the vote. Raises Refused ``wrong``."""
    _only(sent, ("id", "vote"))
    return read_uuid(sent, "id"), read_uuid(sent, "vote")


def read_display(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a browser sends of its display. Raises Refused ``wrong``."""
    _only(sent, ("viewport", "dpr", "display_scale", "read"))
    found = {
        key: _SEEN[key](key, sent[key])
        for key in ("viewport", "dpr", "display_scale")
        if sent.get(key) is not None
    }
    read = sent.get("read", "")
    if not isinstance(read, str) or len(read) > 200:
        raise _wrong("read", "must be a text of at most 200 characters")
    return {**found, "read": storable(read)}


def read_uuid(sent: Mapping[str, Any], key: str) -> str:
    """A UUID in its usual form, in small letters."""
    value = sent.get(key)
    if not isinstance(value, str) or not UUID.fullmatch(value.lower()):
        raise _wrong(key, "must be a UUID, such as 123e4567-e89b-42d3-a456-426614174000")
    return value.lower()


def _only(sent: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in sent:
        if key not in keys:
            raise Refused("wrong", f"the key '{storable(key)[:40]}' is unknown", storable(key)[:40])


def _score(body: StudyStep, value: Any) -> Score:
    if body.protocol == "pairwise":
        return _word(value, tuple(CHOICES))
    if body.protocol in ("accept", "pair_accept"):
        return _word(value, tuple(VERDICTS))
    if body.protocol == "acr":
        if not _is_number(value) or value not in (1, 2, 3, 4, 5):
            raise _wrong("score", "must be a whole number from 1 to 5")
        return int(value)
    if len(body.dimensions) == 1:
        return _on_slider(value)
    if not isinstance(value, Mapping) or set(value) != set(body.dimensions):
        raise _wrong("score", f"must have a number for each of {', '.join(body.dimensions)}")
    return {name: _on_slider(value[name]) for name in body.dimensions}


def _word(value: Any, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise _wrong("score", f"must be {', '.join(words[:-1])} or {words[-1]}")
    return value


def _on_slider(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 100:
        raise _wrong("score", "must be a number from 0 to 100")
    return float(value)


def _reasons(body: StudyStep, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or any(
        not isinstance(one, str) or one not in body.reasons for one in value
    ):
        said = f"must be a list of {', '.join(body.reasons)}" if body.reasons else "must be empty"
        raise _wrong("reasons", said)
    return tuple(dict.fromkeys(value))


def _comment(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_COMMENT:
        raise _wrong("comment", f"must be a text of at most {LONGEST_COMMENT} characters")
    return storable(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _between(low: float, high: float) -> Callable[[str, Any], float]:
    def check(key: str, value: Any) -> float:
        if not _is_number(value) or not low <= value <= high:
            raise _wrong(key, f"must be a number from {low:g} to {high:g}")
        return float(value)

    return check


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
        raise _wrong(key, "must be a whole number from 0 to 1000000")
    return value


def _mode(key: str, value: Any) -> str:
    if not isinstance(value, str) or not MODE.fullmatch(value):
        raise _wrong(key, "must be a word of small letters")
    return value


def _viewport(key: str, value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(key, "must be [width, height]")
    check = _between(0, 1e6)
    return [check(key, value[0]), check(key, value[1])]


_SEEN: dict[str, Callable[[str, Any], Any]] = {
    "t_shown": _between(0, LATEST),
    "t_answer": _between(0, LATEST),
    "dwell": _between(0, 1e8),
    "flips": _count,
    "zoom_max": _between(0, 1e4),
    "mode": _mode,
    "viewport": _viewport,
    "dpr": _between(0, 100),
    "display_scale": _between(0, 100),
}


def _wrong(key: str, must: str) -> Refused:
    return Refused("wrong", f"'{key}' {must}", key)
