"""The engines that the contract is put to, and a program of its own that runs one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil

from groundglass.engines.run import ENGINES
from patience import STOPS_A_HANG, wait_until

ALL = sorted(ENGINES)
OF_PROCESSES = sorted({*ENGINES} - {"inline"})
"""Those that survive what happens to a worker, and enforce limits: a program cannot outlive itself."""
DRIVER = Path(__file__).with_name("driver.py")
MARK = "GROUNDGLASS_TEST_MARK"


def heeds_control_c() -> None:
    """For a child: Ctrl-C works in it although the tests may run in the background, where it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Driver:
    """A program of its own that runs a job, with every process that it starts marked in its environment."""

    def __init__(self, engine: str, folder: Path, *arguments: str) -> None:
        self.mark = uuid.uuid4().hex
        command = [sys.executable, str(DRIVER), engine, str(folder), *arguments]
        self.popen = subprocess.Popen(
            command,
            env=os.environ | {MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heeds_control_c,
        )

    def family(self) -> list[psutil.Process]:
        """All living processes that this driver started, and itself."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def workers(self) -> list[psutil.Process]:
        """Those of the family that are deepest: the fork server's children."""
        return [
            process for process in self.family() if (parent := process.parent()) and self._is_served(parent)
        ]

    def end(self) -> tuple[int, str]:
        """Wait for it; its exit code and what it said."""
        _, said = self.popen.communicate(timeout=STOPS_A_HANG)
        return self.popen.returncode, said

    def leaves_nobody(self) -> None:
        """Wait until none of the family is alive; one that stays is a failed test."""
        wait_until(lambda: not self.family(), "the end of every process")

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self.mark
        except psutil.Error:
            return False

    def _is_served(self, process: psutil.Process) -> bool:
        try:
            return self._is_ours(process) and "forkserver" in " ".join(process.cmdline()[:4])
        except psutil.Error:
            return False
