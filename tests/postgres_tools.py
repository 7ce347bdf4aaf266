"""A PostgreSQL cluster for tests, made of Debian's package in a temporary folder and thrown away after them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

from patience import STOPS_A_HANG

USER = "postgres"
"""PostgreSQL refuses to run as root, so root runs it as the user of Debian's package."""


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, of the newest version; None if PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def why_not() -> str | None:
    """Why no cluster can be started here; None if one can."""
    if programs() is None:
        return "needs PostgreSQL: apt-get install postgresql"
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            return "root needs setpriv to run PostgreSQL"
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"root needs the user {USER} to run PostgreSQL"
    return None


@contextlib.contextmanager
def cluster() -> Generator[str]:
    """The URL of a fresh cluster's database, while it runs."""
    bin = programs()
    assert bin is not None
    folder = Path(tempfile.mkdtemp(prefix="groundglass-postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
        prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    port = _free_port()
    data, log = str(folder / "data"), str(folder / "log")
    options = f"-h 127.0.0.1 -p {port} -k {folder}"
    try:
        _run(
            [*prefix, str(bin / "initdb"), "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C"]
        )
        _run([*prefix, str(bin / "pg_ctl"), "-D", data, "-l", log, "-w", "-o", options, "start"])
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/{USER}"
        finally:
            _run([*prefix, str(bin / "pg_ctl"), "-D", data, "-w", "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    # From /, since the user of PostgreSQL may not enter the working folder.
    done = subprocess.run(
        command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=STOPS_A_HANG, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]
