"""Libraries that are loaded when they are first used."""

from __future__ import annotations

import sys
import threading

import pytest

from groundglass import libraries
from groundglass.errors import GroundglassError
from groundglass.libraries import njit


def test_one_that_cannot_be_loaded_is_the_machines_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends a job: were it an image's fault, every image would be dropped and the run called done."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(GroundglassError, match="cv2 cannot be loaded") as raised:
        _ = libraries._Later("cv2").resize
    assert raised.value.exit_code == 1
    assert "reinstall cv2" in raised.value.hint


def test_a_kernel_takes_its_arguments_by_name_too_from_the_first_call_on() -> None:
    @njit(nogil=True)
    def less(x: int, y: int) -> int:
        return x - y

    assert less(y=1, x=3) == 2
    assert less(3, y=1) == 2


def test_threads_that_call_a_kernel_at_once_get_the_same() -> None:
    @njit(nogil=True)
    def squared(x: int) -> int:
        return x * x

    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(squared(n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [n * n for n in range(8)]
