"""Generators behind servers: checked without asking them, and asked in threads, within a budget."""

from __future__ import annotations

from groundglass.calls.access import account, check_address, check_key, key_of
from groundglass.calls.retry import Asker
from groundglass.calls.server import Server
from groundglass.engines.shards import Stop
from groundglass.engines.threads import run_threads
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.generators import google_images, openai_images
from groundglass.generators.fault import SettingFault
from groundglass.generators.image_reply import ImageReply, ImageRequest
from groundglass.generators.kind import Checked, GeneratorKind, Work
from groundglass.generators.painter import Canvas, Painter
from groundglass.generators.settings import Generator
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


def open_server(
    generator: Generator, seconds: float, edits: bool = False
) -> Server[ImageRequest, ImageReply]:
    """The server, ready to be asked; ``seconds`` is the limit of one call. With ``edits`` it is sent images to edit."""
    # A server on the user's own machine often needs no key, but the header must hold something.
    base, service = generator.base_url or "", generator.service
    key = key_of(service, base) or "none"
    if service == "google":
        return google_images.google_images(generator.model, base, key, seconds)
    payer = {} if base else account()
    home = base or openai_images.HOME
    return openai_images.openai_images(generator.model, home, key, seconds, payer, edits)


def make(work: Work) -> None:
    """Ask for the images in threads. Raises Interrupted and UnreachableError; what arrived is saved either way."""
    stop = Stop()
    client = open_server(work.generator, work.timeout)
    canvas = Canvas(work.made, work.name, work.generator.price or 0.0, work.timeout)
    asker = Asker(client, work.ledger, stop)
    painter = Painter(canvas, asker, client.where, has_settings=bool(work.generator.settings))
    try:
        run_threads(painter.one, work.tasks, work.concurrency, work.progress, stop)
    finally:
        painter.save_held()
    work.notes.extend(client.notes)
    if painter.unasked:
        work.notes.append(
            f"{thousands(painter.unasked)} images are missing: the budget is spent; raise it and run again"
        )


OPENAI = GeneratorKind("openai", check, make, paid=True)
GOOGLE = GeneratorKind("google", check, make, paid=True)
