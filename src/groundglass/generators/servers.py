"""Generators behind servers: checked without asking them, and asked in threads, within a budget.

An image is on the disk before its call is closed in the ledger, so a killed run never pays again for what arrived.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

from groundglass.calls.access import account, check_address, check_key, key_of
from groundglass.calls.fetch import fetch_url
from groundglass.calls.ledger import BudgetSpent
from groundglass.calls.protocol import Trouble
from groundglass.calls.refusals import is_the_images_own
from groundglass.calls.retry import Asker, Stopped
from groundglass.calls.streak import MOST_ODD, Streak
from groundglass.engines.shards import Stop, Summary
from groundglass.engines.threads import run_threads
from groundglass.errors import ImageError, MissingExtra, RecipeError, UnreachableError
from groundglass.extras import is_installed
from groundglass.files.hashes import sha256_of
from groundglass.generators import google_images, openai_images
from groundglass.generators.fault import SettingFault
from groundglass.generators.image_reply import MOST_BYTES, ImageReply, ImageRequest
from groundglass.generators.kind import Checked, GeneratorKind, Work
from groundglass.generators.made import Outcome, Task
from groundglass.generators.settings import Generator, size_of
from groundglass.image.header import read_header
from groundglass.text.format import thousands

OF_PIPELINES = {"google": ("size", "steps", "scheduler"), "openai": ("scheduler",)}
"""Settings that a service has no form for."""
_INSTEAD = {"google": "it takes aspect_ratio, image_size, guidance, seed and others of its own", "openai": ""}


class ImageClient(Protocol):
    """A server that makes images."""

    where: str

    @property
    def notes(self) -> tuple[str, ...]: ...

    def ask(self, request: ImageRequest) -> ImageReply: ...


class WithFiles:
    """A server that may reply with the address of an image: it is fetched before the call counts as answered."""

    concurrent = True

    def __init__(self, server: ImageClient, seconds: float) -> None:
        self._server, self._seconds = server, seconds

    @property
    def notes(self) -> tuple[str, ...]:
        return self._server.notes

    def ask(self, request: ImageRequest) -> ImageReply:
        """The reply, with its bytes. Raises Trouble."""
        reply = self._server.ask(request)
        if not reply.url:
            return reply
        content = fetch_url(reply.url, self._server.where, self._seconds, MOST_BYTES)
        fault = None if content else ("no_image", "the file behind its address is empty")
        return replace(reply, content=content, url="", fault=fault)


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


def open_server(generator: Generator, seconds: float) -> WithFiles:
    """The server, ready to be asked; ``seconds`` is the limit of one call."""
    # A server on the user's own machine often needs no key, but the header must hold something.
    base, service = generator.base_url or "", generator.service
    key = key_of(service, base) or "none"
    if service == "google":
        return WithFiles(google_images.google_images(generator.model, base, key, seconds), seconds)
    payer = {} if base else account()
    return WithFiles(
        openai_images.openai_images(generator.model, base or openai_images.HOME, key, seconds, payer), seconds
    )


def make(work: Work) -> None:
    """Ask for the images in threads. Raises Interrupted and UnreachableError; what arrived is saved either way."""
    stop = Stop()
    client = open_server(work.generator, work.timeout)
    painter = Painter(work, Asker(client, work.ledger, stop))
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

    def __init__(self, work: Work, asker: Asker[ImageRequest, ImageReply]) -> None:
        self.unasked = 0
        self._work, self._asker = work, asker
        self._price = work.generator.price or 0.0
        self._answered = False
        self._spent = False
        self._streak, self._odd = Streak(), Streak(MOST_ODD)

    def one(self, task: Task) -> Summary:
        """Ask for one image. Raises UnreachableError."""
        if self._spent:
            self.unasked += 1
            return Summary(1, {"budget": 1})
        begun = time.monotonic()
        kept: list[Outcome] = []

        def keep(reply: ImageReply) -> None:
            outcome = self._outcome(task, reply, round(time.monotonic() - begun, 3))
            self._work.made.add([outcome])
            kept.append(outcome)

        request = ImageRequest(task.prompt, task.seed, task.settings)
        facts = {"generator": self._work.name, "image": task.key}
        try:
            self._asker.ask(request, facts, keep, self._price)
        except BudgetSpent:
            self._spent = True
            self.unasked += 1
            return Summary(1, {"budget": 1})
        except Stopped:
            return Summary(0)
        except Trouble as trouble:
            return self._failed(task, trouble)
        return self._came(kept[0])

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


def judge(content: bytes, wanted: tuple[int, int] | None) -> tuple[str, str, str]:
    """The ending that fits the bytes, whatever the server calls them; and why they are not the image that was wanted.

    >>> judge(b"<html>", (64, 64))[:2]
    ('.bin', 'not_an_image')
    """
    try:
        header = read_header(content)
    except ImageError as error:
        return ".bin", error.reason, error.detail
    ending = ".jpg" if header.format == "JPEG" else f".{header.format.lower()}"
    if wanted is not None and (header.width, header.height) != wanted:
        return ending, "wrong_size", f"{header.width}x{header.height} instead of {wanted[0]}x{wanted[1]}"
    return ending, "", ""


OPENAI = GeneratorKind("openai", check, make, paid=True)
GOOGLE = GeneratorKind("google", check, make, paid=True)
