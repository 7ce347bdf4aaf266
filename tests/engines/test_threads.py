"""Threads that do what mostly waits: all of it, stopped on a wish, and ended by the first fault."""

from __future__ import annotations

import threading
import time

import pytest

from groundglass.kernel.engines.progress import Silent
from groundglass.kernel.engines.shards import Stop, Summary
from groundglass.kernel.engines.threads import run_threads
from groundglass.kernel.errors import Interrupted, UnreachableError
from patience import STOPS_A_HANG


def test_every_item_is_done_once_by_several_threads():
    done: list[int] = []
    names: set[str] = set()

    def work(item: int) -> Summary:
        names.add(threading.current_thread().name)
        time.sleep(0.002)
        done.append(item)
        return Summary(1)

    run_threads(work, range(100), 4, Silent(), Stop())
    assert sorted(done) == list(range(100))
    assert len(names) > 1


def test_nothing_to_do_is_done_at_once():
    run_threads(lambda _: Summary(1), [], 4, Silent(), Stop())


def test_a_wish_to_stop_lets_what_is_under_way_end():
    stop, begun, ended = Stop(), [], []

    def work(item: int) -> Summary:
        begun.append(item)
        if len(begun) == 5:
            stop.ask()
        time.sleep(0.05)
        ended.append(item)
        return Summary(1)

    with pytest.raises(Interrupted):
        run_threads(work, range(1000), 2, Silent(), stop)
    assert sorted(begun) == sorted(ended)
    assert len(ended) < 10


def test_a_second_wish_waits_for_nobody():
    stop, seen, ended = Stop(), threading.Event(), []

    def work(item: int) -> Summary:
        stop.ask()
        stop.ask()
        seen.wait(STOPS_A_HANG)
        ended.append(item)
        return Summary(1)

    with pytest.raises(Interrupted):
        run_threads(work, range(3), 1, Silent(), stop)
    assert ended == []
    seen.set()


def test_the_first_fault_ends_it_and_is_raised():
    def work(item: int) -> Summary:
        if item == 3:
            raise UnreachableError("the server is gone")
        time.sleep(0.01)
        return Summary(1)

    with pytest.raises(UnreachableError, match="the server is gone"):
        run_threads(work, range(1000), 2, Silent(), Stop())
