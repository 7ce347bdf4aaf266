"""The progress of a job: bars on a terminal, one line every 30 s elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TextIO

from groundglass.engines.shards import Summary
from groundglass.text.format import duration, rate, reasons, thousands

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

EVERY = 30.0
"""Seconds between two lines if there is no terminal."""
BLINK = 0.1
"""Seconds between two updates of a bar."""
LEAST_BAR = 8
"""The smallest width of a bar, in characters."""
Clock = Callable[[], float]


class Progress(Protocol):
    """The calls that an engine makes while it runs one job."""

    def begin(self, total: int) -> None:
        """``total`` items are to be done."""
        ...

    def add(self, summary: Summary) -> None:
        """A shard was finished and saved."""
        ...

    def tick(self, under_way: int) -> None:
        """Called several times a second; ``under_way`` items are done but not saved yet."""
        ...

    def end(self) -> None:
        """The job has ended, successfully or not."""
        ...


def choose_progress(title: str, quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """The display that fits ``stream`` (stderr by default), for a job called ``title``."""
    stream = stream or sys.stderr
    if quiet or stream is None:
        return Silent()
    return Bars(title, stream) if stream.isatty() else Lines(title, stream)


class Tally:
    """Counts of one job, and the rates computed from them and the clock.

    done     items finished and saved
    failed   number of failed items among them, by reason
    """

    def __init__(self, total: int, clock: Clock = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self.failed: Counter[str] = Counter()
        self._clock = clock
        self._begun = clock()

    def add(self, summary: Summary) -> None:
        """Count a finished shard."""
        self.done += summary.images
        self.failed.update(summary.failed)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._begun

    def per_second(self, under_way: int = 0) -> float:
        """Items per second so far; 0 at the very start."""
        seconds = self.seconds
        return (self.done + under_way) / seconds if seconds > 0 else 0.0

    def remaining(self, under_way: int = 0) -> float | None:
        """Seconds left at this rate; None before the first item is done."""
        speed = self.per_second(under_way)
        return max(0, self.total - self.done - under_way) / speed if speed > 0 else None

    def how_fast(self, under_way: int = 0) -> str:
        """Rate and remaining time in words, e.g. ``412/s · 0:41 left``; empty before the first item is done."""
        remaining = self.remaining(under_way)
        if remaining is None:
            return ""
        return f"{rate(self.per_second(under_way))} · {duration(remaining)} left"


class Silent:
    """Shows nothing."""

    def begin(self, total: int) -> None:
        """Do nothing."""

    def add(self, summary: Summary) -> None:
        """Do nothing."""

    def tick(self, under_way: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class Lines:
    """One plain line every 30 s, for logs. A shorter job writes none."""

    def __init__(
        self, title: str, stream: TextIO, clock: Clock = time.monotonic, every: float = EVERY
    ) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._every = every
        self._tally = Tally(0, clock)
        self._next = clock() + every

    def begin(self, total: int) -> None:
        """Start counting."""
        self._tally = Tally(total, self._clock)
        self._next = self._clock() + self._every

    def add(self, summary: Summary) -> None:
        """Count a shard."""
        self._tally.add(summary)

    def tick(self, under_way: int) -> None:
        """Write a line if it is due."""
        now = self._clock()
        if now >= self._next:
            self._next = now + self._every
            self._stream.write(self._line(under_way) + "\n")
            self._stream.flush()

    def end(self) -> None:
        """Write nothing: the step's own result line follows."""

    def _line(self, under_way: int) -> str:
        tally = self._tally
        failed = reasons(tally.failed)
        parts = (
            f"{self._title}  {thousands(tally.done + under_way)} of {thousands(tally.total)}",
            tally.how_fast(under_way),
            f"failed: {failed}" if failed else "",
        )
        return " · ".join(part for part in parts if part)


class Bars:
    """A bar on a terminal, removed when the job ends; as wide as the terminal if no width is given."""

    def __init__(
        self, title: str, stream: TextIO, clock: Clock = time.monotonic, width: int | None = None
    ) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._width = width
        self._tally = Tally(0, clock)
        self._next = clock()
        self._display: RichProgress | None = None
        self._task: TaskID | None = None

    def begin(self, total: int) -> None:
        """Show the bar."""
        self._tally = Tally(total, self._clock)
        self._display = _display(self._stream, self._width)
        self._task = self._display.add_task(self._title, total=total, count="", failed="")
        self._display.start()

    def add(self, summary: Summary) -> None:
        """Count a shard; the next tick shows it."""
        self._tally.add(summary)

    def tick(self, under_way: int) -> None:
        """Move the bar, several times a second."""
        now = self._clock()
        if self._display is None or self._task is None or now < self._next:
            return
        self._next = now + BLINK
        tally = self._tally
        done = tally.done + under_way
        count = f"{thousands(done)} of {thousands(tally.total)} · {tally.how_fast(under_way)}"
        room = self._display.console.width - len(self._title) - len(count) - LEAST_BAR - 6
        self._display.update(self._task, completed=done, count=count, failed=_failures(tally, room))
        self._display.refresh()

    def end(self) -> None:
        """Remove the bar."""
        if self._display is not None:
            self._display.stop()
            self._display = None


def _failures(tally: Tally, room: int) -> str:
    """The failures by reason if ``room`` characters can hold them, else their number."""
    in_full = reasons(tally.failed)
    total = tally.failed.total()
    return in_full if len(in_full) <= room or not total else f"{thousands(total)} failed"


def _display(stream: TextIO, width: int | None) -> RichProgress:
    """A rich display of one line; the engine's ticks refresh it, so it needs no thread of its own."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    one_line = Column(no_wrap=True)
    bar = Column(ratio=1, min_width=LEAST_BAR)
    return RichProgress(
        TextColumn("  {task.description}", markup=False, table_column=one_line),
        BarColumn(None, "bright_black", "default", "default", "default", table_column=bar),
        TextColumn("{task.fields[count]}", markup=False, table_column=one_line),
        TextColumn("{task.fields[failed]}", style="red", markup=False, table_column=one_line),
        console=Console(file=stream, width=width, emoji=False, highlight=False),
        auto_refresh=False,
        transient=True,
        expand=True,
    )
