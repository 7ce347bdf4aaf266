"""Which SR file belongs to which HR file, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_WORDS = "sr|hr|lr|gt|hq|out|output|rlt|result|restored|pred|fake"
_SEPARATORS = "_-. "
MOST_NAMED = 3
"""Names that a reason gives."""


@dataclass(frozen=True)
class Partners:
    """Which files belong together.

    pairs      positions of HR and SR files
    lonely_hr  HR files without an SR file, and why
    lonely_sr  SR files without an HR file, and why
    """

    pairs: tuple[tuple[int, int], ...]
    lonely_hr: dict[int, str]
    lonely_sr: dict[int, str]


def find_partners(hr: Sequence[str], sr: Sequence[str], scale: int) -> Partners:
    """The SR file of each HR file. Both are uris below their folders; subfolders must be the same.

    Files of one name belong together, whatever their ending. Then names without what programs append (`_x4`, `x4`,
    `_SR`, `_HR`, `_SRF_4`, `_out`), and last without an ending that all SR files share, as in ``baby_MyNet.png``.
    Nothing is guessed: names that fit several files leave all of these without a partner.

    >>> find_partners(["a.png", "b_HR.png", "c.png"], ["ax4.png", "b_SR.png", "d.png"], 4).pairs
    ((0, 0), (1, 1))
    >>> find_partners(["a.png"], ["a_x4.png", "a_out.png"], 4).lonely_hr
    {0: 'several_partners: a_out.png and a_x4.png'}
    """
    tail, hr_tail = common_ending(sr), common_ending(hr)
    ways: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
        (_stem, _stem),
        (lambda uri: bare(_stem(uri), scale), lambda uri: bare(_stem(uri), scale)),
        (lambda uri: bare(_stem(uri), scale), lambda uri: bare(_stem(uri).removesuffix(tail), scale)),
        (
            lambda uri: bare(_stem(uri).removesuffix(hr_tail), scale),
            lambda uri: bare(_stem(uri).removesuffix(tail), scale),
        ),
    )
    left_hr, left_sr = set(range(len(hr))), set(range(len(sr)))
    pairs: list[tuple[int, int]] = []
    lonely_hr: dict[int, str] = {}
    lonely_sr: dict[int, str] = {}
    for name_hr, name_sr in ways:
        groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for number in sorted(left_hr):
            groups[name_hr(hr[number])][0].append(number)
        for number in sorted(left_sr):
            groups[name_sr(sr[number])][1].append(number)
        for ours, theirs in groups.values():
            if not ours or not theirs:
                continue
            left_hr -= set(ours)
            left_sr -= set(theirs)
            if len(ours) == len(theirs) == 1:
                pairs.append((ours[0], theirs[0]))
                continue
            lonely_hr |= dict.fromkeys(ours, f"several_partners: {_named([sr[n] for n in theirs])}")
            lonely_sr |= dict.fromkeys(theirs, f"several_partners: {_named([hr[n] for n in ours])}")
    lonely_hr |= dict.fromkeys(left_hr, "no_partner: there is no SR file for it")
    lonely_sr |= dict.fromkeys(left_sr, "no_partner: there is no HR file for it")
    return Partners(tuple(sorted(pairs)), dict(sorted(lonely_hr.items())), dict(sorted(lonely_sr.items())))


def bare(name: str, scale: int) -> str:
    """A name without what programs append to it.

    >>> bare("img_001_SRF_4_HR", 4), bare("Set5/babyx4", 4), bare("matrix2", 4), bare("_SR", 4)
    ('img_001', 'Set5/baby', 'matrix2', '_SR')
    """
    appended = re.compile(rf"(?:[_\-. ](?:{_WORDS}|x\d+|\d+x|srf[_-]?\d+)|x{scale})$", re.IGNORECASE)
    folder, slash, name = name.rpartition("/")
    while (found := appended.search(name)) and found.start():
        name = name[: found.start()]
    return folder + slash + name


def common_ending(uris: Sequence[str]) -> str:
    """The ending that all names share, from a separator on; "" for fewer than two files.

    >>> common_ending(["a_MyNet.png", "b_MyNet.png"]), common_ending(["a_1.png", "b.png"]), common_ending(["a_x.png"])
    ('_MyNet', '', '')
    """
    names = [_stem(uri).rpartition("/")[2] for uri in uris]
    if len(names) < 2:
        return ""
    shortest = min(map(len, names))
    longest = next(
        n for n in range(shortest - 1, -1, -1) if len({name[len(name) - n :] for name in names}) == 1
    )
    ending = names[0][len(names[0]) - longest :]  # at least one letter of each name is left
    starts = [place for place, letter in enumerate(ending) if letter in _SEPARATORS]
    return ending[starts[0] :] if starts else ""


def _stem(uri: str) -> str:
    return str(PurePosixPath(uri).with_suffix(""))


def _named(uris: Sequence[str]) -> str:
    first = sorted(uris)[:MOST_NAMED]
    return " and ".join(first) + (f" and {len(uris) - MOST_NAMED} more" if len(uris) > MOST_NAMED else "")
