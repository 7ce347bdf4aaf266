"""The formats of numbers, durations, sizes, names and commands in all of groundglass."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Mapping

OTHERS = "other reasons"
"""The rarest reasons are counted under this name, so that the counts add up."""


def thousands(number: int) -> str:
    """A count with separators.

    >>> thousands(12480)
    '12,480'
    """
    return f"{number:,}"


def number(value: float | None) -> str:
    """A measured value with four significant digits; from 1,000 on without decimals; a missing one is a dash.

    >>> number(0.12345), number(23714.2), number(None), number(float("nan"))
    ('0.1235', '23,714', '–', '–')
    """
    if value is None or value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def exact(value: float | int | str | bool | None) -> str:
    """A constant of a recipe as its author wrote it, with separators of thousands.

    >>> exact(30), exact(0.6566), exact(400e6), exact("JPEG"), exact(True)
    ('30', '0.6566', '400,000,000', 'JPEG', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def ordinal(value: float) -> str:
    """1st, 2nd, 12.5th …

    >>> [ordinal(n) for n in (1, 2, 3, 11, 20, 21, 12.5)]
    ['1st', '2nd', '3rd', '11th', '20th', '21st', '12.5th']
    """
    text = f"{round(value, 6):g}"
    plain = "." in text or text[-2:] in ("11", "12", "13")
    return text + ("th" if plain else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th"))


def duration(seconds: float | None) -> str:
    """Minutes and seconds; from an hour on, hours and minutes; a dash if the time is not known.

    >>> duration(41.2), duration(3599), duration(7800), duration(90_000), duration(None)
    ('0:41', '59:59', '2 h 10 min', '25 h 00 min', '–')
    """
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def size(count: float) -> str:
    """Bytes in decimal units, as disks and networks are sold.

    >>> size(4_200_000_000), size(312), size(999_999)
    ('4.2 GB', '312 B', '1.0 MB')
    """
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if round(count, 1) < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:,.1f} PB"


def rate(per_second: float) -> str:
    """Images per second, or per minute if that is under one.

    >>> rate(412.3), rate(4.2), rate(0.05), rate(1234.5)
    ('412/s', '4.2/s', '3.0/min', '1,234/s')
    """
    if per_second < 1:
        return f"{per_second * 60:.1f}/min"
    return f"{per_second:.1f}/s" if per_second < 10 else f"{per_second:,.0f}/s"


def reasons(failed: Mapping[str, int]) -> str:
    """Failures by reason, the most frequent first.

    >>> reasons({"not_an_image": 8, "truncated": 41})
    'truncated 41 · not an image 8'
    """
    ordered = sorted(failed.items(), key=lambda pair: (-pair[1], pair[0]))
    return " · ".join(f"{reason.replace('_', ' ')} {thousands(count)}" for reason, count in ordered)


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent, to a tenth; only all is 100 %, and only none is 0 %.

    >>> share(130, 251), share(99_999, 100_000), share(1, 100_000), share(0, 0)
    ('51.8 %', '99.9 %', '0.1 %', '–')
    """
    if not whole:
        return "–"
    # In whole numbers, so that the rounding is exact.
    tenths = (2000 * part + whole) // (2 * whole)
    if 0 < part < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths / 10:g} %"


def percent(share: float) -> str:
    """A share rounded to whole per cents.

    >>> percent(0.954)
    '95 %'
    """
    return f"{100 * share:.0f} %"


def share_or_count(said: float) -> str:
    """The size of a split in a recipe: a whole number is a count, any other a share.

    >>> share_or_count(0.125), share_or_count(2000)
    ('12.5%', '2,000')
    """
    return f"{said:,}" if isinstance(said, int) else f"{100 * said:.4g}%"


def singular(unit: str) -> str:
    """The singular of a unit.

    >>> singular("photographs"), singular("tiles")
    ('photograph', 'tile')
    """
    return unit[:-1] if unit.endswith("s") else unit


def some(number_of: int, unit: str) -> str:
    """A count with its unit.

    >>> some(1, "tiles"), some(12480, "photographs")
    ('1 tile', '12,480 photographs')
    """
    return f"{thousands(number_of)} {singular(unit) if number_of == 1 else unit}"


def tail(path: str, most: int = 26) -> str:
    """The end of a long path: as many complete names as fit.

    >>> tail("/data/raw/train_photos/bsds500", 24), tail("photos/")
    ('…/train_photos/bsds500', 'photos/')
    """
    while len(path) > most and "/" in path.strip("/…"):
        path = "…/" + path.removeprefix("…").lstrip("/").partition("/")[2]
    return path


def command(*words: str) -> str:
    """A command line that a shell splits into these words; a last word that looks like an option comes after ``--``.

    >>> command("groundglass", "why", "runs/a b/0001", "-x.jpg")
    "groundglass why 'runs/a b/0001' -- -x.jpg"
    """
    head, tail = words[:-1], words[-1]
    guard = ("--",) if tail.startswith("-") else ()
    return shlex.join((*head, *guard, tail))


def terminal_cells(text: str) -> int:
    """Columns of a terminal that a text takes: two for East Asian wide characters, none for combining marks.

    >>> terminal_cells("e\\u0301"), terminal_cells("日本")
    (1, 4)
    """
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def plain_line(text: str) -> str:
    """Text of unknown origin on one line: newlines and control characters are shown as escapes.

    A hostile file name could otherwise move the cursor or recolour the terminal.

    >>> plain_line("a\\nb.png")
    'a\\\\nb.png'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
