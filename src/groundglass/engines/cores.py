"""The number of cores that this process may really use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")


def cores(cgroups: Path = CGROUPS) -> int:
    """Cores that this process may run on: the smaller of its affinity and its container's share, at least 1."""
    share = min((share for folder in _folders(cgroups) for share in _shares(folder)), default=None)
    # A container may grant less CPU time than there are cores; more workers than that only take turns.
    return _affinity() if share is None else max(1, min(_affinity(), int(share + 0.5)))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _folders(cgroups: Path) -> Iterator[Path]:
    """The folders of this process's cgroup and of all above it, for version 2 and version 1's `cpu` controller."""
    yield from (cgroups, cgroups / "cpu")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers and "cpu" not in controllers.split(","):
            continue
        own = PurePosixPath(path.lstrip("/"))
        top = cgroups / "cpu" if controllers else cgroups
        yield from (top / step for step in (own, *own.parents))


def _shares(folder: Path) -> Iterator[float]:
    """Cores granted by this folder's quota, in microseconds of each period: none, or one number."""
    # Version 2 of cgroups writes "max 100000" or "150000 100000".
    words = _words(folder / "cpu.max")
    words = words or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(words) == 2 and words[0] not in ("max", "-1") and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
