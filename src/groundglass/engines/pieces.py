"""The work that is still to be done: ranges of positions in the items, never a copy of them."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Piece:
    """Items `start` to `stop` (excluded), as one worker receives them.

    token    names the files it writes: the same piece done again replaces them
    died     its one item was tried before, and that worker died on it
    hung     its one item was tried before, and that worker hung on it
    deaths   the number of workers that died while they saved it
    careful  its items are done one by one: a worker that looked ahead in it died or overran
    """

    start: int
    stop: int
    died: bool = False
    hung: bool = False
    deaths: int = 0
    careful: bool = False
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __len__(self) -> int:
        return self.stop - self.start


class Pieces:
    """The pieces of ``count`` items, ``size`` each, handed out in order; pieces that came back go first.

    Items on which a worker died or hung wait until the end, so that they are tried when no other worker is busy:
    an image that only needs more memory than one worker's share then has all of it.
    """

    def __init__(self, count: int, size: int) -> None:
        self._count = count
        self._size = size
        self._next = 0
        self._again: deque[Piece] = deque()
        self._suspects: deque[Piece] = deque()

    def take(self, others_at_work: bool) -> Piece | None:
        """The next piece; None if there is none, or none that may be done while others work."""
        if self._again:
            return self._again.popleft()
        if self._next < self._count:
            start, self._next = self._next, min(self._next + self._size, self._count)
            return Piece(start, self._next)
        if self._suspects and not others_at_work:
            return self._suspects.popleft()
        return None

    def again(self, piece: Piece) -> None:
        """Have the same piece done again, before all others."""
        self._again.appendleft(piece)

    def again_after_death_in_saving(self, piece: Piece) -> None:
        """Like `again`, and record that a worker died while it saved this piece."""
        self.again(replace(piece, deaths=piece.deaths + 1))

    def carefully(self, piece: Piece) -> None:
        """Have the whole piece done again, its items one by one."""
        self.again(replace(piece, careful=True))

    def around(self, piece: Piece, at: int) -> None:
        """Have the piece done again without the item at position ``at`` of it."""
        middle = piece.start + at
        rests = (
            Piece(piece.start, middle, careful=piece.careful),
            Piece(middle + 1, piece.stop, careful=piece.careful),
        )
        self._again.extend(rest for rest in rests if len(rest))

    def suspect(self, piece: Piece, at: int, *, died: bool = False, hung: bool = False) -> None:
        """Have the item at ``at`` of the piece tried once more, alone and last; the cause is recorded."""
        start = piece.start + at
        again = Piece(start, start + 1, piece.died or died, piece.hung or hung, careful=True)
        self._suspects.append(again)

    def __bool__(self) -> bool:
        return bool(self._again or self._suspects or self._next < self._count)


def shard_size(items: int, workers: int, most: int) -> int:
    """Items per shard: at most ``most``, fewer if a worker would otherwise get less than four shards.

    >>> shard_size(1_000_000, 8, 32), shard_size(40, 4, 32), shard_size(3, 4, 32)
    (32, 3, 1)
    """
    # Shards take unequal time; with four per worker, no worker idles for long at the end.
    return max(1, min(most, -(-items // (4 * workers))))
