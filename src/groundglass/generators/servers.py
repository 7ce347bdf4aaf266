"""Generators behind servers: checked without asking them, and asked in threads, within a budget.

An image is on the disk before its call is closed in the ledger, so a killed run never pays again for what arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from groundglass.calls.access import account, check_address, check_key, key_of
from groundglass.calls.fetch import NotReached, fetch_url
from groundglass.calls.ledger import BudgetSpent
from groundglass.calls.protocol import Trouble, masked
from groundglass.calls.refusals import is_the_images_own
from groundglass.calls.retry import Asker, Stopped
from groundglass.calls.server import Server
from groundglass.calls.streak import MOST_ODD, Streak
from groundglass.engines.shards import Stop, Summary
from groundglass.engines.threads import run_threads
from groundglass.errors import MissingExtra, RecipeError, UnreachableError
from groundglass.extras import is_installed
from groundglass.files.hashes import sha256_of
from groundglass.generators import google_images, openai_images
from groundglass.generators.fault import SettingFault
from groundglass.generators.image_reply import MOST_BYTES, ImageReply, ImageRequest
from groundglass.generators.judge import judge
from groundglass.generators.kind import Checked, GeneratorKind, Work
from groundglass.generators.made import Outcome, Promised, Task
from groundglass.generators.settings import Generator, size_of
from groundglass.text.format import thousands

OF_PIPELINES = {"google": ("size", "steps", "scheduler"), "openai": ("scheduler",)}
"""Settings that a service has no form for."""
_INSTEAD = {"google": "it takes aspect_ratio, image_size, guidance, seed and others of its own", "openai": ""}


def check(generator: Generator) -> Checked:
    """The access to a server, and the settings as far as its protocol knows them. Raises RecipeError."""
    service = generator.service
    if not is_installed("annotate"):
        raise MissingExtra(f"image models of '{service}'", "annotate")
    named = f"{service}:{generator.model}"
    if generator.base_url:
        try:
            check_address(generator.base_url)
        except RecipeError as error:
            raise SettingFault(error.message, error.hint, ("base_url",)) from error
    check_key(service, generator.base_url or "", f"asking {named}")
    for name in OF_PIPELINES[service]:
        if name in generator.settings:
            say = f"image models of `{service}` take no `{name}`"
            raise SettingFault(say, _INSTEAD[service] or f"leave `{name}` out", ("settings", name), name)
    return Checked(f"{named} at {generator.base_url}" if generator.base_url else named)


def open_server(generator: Generator, seconds: float) -> Server[ImageRequest, ImageReply]:
    """The server, ready to be asked; ``seconds`` is the limit of one call."""
    # A server on the user's own machine often needs no key, but the header must hold something.
    base, service = generator.base_url or "", generator.service
    key = key_of(service, base) or "none"
    if service == "google":
        return google_images.google_images(generator.model, base, key, seconds)
    payer = {} if base else account()
    return openai_images.openai_images(generator.model, base or openai_images.HOME, key, seconds, payer)


def make(work: Work) -> None:
    """Ask for the images in threads. Raises Interrupted and UnreachableError; what arrived is saved either way."""
    stop = Stop()
    client = open_server(work.generator, work.timeout)
    painter = Painter(work, Asker(client, work.ledger, stop), client.where)
    try:
        run_threads(painter.one, work.tasks, work.concurrency, work.progress, stop)
    finally:
        painter.save_held()
    work.notes.extend(client.notes)
    if painter.unasked:
        work.notes.append(
            f"{thousands(painter.unasked)} images are missing: the budget is spent; raise it and run again"
        )


class Painter:
    """Asks one server for images, and saves each outcome. Thread-safe."""

    def __init__(self, work: Work, asker: Asker[ImageRequest, ImageReply], where: str) -> None:
        self.unasked = 0
        self._work, self._asker, self._where = work, asker, where
        self._price = work.generator.price or 0.0
        self._answered = False
        self._spent = False
        self._streak, self._odd = Streak(), Streak(MOST_ODD)

    def one(self, task: Task) -> Summary:
        """Ask for one image. Raises UnreachableError."""
        begun = time.monotonic()
        kept: list[Outcome] = []

        def keep(reply: ImageReply) -> None:
            kept.append(self._kept(task, reply, begun))

        facts = {"generator": self._work.name, "image": task.key}
        try:
            if self._fetched_later(task, keep):
                return self._came(kept[0])
            if self._spent:
                raise BudgetSpent
            self._asker.ask(ImageRequest(task.prompt, task.seed, task.settings), facts, keep, self._price)
        except BudgetSpent:
            self._spent = True
            self.unasked += 1
            return Summary(1, {"budget": 1})
        except Stopped:
            return Summary(0)
        except Trouble as trouble:
            return self._failed(task, trouble)
        return self._came(kept[0])

    def _fetched_later(self, task: Task, keep: Callable[[ImageReply], None]) -> bool:
        """Whether an earlier run paid for the image, and it could be fetched now. Raises `NotReached`."""
        promised = self._work.made.promised(self._work.name, task.key)
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

    def _kept(self, task: Task, reply: ImageReply, begun: float) -> Outcome:
        """The outcome of a reply, saved; the reply is on the disk before its image is fetched. Raises Trouble."""
        made, name = self._work.made, self._work.name
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
        content = fetch_url(reply.url, self._where, self._work.timeout, MOST_BYTES)
        fault = None if content else ("no_image", "the file behind its address is empty")
        return replace(reply, content=content, url="", fault=fault)

    def save_held(self) -> None:
        """Save the failures that are still held back at the end."""
        self._streak.good()

    def _outcome(self, task: Task, reply: ImageReply, seconds: float) -> Outcome:
        """The outcome of a reply; its bytes are on the disk then, also if they are not the image that was wanted."""
        if reply.fault is not None:
            reason, detail = reply.fault
            return Outcome(task.key, "", "", reason, detail, reply.revised_prompt, seconds=seconds)
        ending, error, detail = judge(reply.content, size_of(task.settings.get("size")))
        name = self._work.made.keep(self._work.name, task.key, reply.content, ending)
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

    def _failed(self, task: Task, trouble: Trouble) -> Summary:
        """Save a row with the reason: at once if it is about this prompt, else once the server is not at fault."""
        # A wrong key fails for every image: stop now instead of after ten calls.
        if trouble.reason == "no_access":
            hint = "check the key in the environment, the model's name and base_url"
            raise UnreachableError(trouble.detail, hint)

        def save() -> None:
            reason = self._reason(trouble)
            self._work.made.add([Outcome(task.key, error=reason, detail=trouble.detail)])

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
        own = self._answered and not self._work.generator.settings and is_the_images_own(trouble.detail)
        return "refused" if trouble.reason == "bad_request" and own else trouble.reason


OPENAI = GeneratorKind("openai", check, make, paid=True)
GOOGLE = GeneratorKind("google", check, make, paid=True)
