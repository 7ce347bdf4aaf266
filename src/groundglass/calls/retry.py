"""Asks with retries: again after a passing fault, slower if a server is busy, never beyond the budget."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic

from groundglass.calls.ledger import Ledger
from groundglass.calls.protocol import Client, Q, R, Trouble
from groundglass.engines.shards import Stop
from groundglass.notices import notice

BLINK = 0.05
"""Seconds between two checks for a request to stop."""


LONG = 10.0
"""A wait of at least so many seconds is reported to the user."""
MOST_FORMS = 40
"""The most requests for one answer of which the server refuses a setting."""


@dataclass(frozen=True)
class Patience:
    """How often a request is sent, and how long to wait in between.

    attempts  the most requests for one answer
    first     seconds before the second one; each further wait is twice as long
    most      seconds of the longest wait if the server does not ask for one
    longest   seconds of the longest wait that a server may ask for; after a longer one it is not asked again
    """

    attempts: int = 5
    first: float = 1.0
    most: float = 120.0
    longest: float = 3600.0

    def wait(self, attempt: int, asked: float | None, chance: float) -> float:
        """Seconds to wait after ``attempt`` failed requests.

        The wait that the server asks for, plus up to a tenth; else a wait that doubles. ``chance`` (0 to 1) decides
        its second half, so that many threads do not come back at the same moment.

        >>> patience = Patience()
        >>> patience.wait(3, None, 1.0), patience.wait(3, None, 0.0), patience.wait(1, 7.0, 0.0)
        (4.0, 2.0, 7.0)
        """
        if asked is not None:
            return asked * (1 + 0.1 * chance)
        return min(self.first * 2 ** (attempt - 1), self.most) * (0.5 + 0.5 * chance)


class Stopped(Exception):
    """A stop was requested before the answer came."""


class Gate:
    """Holds back the next request: if a server asks to wait, all threads wait."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._lock = Lock()
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Let no thread ask for so many seconds; reports a wait that is much longer than the current one."""
        until = time.monotonic() + seconds
        # The longest wait counts: several threads may have been refused at the same moment.
        with self._lock:
            longer, self._until = until - self._until, max(self._until, until)
        if min(longer, seconds) >= LONG:
            notice(f"the server asks to wait {seconds:.0f} s (until {clock_after(seconds)})")

    def wait(self, seconds: float = 0.0) -> None:
        """Wait for these seconds, and until the gate is open. Raises Stopped."""
        own = time.monotonic() + seconds
        while not self._stop.asked:
            left = max(own, self._until) - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, BLINK))
        raise Stopped


def clock_after(seconds: float) -> str:
    """The time of day here after so many seconds."""
    return f"{datetime.now().astimezone() + timedelta(seconds=seconds):%H:%M}"


class Asker(Generic[Q, R]):
    """A client with retries that records every call. Safe for threads if the client is."""

    def __init__(
        self, client: Client[Q, R], ledger: Ledger, stop: Stop, patience: Patience | None = None
    ) -> None:
        self.client, self.ledger = client, ledger
        self.patience = patience or Patience()
        self.gate = Gate(stop)

    def ask(
        self,
        request: Q,
        facts: Mapping[str, Any],
        keep: Callable[[R], None] | None = None,
        fixed: float = 0.0,
    ) -> R:
        """The answer; ``facts`` are written to the ledger with each call.

        ``keep`` gets the answer before the call is closed in the ledger, so that what was paid for is saved first;
        ``fixed`` is the price of one answer that does not depend on tokens.

        Raises Trouble (after as many attempts as patience allows), BudgetSpent, Stopped, and UnreachableError if
        the ledger cannot be written.
        """
        wait, failed = 0.0, 0
        for attempt in range(1, MOST_FORMS + self.patience.attempts + 1):
            self.gate.wait(wait)
            try:
                return self._once(request, {**facts, "attempt": attempt}, keep, fixed)
            except Trouble as trouble:
                # With a setting left out it is another request, not a repeat.
                failed += not trouble.changed
                if not trouble.again or failed == self.patience.attempts:
                    raise
                if trouble.wait is not None and trouble.wait > self.patience.longest:
                    raise
                wait = self.patience.wait(max(failed, 1), trouble.wait, random.random())
                if trouble.wait:
                    self.gate.hold(wait)
        raise Trouble("bad_request", "the server does not accept the question in any form")

    def _once(
        self, request: Q, facts: Mapping[str, Any], keep: Callable[[R], None] | None, fixed: float
    ) -> R:
        call = self.ledger.open(request.most_tokens, fixed, question=request.name, **facts)
        try:
            reply = self.client.ask(replace(request, call=call))
            if keep is not None:
                keep(reply)
        except Trouble as trouble:
            self.ledger.close(call, trouble.reason, *trouble.tokens, charged=trouble.charged)
            raise
        except Exception:
            self.ledger.close(call, "failed", charged=True)
            raise
        outcome = "refused" if reply.refused else "answered"
        self.ledger.close(call, outcome, reply.tokens_in, reply.tokens_out, charged=True)
        return reply
