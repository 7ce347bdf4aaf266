"""Failures in a row stop the asking and are not held against the pictures; an answer in between frees them."""

from __future__ import annotations

import pytest

from groundglass.calls.streak import Streak
from groundglass.errors import UnreachableError


def test_a_streak_that_ends_well_is_saved():
    saved: list[int] = []
    streak = Streak(most=3)
    streak.bad(lambda: saved.append(1), "malformed")
    streak.bad(lambda: saved.append(2), "malformed")
    assert saved == []
    streak.good()
    assert saved == [1, 2]
    streak.bad(lambda: saved.append(3), "malformed")
    streak.bad(lambda: saved.append(4), "malformed")
    assert saved == [1, 2], "an answer in between begins the count anew"


def test_too_many_in_a_row_stop_it_and_none_is_saved():
    saved: list[int] = []
    streak = Streak(most=3)
    streak.bad(lambda: saved.append(1), "timeout")
    streak.bad(lambda: saved.append(2), "timeout")
    with pytest.raises(UnreachableError, match="3 calls in a row brought no answer, the last one: timeout"):
        streak.bad(lambda: saved.append(3), "timeout")
    streak.good()
    assert saved == []


def test_a_failure_that_another_thread_reports_after_the_stop_is_not_saved():
    saved: list[int] = []
    streak = Streak(most=2)
    streak.bad(lambda: saved.append(1), "error")
    with pytest.raises(UnreachableError):
        streak.bad(lambda: saved.append(2), "error")
    streak.bad(lambda: saved.append(3), "error")
    streak.good()
    assert saved == []
