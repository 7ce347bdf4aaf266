"""Numbers of a few bits, one after the other, lowest bits first: the headers of JPEG XL."""

from __future__ import annotations


class Bits:
    """Takes numbers from a little-endian bit string.

    >>> bits = Bits(0b1101)
    >>> bits.take(1), bits.take(3)
    (1, 6)
    """

    def __init__(self, value: int) -> None:
        self.value = value

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number; bits past the end are 0."""
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken
