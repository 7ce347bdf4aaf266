"""The writer of votes: what waits is written together, and fails together only if the database fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from groundglass.errors import UnreachableError
from groundglass.studies.writer import Writer
from patience import wait_until


def outcomes(error: Exception) -> tuple[list[int], list[Exception | int]]:
    """The sizes of the transactions, and what a first change and five that wait together get; the third fails."""
    entered, gate, sizes = threading.Event(), threading.Event(), list[int]()

    def transaction(works: Sequence[Callable[[None], Any]]) -> list[Any]:
        entered.set()
        gate.wait()
        sizes.append(len(works))
        return [work(None) for work in works]

    def change(number: int) -> Callable[[None], int]:
        def work(_state: None) -> int:
            if number == 3:
                raise error
            return number

        return work

    def result(writer: Writer[None], number: int) -> Exception | int:
        try:
            return writer.do(change(number))
        except Exception as raised:
            return raised

    writer = Writer[None](transaction)
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(result, writer, 0)]
        entered.wait()
        waiting += [pool.submit(result, writer, number) for number in range(1, 6)]
        wait_until(lambda: writer.waiting == 5, "five changes wait")
        gate.set()
        found = [future.result() for future in waiting]
    writer.close()
    return sizes, found


def test_a_change_that_breaks_a_transaction_fails_alone():
    error = IntegrityError("INSERT", None, Exception("twice"))
    sizes, found = outcomes(error)
    assert found == [0, 1, 2, error, 4, 5]
    assert sizes == [1, 5, 1, 1, 1, 1, 1]


def test_a_database_that_does_not_answer_is_asked_once_for_all_that_wait():
    error = UnreachableError("the database does not answer")
    sizes, found = outcomes(error)
    assert found == [0, *[error] * 5]
    assert sizes == [1, 5]


def test_a_closed_writer_takes_nothing():
    writer = Writer[None](lambda works: [work(None) for work in works])
    assert writer.do(lambda _: 7) == 7
    writer.close()
    with pytest.raises(RuntimeError):
        writer.do(lambda _: 8)
