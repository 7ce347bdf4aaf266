"""Ask the questions of one image in a thread: each reply is saved at once; too many failures in a row stop the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from groundglass.annotators.ask_question import Interview, Readout
from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.annotators.question import JPEG_QUALITY, Inquiry
from groundglass.calls.ledger import BudgetSpent
from groundglass.calls.protocol import Trouble
from groundglass.calls.refusals import is_the_images_own
from groundglass.calls.retry import Asker, Stopped
from groundglass.calls.streak import MOST_ODD, Streak
from groundglass.catalog import Value
from groundglass.engines.shards import Summary
from groundglass.errors import ImageError, NoValue, UnreachableError
from groundglass.image.encode import thumbnail
from groundglass.made_images.makes import makes_of
from groundglass.measures.measure_job import Ask, Photograph, open_photograph, reason_of
from groundglass.tables.measure_store import MeasureStore

if TYPE_CHECKING:
    from groundglass.image.header import ImageLimits


class Questioner:
    """Asks the questions that each image has no answer to. Thread-safe.

    saved  answers written so far
    spent  whether the budget held a question back

    ``readouts`` says how the store's answers to questions for a level were read; new answers are read in the same way,
    because scores of one column must be comparable.
    """

    def __init__(
        self,
        store: Path,
        asks: Sequence[Ask],
        inquiries: Sequence[Inquiry],
        asker: Asker,
        long_edge: int,
        limits: ImageLimits,
        readouts: Mapping[str, Readout] | None = None,
    ) -> None:
        self.saved = 0
        self.spent = False
        self._store = MeasureStore(store)
        self._makes = makes_of(store.parent)
        self._asks, self._inquiries = asks, inquiries
        self._asker, self._long_edge, self._limits = asker, long_edge, limits
        self._interview = Interview(dict(readouts or {}))
        self._answered: set[int] = set()
        self._streak, self._odd = Streak(), Streak(MOST_ODD)

    def one(self, item: Photograph) -> Summary:
        """Ask about all regions of a photograph, with one decode. Raises UnreachableError."""
        failed: Counter[str] = Counter()
        if self.spent:
            return Summary(1, {"budget": 1})
        try:
            self._ask_all(item, failed)
        except BudgetSpent:
            self.spent = True
            failed["budget"] += 1
        except Stopped:
            return Summary(0)
        return Summary(1, dict(failed))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on scores that are read in the less exact way."""
        how_read = "is a number that the model wrote: its first answer came without probabilities of words"
        return tuple(
            f"`{name}` {how_read}" for name, how in self._interview.readouts.items() if how == "number"
        )

    def save_held(self) -> None:
        """Save the failures that are still held back at the end."""
        self._streak.good()

    def _ask_all(self, item: Photograph, failed: Counter[str]) -> None:
        for region, asks in item.wanted:
            try:
                image = self._jpeg(item, region)
            except (ImageError, MemoryError) as error:
                for number in asks:
                    self._save(number, item.sha256, region, {}, reason_of(error))
                failed[reason_of(error)] += 1
                continue
            for number in asks:
                self._ask(number, item.sha256, region, image, failed)

    def _jpeg(self, item: Photograph, region: str) -> bytes:
        """The image in the form that is sent: a JPEG file, never upscaled."""
        rgb = open_photograph(item, self._limits, self._makes).at(region).rgb
        return thumbnail(rgb, self._long_edge, JPEG_QUALITY)

    def _ask(self, number: int, sha256: str, region: str, image: bytes, failed: Counter[str]) -> None:
        facts = {"sha256": sha256, "region": region, "bytes": len(image)}

        def ask(request: Request) -> Reply:
            return self._asker.ask(request, facts)

        try:
            values = self._interview.answer(self._inquiries[number], image, ask)
        except (NoValue, Trouble) as fault:
            self._no_answer(number, sha256, region, fault)
            failed[fault.reason] += 1
            return
        self._answered.add(number)
        self._save(number, sha256, region, values, None)
        self._streak.good()
        self._odd.good()

    def _no_answer(self, number: int, sha256: str, region: str, fault: NoValue | Trouble) -> None:
        """Save a row with the reason: at once if a reply came, else once the server is not at fault."""
        # A wrong key fails for every image: stop now instead of after ten calls.
        if fault.reason == "no_access":
            raise UnreachableError(
                fault.detail, "check the key in the environment, the model's name and base_url"
            )

        def save() -> None:
            reason = self._reason(number, fault)
            self._save(number, sha256, region, {}, f"{reason}: {fault.detail}" if fault.detail else reason)

        came = isinstance(fault, NoValue) or ((fault.charged or fault.within) and not fault.again)
        # A refusal is about this image alone, and a reply that came was paid for: both rows are saved at once.
        if fault.reason == "refused":
            save()
        elif came:
            save()
            self._odd.bad(lambda: None, f"{fault.reason} ({fault.detail})")
        else:
            self._streak.bad(save, f"{fault.reason} ({fault.detail})")

    def _reason(self, number: int, fault: NoValue | Trouble) -> str:
        """The reason for a request that was not accepted.

        If the server answers the same question about other images, it refuses this image. Otherwise, or if the error
        names sizes or limits, the configuration is wrong and the user has to change it.
        """
        own = number in self._answered and is_the_images_own(fault.detail)
        return "refused" if fault.reason == "bad_request" and own else fault.reason

    def _save(
        self, number: int, sha256: str, region: str, values: Mapping[str, Value], error: str | None
    ) -> None:
        """Save one row in its own file: a kill loses no answer that has arrived."""
        schema = self._store.schema(self._inquiries[number].question.columns)
        row = {"sha256": sha256, "region": region, **values, "error": error}
        self._store.add(self._asks[number].key, pa.Table.from_pylist([row], schema))
        self.saved += 1
