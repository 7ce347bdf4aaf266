"""Numbers, durations and sizes as groundglass writes them everywhere."""

from __future__ import annotations

from collections.abc import Mapping


def thousands(number: int) -> str:
    """A count with separators.

    >>> thousands(12480)
    '12,480'
    """
    return f"{number:,}"


def number(value: float) -> str:
    """A measured value with four significant digits, from a thousand on without decimals.

    >>> number(0.12345), number(23714.2)
    ('0.1235', '23,714')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Minutes and seconds; from an hour on, hours and minutes.

    >>> duration(41.2), duration(3599), duration(7800), duration(90_000)
    ('0:41', '59:59', '2 h 10 min', '25 h 00 min')
    """
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
    """Images per second, or per minute where that would be under one.

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
