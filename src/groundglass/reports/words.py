"""Numbers, times and words as the report writes them."""

from __future__ import annotations

import shlex


def count(number: int) -> str:
    """A count with thousands separators.

    >>> count(12480)
    '12,480'
    """
    return f"{number:,}"


def duration(seconds: float | None) -> str:
    """A time as people say it.

    >>> duration(41), duration(0.2), duration(7800), duration(None)
    ('0:41', '0:00', '2 h 10 min', '–')
    """
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent, to a tenth; less than all is never 100 %, and more than none never 0 %.

    >>> share(130, 251), share(99_999, 100_000), share(1, 100_000), share(0, 0)
    ('51.8 %', '99.9 %', '0.1 %', '–')
    """
    if not whole:
        return "–"
    tenths = (2000 * part + whole) // (2 * whole)
    if 0 < part < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths / 10:g} %"


def number(value: float | None) -> str:
    """A measured value with three or four significant digits; an empty one as a dash.

    >>> number(0.12345), number(1234.5), number(None), number(float("nan"))
    ('0.1235', '1,234', '–', '–')
    """
    if value is None or value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def singular(unit: str) -> str:
    """One of them.

    >>> singular("photographs"), singular("tiles")
    ('photograph', 'tile')
    """
    return unit[:-1] if unit.endswith("s") else unit


def some(number_of: int, unit: str) -> str:
    """A count with its unit.

    >>> some(1, "tiles"), some(12480, "photographs")
    ('1 tile', '12,480 photographs')
    """
    return f"{count(number_of)} {singular(unit) if number_of == 1 else unit}"


def tail(path: str, most: int = 26) -> str:
    """The end of a long path: as many whole names as fit.

    >>> tail("/data/raw/train_photos/bsds500", 24), tail("photos/")
    ('…/train_photos/bsds500', 'photos/')
    """
    while len(path) > most and "/" in path.strip("/…"):
        path = "…/" + path.removeprefix("…").lstrip("/").partition("/")[2]
    return path


def command(*words: str) -> str:
    """A command line that a shell reads back as these words; a word that could be an option comes after ``--``.

    >>> command("groundglass", "why", "runs/a b/0001", "-x.jpg")
    "groundglass why 'runs/a b/0001' -- -x.jpg"
    """
    head, tail = words[:-1], words[-1]
    guard = ("--",) if tail.startswith("-") else ()
    return shlex.join((*head, *guard, tail))
