"""The memory that this process and its workers may still take."""

from __future__ import annotations

from pathlib import Path

MEMORY = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def available_memory(meminfo: Path = MEMORY, cgroup: Path = CGROUP) -> int | None:
    """Bytes that are free or can be freed: the smaller of the machine's and the container's; None if unknown.

    >>> (available_memory() or 1) > 0
    True
    """
    known = [number for number in (_of_machine(meminfo), _of_container(cgroup)) if number is not None]
    return min(known, default=None)


def _of_machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _of_container(cgroup: Path) -> int | None:
    """The limit of version 2, or of version 1, minus the memory in use that is not a cache of files."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, used = ((cgroup / name).read_text().strip() for name in (limit, usage))
            stat = ((cgroup / limit).parent / "memory.stat").read_text()
        except OSError:
            continue
        # Version 1 writes "no limit" as a number near 2**63.
        if most.isdigit() and int(most) < 1 << 60:
            given_back = next(
                (int(line.split()[1]) for line in stat.splitlines() if line.startswith(cache)), 0
            )
            return max(0, int(most) - int(used) + given_back)
    return None
