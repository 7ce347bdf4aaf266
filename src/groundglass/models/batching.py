"""A network in memory that works in batches: images of one shape together, fewer after memory ran out."""

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
"""A network's values for one image, or the error that prevented them."""


class Batches:
    """A network, and the size of its batches.

    most  images in a batch; halved for the rest of the process whenever memory runs out

    >>> def mean(pixels, about):
    ...     return [{"mean": float(one.mean())} for one in pixels]
    >>> batches = Batches(Scorer(lambda frame: Prepared(frame.rgb), mean))
    >>> batches.answers([Prepared(np.ones((2, 2))), Prepared(np.zeros((2, 2)))])
    [{'mean': 1.0}, {'mean': 0.0}]
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.most = max(1, scorer.batch)

    def answers(self, images: Sequence[Prepared]) -> list[Answer]:
        """One answer for each image of one bucket, in order; raises only errors that end the job."""
        found: list[Answer] = []
        while len(found) < len(images):
            found += self._asked(images[len(found) : len(found) + self.most])
        return found

    def _asked(self, images: Sequence[Prepared]) -> list[Answer]:
        """Ask once; if that fails, ask for each half, so that a bad image does not fail others."""
        try:
            return self._scored(images)
        except Exception as error:
            if _is_lost(error):
                raise GroundglassError(
                    f"the device failed: {_said(error)}", "the same command goes on"
                ) from error
            full = _is_out_of_memory(error)
            if len(images) == 1:
                return [MemoryError(_said(error)) if full else error]
            if full:
                self.most = min(self.most, len(images) // 2)
        _free_memory()
        # Halves, not single images: after a batch that was too large, the rest still runs in batches.
        middle = len(images) // 2
        return self._asked(images[:middle]) + self._asked(images[middle:])

    def _scored(self, images: Sequence[Prepared]) -> list[Answer]:
        pixels = np.stack([image.pixels for image in images])
        values = self.scorer.score(pixels, [image.about for image in images])
        if len(values) != len(images):
            raise ValueError(f"the network gave {len(values)} answers for {len(images)} images")
        return list(values)


def in_order(futures: Iterable[Future[Prepared]], batches: Batches, ahead: int) -> Iterator[Answer]:
    """One answer for each image that is being prepared, in order; images of one bucket share batches.

    ``ahead`` images are being prepared while the network works. An image of a rare bucket waits for others of its
    bucket only while fewer than four batches are waiting behind it, so that memory stays bounded.
    """
    slots: deque[_Slot] = deque()
    buckets: dict[object, list[_Slot]] = {}

    def ask(bucket: object) -> None:
        asked = buckets.pop(bucket)
        for slot, answer in zip(asked, batches.answers([slot.image for slot in asked]), strict=True):
            slot.answer = answer

    for future in _submitted(futures, ahead):
        slot = _Slot(future)
        slots.append(slot)
        if slot.answer is None:
            buckets.setdefault(slot.image.bucket, []).append(slot)
            if len(buckets[slot.image.bucket]) >= batches.most:
                ask(slot.image.bucket)
        # The first image's bucket is not full, but everything behind it waits for its answer: the order is kept.
        if slots[0].answer is None and len(slots) >= 4 * batches.most:
            ask(slots[0].image.bucket)
        yield from _answered(slots)
    for bucket in list(buckets):
        ask(bucket)
    yield from _answered(slots)


class _Slot:
    """An image, and its answer as soon as it is known."""

    def __init__(self, future: Future[Prepared]) -> None:
        error = future.exception()
        self.answer: Answer | None = (
            error if isinstance(error, Exception) or error is None else _wrapped(error)
        )
        if error is None:
            self.image = future.result()


def _wrapped(error: BaseException) -> Exception:
    """A panic of native code, which is not an Exception, as one."""
    return RuntimeError(_said(error))


def _submitted(futures: Iterable[Future[Prepared]], ahead: int) -> Iterator[Future[Prepared]]:
    """The same futures, with ``ahead`` of them taken from the iterable in advance."""
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
    """Whether numpy, torch (on any device) or onnxruntime ran out of memory."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    text = str(error).lower()
    return named or "out of memory" in text or "can't allocate memory" in text or "failed to allocate" in text


def _is_lost(error: Exception) -> bool:
    """Whether the device itself failed: then every later image would fail too."""
    # By name: torch may not be loaded, and its older versions do not have this class.
    return type(error).__name__ == "AcceleratorError" and not _is_out_of_memory(error)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _free_memory() -> None:
    import sys

    # Importing torch takes seconds; if it is not loaded, there is no GPU memory to free.
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
