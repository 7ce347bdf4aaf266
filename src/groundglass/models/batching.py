"""A network in memory that is asked in batches: pictures of one shape together, fewer once memory ran out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice

import numpy as np

from groundglass.catalog import Value
from groundglass.errors import GroundglassError
from groundglass.models.scorer import Prepared, Scorer

Answer = Mapping[str, Value] | Exception
"""What a network says of one picture, or why it says nothing."""


class Batches:
    """A network, and how many pictures it takes at a time.

    most  pictures in a batch; halved for good whenever memory runs out

    >>> def mean(pixels, about):
    ...     return [{"mean": float(one.mean())} for one in pixels]
    >>> batches = Batches(Scorer(lambda frame: Prepared(frame.rgb), mean))
    >>> batches.answers([Prepared(np.ones((2, 2))), Prepared(np.zeros((2, 2)))])
    [{'mean': 1.0}, {'mean': 0.0}]
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.most = max(1, scorer.batch)

    def answers(self, pictures: Sequence[Prepared]) -> list[Answer]:
        """One answer for each picture of one bucket, in order; nothing is raised but what ends the job."""
        found: list[Answer] = []
        while len(found) < len(pictures):
            found += self._asked(pictures[len(found) : len(found) + self.most])
        return found

    def _asked(self, pictures: Sequence[Prepared]) -> list[Answer]:
        """Ask once; where that fails, ask for each half, so that a picture fails for itself alone."""
        try:
            return self._scored(pictures)
        except Exception as error:
            if _is_lost(error):
                raise GroundglassError(
                    f"the device failed: {_said(error)}", "the same command goes on"
                ) from error
            full = _is_out_of_memory(error)
            if len(pictures) == 1:
                return [MemoryError(_said(error)) if full else error]
            if full:
                self.most = min(self.most, len(pictures) // 2)
        _free_memory()
        middle = len(pictures) // 2
        return self._asked(pictures[:middle]) + self._asked(pictures[middle:])

    def _scored(self, pictures: Sequence[Prepared]) -> list[Answer]:
        pixels = np.stack([picture.pixels for picture in pictures])
        values = self.scorer.score(pixels, [picture.about for picture in pictures])
        if len(values) != len(pictures):
            raise ValueError(f"the network gave {len(values)} answers for {len(pictures)} pictures")
        return list(values)


def in_order(futures: Iterable[Future[Prepared]], batches: Batches, ahead: int) -> Iterator[Answer]:
    """One answer for each picture that is being prepared, in order; pictures of one bucket share batches.

    ``ahead`` pictures are being prepared while the network works. A picture of a rare bucket waits for others of its
    kind only while fewer than four batches are waiting behind it.
    """
    slots: deque[_Slot] = deque()
    buckets: dict[object, list[_Slot]] = {}

    def ask(bucket: object) -> None:
        asked = buckets.pop(bucket)
        for slot, answer in zip(asked, batches.answers([slot.picture for slot in asked]), strict=True):
            slot.answer = answer

    for future in _submitted(futures, ahead):
        slot = _Slot(future)
        slots.append(slot)
        if slot.answer is None:
            buckets.setdefault(slot.picture.bucket, []).append(slot)
            if len(buckets[slot.picture.bucket]) >= batches.most:
                ask(slot.picture.bucket)
        if slots[0].answer is None and len(slots) >= 4 * batches.most:
            ask(slots[0].picture.bucket)
        yield from _answered(slots)
    for bucket in list(buckets):
        ask(bucket)
    yield from _answered(slots)


class _Slot:
    """A picture and its answer, once there is one."""

    def __init__(self, future: Future[Prepared]) -> None:
        error = future.exception()
        self.answer: Answer | None = (
            error if isinstance(error, Exception) or error is None else _wrapped(error)
        )
        if error is None:
            self.picture = future.result()


def _wrapped(error: BaseException) -> Exception:
    """A panic of native code, which is no Exception, as one."""
    return RuntimeError(_said(error))


def _submitted(futures: Iterable[Future[Prepared]], ahead: int) -> Iterator[Future[Prepared]]:
    """The same futures, taken from their maker ``ahead`` of time."""
    source = iter(futures)
    waiting = deque(islice(source, ahead))
    while waiting:
        waiting.extend(islice(source, 1))
        yield waiting.popleft()


def _answered(slots: deque[_Slot]) -> Iterator[Answer]:
    while slots and (answer := slots[0].answer) is not None:
        slots.popleft()
        yield answer


def _is_out_of_memory(error: Exception) -> bool:
    """Of numpy, of torch on any device, or of onnxruntime."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    text = str(error).lower()
    return named or "out of memory" in text or "can't allocate memory" in text or "failed to allocate" in text


def _is_lost(error: Exception) -> bool:
    """Whether the device itself is gone: then every picture that follows would fail too."""
    return type(error).__name__ == "AcceleratorError" and not _is_out_of_memory(error)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _free_memory() -> None:
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
