"""The cost of calls to a model: a line before and after each call, and a budget that stops them.

A line is written to disk before its call is sent, so that the ledger has every call that a server may have counted,
also after a kill. A call that was sent and never answered is charged with the amount that was reserved for it.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Any

from groundglass.errors import cannot_write
from groundglass.files.atomic import write_all

FIRST_GUESS = 30_000
"""Tokens reserved for a call until an answer shows the cost of an image: more than any known model takes."""
ROUNDING = 1e-9
"""Money by which a sum of prices may seem to exceed the budget: 100 times 0.04 is a little more than 4."""
MARGIN = 1.25
"""Later calls reserve the largest count seen so far times this."""


@dataclass(frozen=True)
class Price:
    """The price of a million tokens, in any currency; None if it is not known."""

    input: float | None = None
    output: float | None = None

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """The price of a call; 0 if prices are not known.

        >>> Price(2.0, 10.0).of(1000, 100)
        0.003
        """
        return (tokens_in * (self.input or 0) + tokens_out * (self.output or 0)) / 1e6


@dataclass(frozen=True)
class Budget:
    """The most that may be spent: requests (repeats count), and money in the currency of the price."""

    calls: int | None = None
    money: float | None = None


class BudgetSpent(Exception):
    """The next call could exceed the budget."""


@dataclass(frozen=True)
class Spent:
    """A ledger's sums.

    calls       requests sent
    unanswered  those of them that a kill cut short: their outcome is unknown
    cost        of all calls that ended, including the amounts reserved for calls whose tokens are not known
    """

    calls: int = 0
    unanswered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0


class Ledger:
    """A JSONL file of calls. Safe for threads.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> ledger = Ledger(Path(folder.name) / "calls.jsonl", Price(1.0, 1.0), Budget(calls=1))
    >>> call = ledger.open(most_tokens=10, question="caption")
    >>> ledger.close(call, "answered", 900, 100)
    >>> ledger.spent.tokens_in, ledger.spent.cost
    (900, 0.001)
    >>> ledger.open(most_tokens=10)
    Traceback (most recent call last):
    groundglass.calls.ledger.BudgetSpent: the budget of 1 calls is spent
    >>> folder.cleanup()
    """

    def __init__(self, path: Path, price: Price, budget: Budget) -> None:
        self.path, self.price, self.budget = path, price, budget
        self._lock = Condition()
        self._open: dict[str, float] = {}
        self._calls = self._in = self._out = self._largest = 0
        self._cost = 0.0
        for line in read_lines(path):
            self._count(line)
        self._unanswered = len(self._open)
        # Calls without an end may have been charged: they count with their reserve.
        self._cost += sum(self._open.values())
        self._open.clear()

    @property
    def spent(self) -> Spent:
        """The sums so far, earlier attempts at the same run included."""
        with self._lock:
            return Spent(self._calls, self._unanswered, self._in, self._out, self._cost)

    def open(self, most_tokens: int, fixed: float = 0.0, **facts: Any) -> str:
        """Record a call before it is sent; returns its id. ``fixed`` is the part of its price that is known before.

        If the budget is too small now, it waits for calls under way, which may turn out cheaper than their reserve.
        Raises BudgetSpent if the call could exceed the budget, UnreachableError if the line cannot be written.
        """
        with self._lock:
            while self._too_much(most_tokens, fixed) and self._open:
                self._lock.wait(1.0)
            self._hold_back(most_tokens, fixed)
            reserved = self._reserve(most_tokens) + fixed
            call = uuid.uuid4().hex
            self._write({"call": call, "event": "sent", "reserved": round(reserved, 9), **facts})
        return call

    def close(
        self,
        call: str,
        outcome: str,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        charged: bool = False,
    ) -> None:
        """Record how a call ended; ``charged`` if it may cost money although its tokens are not known."""
        with self._lock:
            cost = self.price.of(tokens_in or 0, tokens_out or 0)
            if charged and (tokens_in is None or tokens_out is None):
                cost = max(cost, self._open[call])
            counts = {"tokens_in": tokens_in, "tokens_out": tokens_out, "cost": round(cost, 9)}
            self._write({"call": call, "event": "ended", "outcome": outcome, **counts})
            self._lock.notify_all()

    def _reserve(self, most_tokens: int) -> float:
        """The most that a call may cost, judged by the most expensive one so far."""
        # Images have different sizes, so the next call may cost more than all before.
        tokens = round(self._largest * MARGIN) if self._largest else FIRST_GUESS
        return self.price.of(tokens, most_tokens)

    def _too_much(self, most_tokens: int, fixed: float) -> bool:
        under_way = sum(self._open.values())
        limit = self.budget.money
        return (
            limit is not None
            and self._cost + under_way + self._reserve(most_tokens) + fixed > limit + ROUNDING
        )

    def _hold_back(self, most_tokens: int, fixed: float) -> None:
        calls, money = self.budget.calls, self.budget.money
        if calls is not None and self._calls >= calls:
            raise BudgetSpent(f"the budget of {calls:,} calls is spent")
        if self._too_much(most_tokens, fixed):
            raise BudgetSpent(f"the next call could exceed the budget of {money:g}")

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                # One write with O_APPEND: a kill can cut a line short, but never mix it with another.
                write_all(handle, ("\n" + json.dumps({"time": round(time.time(), 3), **line})).encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._count(line)

    def _count(self, line: Mapping[str, Any]) -> None:
        if line["event"] == "sent":
            self._calls += 1
            self._open[line["call"]] = line["reserved"]
            return
        self._open.pop(line["call"], None)
        self._in += line["tokens_in"] or 0
        self._out += line["tokens_out"] or 0
        self._largest = max(self._largest, line["tokens_in"] or 0)
        self._cost += line["cost"]


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger, in order; nothing if there is no file.

    Every line is written with its line break first, so a line that a kill cut short does not damage the next one. It
    is skipped here, and so is a line that the disk changed.
    """
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and _is_sound(line):
            yield line


def _is_sound(line: Mapping[str, Any]) -> bool:
    """Whether a line has all values of a call that are counted."""
    if not isinstance(line.get("call"), str):
        return False
    if line.get("event") == "sent":
        return _is_number(line.get("reserved"))
    tokens = (line.get("tokens_in"), line.get("tokens_out"))
    counted = all(one is None or isinstance(one, int) for one in tokens)
    return line.get("event") == "ended" and counted and _is_number(line.get("cost"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
