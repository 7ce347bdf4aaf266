"""What the displays say, with a clock of our own."""

from __future__ import annotations

import io
import re

import pytest

from groundglass.engines.progress import Bars, Lines, Silent, Tally, choose_progress
from groundglass.engines.shards import Summary


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_tally_counts_and_looks_ahead() -> None:
    clock = Clock()
    tally = Tally(100, clock)
    assert tally.remaining() is None
    assert tally.how_fast() == ""
    clock.now += 5
    tally.add(Summary(20, {"truncated": 2}))
    tally.add(Summary(20, {"truncated": 1, "timeout": 1}))
    assert tally.done == 40
    assert dict(tally.failed) == {"truncated": 3, "timeout": 1}
    assert tally.per_second(under_way=10) == 10
    assert tally.remaining(under_way=10) == 5
    assert tally.how_fast() == "8.0/s · 0:08 left"


def test_lines_come_every_thirty_seconds_and_not_before() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines("measure blockiness", stream, clock)
    lines.begin(12_480)
    for second in range(1, 91):
        clock.now = 1000.0 + second
        lines.add(Summary(40, {"truncated": 1} if second == 40 else {}))
        lines.tick(under_way=5)
    lines.end()
    first, second, third = stream.getvalue().splitlines()
    assert first == "measure blockiness  1,205 of 12,480 · 40/s · 4:41 left"
    assert second == "measure blockiness  2,405 of 12,480 · 40/s · 4:11 left · failed: truncated 1"
    assert third.startswith("measure blockiness  3,605 of 12,480")


def test_a_quick_job_writes_no_line() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines("source photos", stream, clock)
    lines.begin(10)
    lines.add(Summary(10))
    lines.tick(0)
    lines.end()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("width", "failed"), [(80, "49 failed"), (120, "truncated 41 · not an image 8")])
def test_bars_fit_the_width_and_are_gone_at_the_end(width: int, failed: str) -> None:
    clock, stream = Clock(), Terminal()
    bars = Bars("measure blockiness", stream, clock, width)
    bars.begin(12_480)
    clock.now += 10
    bars.add(Summary(4120, {"truncated": 41, "not_an_image": 8}))
    bars.tick(under_way=3)
    shown = _plain(stream.getvalue().split("\r")[-1])
    assert len(shown) == width
    assert re.fullmatch(
        rf"  measure blockiness ━+[╸╺]?━+ 4,123 of 12,480 · 412/s · 0:20 left {failed}", shown
    )
    bars.end()
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K")  # up a line, and wiped


def test_bars_draw_ten_times_a_second_at_most() -> None:
    clock, stream = Clock(), Terminal()
    bars = Bars("x", stream, clock, 80)
    bars.begin(1000)
    for _ in range(1000):
        clock.now += 0.001
        bars.add(Summary(1))
        bars.tick(0)
    drawn = stream.getvalue().count("\r")
    bars.end()
    assert 5 <= drawn <= 11


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_the_display_fits_the_stream() -> None:
    assert isinstance(choose_progress("x", quiet=True, stream=Terminal()), Silent)
    assert isinstance(choose_progress("x", stream=Terminal()), Bars)
    assert isinstance(choose_progress("x", stream=io.StringIO()), Lines)
