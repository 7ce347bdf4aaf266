"""Asks one server for images, and saves each outcome, for images made from text and for edited ones.

An image is on the disk before its call is closed in the ledger, so a killed run never pays again for what arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from groundglass.calls.fetch import NotReached, fetch_url
from groundglass.calls.ledger import BudgetSpent
from groundglass.calls.protocol import Trouble, masked
from groundglass.calls.refusals import is_the_images_own
from groundglass.calls.retry import Asker, Stopped
from groundglass.calls.streak import MOST_ODD, Streak
from groundglass.engines.shards import Summary
from groundglass.errors import UnreachableError
from groundglass.files.hashes import sha256_of
from groundglass.generators.image_reply import MOST_BYTES, ImageReply, ImageRequest
from groundglass.generators.made import ImageTask, MadeFolder, Outcome, Promised


@dataclass(frozen=True)
class Canvas:
    """The place of the images, and the cost of one.

    made     the folder of the outcomes
    name     of its folder of files
    price    of one image; 0 if it is not known
    timeout  seconds for one call
    """

    made: MadeFolder
    name: str
    price: float
    timeout: float


class Painter:
    """Asks the server at the address ``where``; ``has_settings`` if the recipe sends settings to it. Thread-safe.

    unasked  images that were not asked for, because the budget is spent
    """

    def __init__(
        self, canvas: Canvas, asker: Asker[ImageRequest, ImageReply], where: str, has_settings: bool
    ) -> None:
        self.unasked = 0
        self._canvas, self._asker, self._where = canvas, asker, where
        self._made, self._name, self._has_settings = canvas.made, canvas.name, has_settings
        self._answered = False
        self._spent = False
        self._streak, self._odd = Streak(), Streak(MOST_ODD)

    def one(self, task: ImageTask) -> Summary:
        """Ask for one image. Raises UnreachableError."""
        begun = time.monotonic()
        kept: list[Outcome] = []

        def keep(reply: ImageReply) -> None:
            kept.append(self._kept(task, reply, begun))

        facts = {"generator": self._name, "image": task.key}
        try:
            if self._fetched_later(task, keep):
                return self._came(kept[0])
            if self._spent:
                raise BudgetSpent
            self._asker.ask(task.request(), facts, keep, self._canvas.price)
        except BudgetSpent:
            self._spent = True
            self.unasked += 1
            return Summary(1, {"budget": 1})
        except Stopped:
            return Summary(0)
        except Trouble as trouble:
            return self._failed(task, trouble)
        return self._came(kept[0])

    def _fetched_later(self, task: ImageTask, keep: Callable[[ImageReply], None]) -> bool:
        """Whether an earlier run paid for the image, and it could be fetched now. Raises `NotReached`."""
        promised = self._made.promised(self._name, task.key)
        if promised is None or not promised.url:
            return False
        try:
            keep(ImageReply(url=promised.url, revised_prompt=promised.revised_prompt))
        except NotReached:
            raise
        # The address is gone, so only the server can make the image again.
        except Trouble:
            return False
        return True

    def _kept(self, task: ImageTask, reply: ImageReply, begun: float) -> Outcome:
        """The outcome of a reply, saved; the reply is on the disk before its image is fetched. Raises Trouble."""
        made, name = self._made, self._name
        promised = Promised(reply.url, reply.revised_prompt)
        # An address that holds the key is not written down.
        if promised != Promised() and masked(reply.url) == reply.url:
            made.promise(name, task.key, promised)
        try:
            whole = self._with_bytes(reply)
        except NotReached:
            raise
        except Trouble:
            made.forget(name, task.key)
            raise
        outcome = self._outcome(task, whole, round(time.monotonic() - begun, 3))
        made.add([outcome])
        made.forget(name, task.key)
        return outcome

    def _with_bytes(self, reply: ImageReply) -> ImageReply:
        """The reply with the bytes behind its address, if it has one. Raises Trouble."""
        if not reply.url:
            return reply
        content = fetch_url(reply.url, self._where, self._canvas.timeout, MOST_BYTES)
        fault = None if content else ("no_image", "the file behind its address is empty")
        return replace(reply, content=content, url="", fault=fault)

    def save_held(self) -> None:
        """Save the failures that are still held back at the end."""
        self._streak.good()

    def _outcome(self, task: ImageTask, reply: ImageReply, seconds: float) -> Outcome:
        """The outcome of a reply; its bytes are on the disk then, also if they are not the image that was wanted."""
        if reply.fault is not None:
            reason, detail = reply.fault
            return Outcome(task.key, "", "", reason, detail, reply.revised_prompt, seconds=seconds)
        ending, error, detail = task.judge(reply.content)
        name = self._made.keep(self._name, task.key, reply.content, ending)
        digest = sha256_of(reply.content)
        return Outcome(task.key, name, digest, error, detail, reply.revised_prompt, seconds=seconds)

    def _came(self, outcome: Outcome) -> Summary:
        """Count a reply that came."""
        self._streak.good()
        if not outcome.error:
            self._answered = True
            self._odd.good()
            return Summary(1)
        if outcome.error != "refused":
            self._odd.bad(lambda: None, f"{outcome.error} ({outcome.detail})")
        return Summary(1, {outcome.error: 1})

    def _failed(self, task: ImageTask, trouble: Trouble) -> Summary:
        """Save a row with the reason: at once if it is about this prompt, else once the server is not at fault."""
        # A wrong key fails for every image: stop now instead of after ten calls.
        if trouble.reason == "no_access":
            hint = "check the key in the environment, the model's name and base_url"
            raise UnreachableError(trouble.detail, hint)

        def save() -> None:
            reason = self._reason(trouble)
            self._made.add([Outcome(task.key, error=reason, detail=trouble.detail)])

        if trouble.reason == "refused":
            save()
        elif (trouble.charged or trouble.within) and not trouble.again:
            save()
            self._odd.bad(lambda: None, f"{trouble.reason} ({trouble.detail})")
        else:
            self._streak.bad(save, f"{trouble.reason} ({trouble.detail})")
        return Summary(1, {trouble.reason: 1})

    def _reason(self, trouble: Trouble) -> str:
        """The reason for a request that was not accepted: the prompt's own if the server accepts other prompts with the
        same settings."""
        own = self._answered and not self._has_settings and is_the_images_own(trouble.detail)
        return "refused" if trouble.reason == "bad_request" and own else trouble.reason
