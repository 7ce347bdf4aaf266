"""The pages that a browser gets, their styles and scripts, and the policy under which it may load them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from groundglass import __version__
from groundglass.pages.shared import SHARED, shared_bytes

PACKAGE = "groundglass.web"

OWN = {
    "api.js", "board.css", "board.js", "board_charts.js", "course.js", "decode.js", "decode_worker.js",
    "decoder.js", "display.js", "dom.js", "ends.js", "gestures.js",
    "keys.js", "loader.js", "mark.svg", "page.js", "panel.js", "pick.css", "pick.js",
    "pixels.js", "queue.js", "rate.css", "screens.css",
    "sliders.js", "theme_button.js", "types.js", "view.js", "words.js",
}  # fmt: skip
"""The names of the application's own styles and scripts: a request for any other name finds nothing."""

MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

POLICY = (
    "default-src 'none'; img-src 'self' blob:; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: its own files only, no script or style inside it, no frame around it."""


@dataclass(frozen=True)
class StaticFile:
    """A style or script and its media type."""

    content: bytes
    media: str


@cache
def static_file(name: str) -> StaticFile | None:
    """The file that ``/static/<name>`` answers; None if there is no such file.

    >>> static_file("tokens.css").media, static_file("../screen.py")
    ('text/css; charset=utf-8', None)
    """
    media = MEDIA.get(name.rpartition(".")[2], "")
    if name in SHARED:
        return StaticFile(shared_bytes(name), media)
    if name in OWN:
        return StaticFile(files(PACKAGE).joinpath("static", name).read_bytes(), media)
    return None


def rating_page() -> str:
    """The page on which a rater works; its script asks the server for everything else."""
    return _fill("rate.html.j2")


def board_page() -> str:
    """The page on which the owner of a study follows it."""
    return _fill("board.html.j2")


def pick_page() -> str:
    """The page on which held-out images are picked by eye."""
    return _fill("pick.html.j2")


def message_page(title: str, sentence: str) -> str:
    """A page that says why there is nothing else: an expired link, a revoked one, no link at all."""
    return _fill("message.html.j2", title=title, sentence=sentence)


def _fill(template: str, **context: Any) -> str:
    return _environment().get_template(template).render(version=__version__, **context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(PACKAGE, "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
