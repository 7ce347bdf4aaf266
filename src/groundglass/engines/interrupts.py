"""Ctrl-C and SIGTERM as a request to stop, so that finished work is saved first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

from groundglass.engines.shards import Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_ask(stop: Stop) -> Generator[None]:
    """While the block runs, SIGINT and SIGTERM call ``stop.ask``; the previous handlers are restored after it.

    Does nothing outside the main thread, since Python allows no handlers there, and leaves alone a signal that is
    ignored (`nohup`, background jobs) or handled by code outside Python.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = {which: signal.getsignal(which) for which in SIGNALS} if in_main_thread else {}
    ours = {which: handler for which, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for which in ours:
        signal.signal(which, lambda *_: stop.ask())
    try:
        yield
    finally:
        for which, handler in ours.items():
            signal.signal(which, handler)


@contextmanager
def terminated_as_interrupted() -> Generator[None]:
    """While the block runs, SIGTERM raises KeyboardInterrupt like Ctrl-C, so code that saves on one saves on both."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
