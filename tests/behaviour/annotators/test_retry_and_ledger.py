"""Budgets hold whatever threads do, waits are as the server asks, and a torn ledger is still read."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.calls import retry
from groundglass.calls.ledger import Budget, BudgetSpent, Ledger, Price, read_lines
from groundglass.calls.protocol import Trouble
from groundglass.calls.refusals import read_failure, trouble_of
from groundglass.calls.retry import Asker, Patience, Stopped
from groundglass.engines.shards import Stop
from patience import STOPS_A_HANG

REQUEST = Request("", "what?", b"", "caption", most_tokens=100)


class Clock:
    """Stands in for `time`: it stands still but while someone sleeps, and sleeping takes none of ours.

    at_a_nap   called at every nap
    naps       how often anyone slept
    """

    def __init__(self, at_a_nap: Callable[[], None] = lambda: None) -> None:
        self.now, self.naps, self.at_a_nap = 1000.0, 0, at_a_nap

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now, self.naps = self.now + seconds, self.naps + 1
        self.at_a_nap()


class Scripted:
    """A client that does one thing after another, then answers; ``times`` are those of its calls, by its clock."""

    concurrent = True

    def __init__(self, *script: Exception, clock: Clock | None = None) -> None:
        self.script = list(script)
        self.clock = clock or Clock()
        self.times: list[float] = []

    def ask(self, request: Request) -> Reply:
        assert request.call, "every call is known by something"
        self.times.append(self.clock.monotonic())
        if self.script:
            raise self.script.pop(0)
        return Reply("yes", 1000, 10)


def asker(folder: Path, client: Scripted, stop: Stop | None = None, **budget: float) -> Asker:
    ledger = Ledger(folder / "calls.jsonl", Price(1.0, 1.0), Budget(**budget))  # pyright: ignore[reportArgumentType]
    return Asker(client, ledger, stop or Stop(), Patience(attempts=4, first=0.02))


def busy(wait: float | None = None) -> Trouble:
    return Trouble("server_error", "429", again=True, wait=wait)


def test_what_may_pass_is_asked_again_and_every_call_is_on_record(tmp_path: Path):
    one = asker(tmp_path, Scripted(busy(), busy()))
    assert one.ask(REQUEST, {}).text == "yes"
    outcomes = [line["outcome"] for line in read_lines(one.ledger.path) if line["event"] == "ended"]
    assert outcomes == ["server_error", "server_error", "answered"]
    assert one.ledger.spent.calls == 3


def test_patience_ends(tmp_path: Path):
    client = Scripted(*[busy()] * 9)
    with pytest.raises(Trouble):
        asker(tmp_path, client).ask(REQUEST, {})
    assert len(client.times) == 4


def test_what_cannot_pass_is_asked_once(tmp_path: Path):
    client = Scripted(Trouble("no_access", "401"))
    with pytest.raises(Trouble):
        asker(tmp_path, client).ask(REQUEST, {})
    assert len(client.times) == 1


def test_a_server_that_asks_for_a_pause_gets_it_from_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock, waits, others_asked = Clock(), threading.Event(), threading.Event()
    monkeypatch.setattr(retry, "time", clock)
    client = Scripted(busy(wait=40), clock=clock)
    one = asker(tmp_path, client)
    told = threading.Thread(target=one.ask, args=(REQUEST, {}))

    def nap() -> None:
        if threading.current_thread() is told:  # it sleeps on until the others were there
            waits.set()
            others_asked.wait(STOPS_A_HANG)

    clock.at_a_nap = nap
    told.start()
    assert waits.wait(STOPS_A_HANG)
    one.ask(REQUEST, {})
    one.ask(REQUEST, {})
    others_asked.set()
    told.join()
    first, *others = client.times
    assert len(others) == 3
    assert min(others) >= first + 40


def test_a_long_wait_is_said_once_with_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    monkeypatch.setattr(retry, "notice", said.append)
    monkeypatch.setattr(retry, "clock_after", lambda seconds: f"12:00 + {seconds:.0f} s")
    client = Scripted(busy(wait=1), busy(wait=120), clock=clock)
    asker(tmp_path, client).ask(REQUEST, {})
    assert len(said) == 1
    assert re.fullmatch(r"the server asks to wait (1[23]\d) s \(until 12:00 \+ \1 s\)", said[0])
    gate = retry.Gate(Stop())
    for seconds in (100, 102, 99):  # as many threads are told it at about the same time
        gate.hold(seconds)
    assert len(said) == 2


def test_the_time_of_day_after_a_wait_is_given_in_hours_and_minutes():
    assert re.fullmatch(r"\d\d:\d\d", retry.clock_after(120))


def test_a_server_that_asks_for_no_wait_at_all_is_asked_slower_all_the_same():
    for said in ("0", "Fri, 31 Dec 1999 23:59:59 GMT", "soon"):
        assert trouble_of(read_failure(429, {"retry-after": said}, b""), "here").wait is None


def test_a_wish_to_stop_ends_a_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stop = Stop()
    clock = Clock(at_a_nap=stop.ask)
    monkeypatch.setattr(retry, "time", clock)
    with pytest.raises(Stopped):
        asker(tmp_path, Scripted(busy(wait=30), clock=clock), stop).ask(REQUEST, {})
    assert clock.naps == 1


@pytest.mark.parametrize("seed", range(3))
def test_money_never_runs_over_whatever_threads_do(tmp_path: Path, seed: int):
    prices = np.random.default_rng(seed).integers(900, 1100, 4000).tolist()
    ledger = Ledger(tmp_path / "calls.jsonl", Price(1.0, 1.0), Budget(money=0.1))

    def spend() -> None:
        while True:
            try:
                call = ledger.open(100)
            except BudgetSpent:
                return
            ledger.close(call, "answered", prices.pop(), 50)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.09 < ledger.spent.cost <= 0.1, "the budget is used up, and not exceeded"
    assert sum(line.get("cost", 0) for line in read_lines(ledger.path)) == pytest.approx(ledger.spent.cost)


def test_calls_never_run_over(tmp_path: Path):
    one = asker(tmp_path, Scripted(busy(), busy()), calls=4)
    one.ask(REQUEST, {})
    one.ask(REQUEST, {})
    with pytest.raises(BudgetSpent):
        one.ask(REQUEST, {})


def test_after_a_kill_the_call_that_was_cut_short_counts_as_dear(tmp_path: Path):
    path = tmp_path / "calls.jsonl"
    first = Ledger(path, Price(1.0, 1.0), Budget())
    first.close(first.open(100), "answered", 1000, 10)
    first.open(100)
    with path.open("a") as file:
        file.write('\n{"call": "torn", "ev')
    again = Ledger(path, Price(1.0, 1.0), Budget())
    assert (again.spent.calls, again.spent.unanswered) == (2, 1)
    assert again.spent.cost == pytest.approx((1000 + 10 + 1250 + 100) / 1e6)
    again.close(again.open(100), "answered", 1000, 10)
    assert Ledger(path, Price(1.0, 1.0), Budget()).spent.calls == 3


@pytest.mark.parametrize("line", ['{"call": 3}', '{"event": "ended"}', '{"call": "x", "event": "sent"}', "[" * 9000,
    '{"call": "x", "event": "ended", "tokens_in": "many", "tokens_out": 1, "cost": 0}', "\xff", "[1]"])  # fmt: skip
def test_a_line_that_a_disk_changed_is_passed_over(tmp_path: Path, line: str):
    path = tmp_path / "calls.jsonl"
    first = Ledger(path, Price(1.0, 1.0), Budget())
    first.close(first.open(100), "answered", 1000, 10)
    with path.open("ab") as file:
        file.write(b"\n" + line.encode("latin-1"))
    assert Ledger(path, Price(1.0, 1.0), Budget()).spent == first.spent


def test_a_failure_that_may_cost_is_charged_and_one_that_cannot_is_not(tmp_path: Path):
    ledger = Ledger(tmp_path / "calls.jsonl", Price(1.0, 0.0), Budget())
    ledger.close(ledger.open(0), "server_error")
    assert ledger.spent.cost == 0
    ledger.close(ledger.open(0), "timeout", charged=True)
    assert ledger.spent.cost == pytest.approx(0.03)
