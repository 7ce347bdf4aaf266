"""Runs of zero bytes inside coded data: what an interrupted download or a dying card leaves, and no encoder writes.

Arithmetic decoders read zeros as pixels and never complain, so this is the only proof of such damage that there is.
"""

from __future__ import annotations

from groundglass.errors import ImageError

LONGEST = 64
"""Bytes. Measured: see benchmarks/results/mutations.md."""


def refuse(coded: bytes | memoryview, what: str, longest: int = LONGEST) -> None:
    """Raises ImageError: ``truncated`` where a run of ``longest`` zeros or more reaches the end of the coded bytes,
    ``corrupt`` where one lies inside.
    """
    whole = bytes(coded)
    at = whole.find(bytes(longest))
    if at < 0:
        return
    if not whole[at:].strip(b"\0"):
        raise ImageError("truncated", f"{what} ends in {len(whole) - at} zero bytes")
    raise ImageError("corrupt", f"{longest} zero bytes in a row inside {what}")
