"""The style sheets and scripts of a page: next to it, or inside it if the page is a single file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from groundglass.pages.shared import SHARED, shared_bytes

PACKAGE = "groundglass.reports"

REPORT_SCRIPTS = (
    "dom.js", "model.js", "thumbnail.js", "grid.js", "gallery.js", "pair.js", "drawer.js", "threshold.js", "shell.js",
    "page.js",
)  # fmt: skip
"""The report's scripts, each after those that it needs."""

CHANGES_SCRIPTS = (
    "dom.js", "model.js", "thumbnail.js", "grid.js", "gallery.js", "pair.js", "drawer.js", "shell.js", "changes.js",
)  # fmt: skip
"""The scripts of the page of two runs."""

STYLES = (("", "tokens.css"), ("", "report.css"), ("", "gallery.css"), ("print", "print.css"))
"""Medium and name of the style sheets."""

_BESIDE = "default-src 'none'; img-src 'self' file: data:; script-src 'self' file:; style-src 'self' file:"


@dataclass(frozen=True)
class Parts:
    """The parts of a page that the templates `_head` and `_foot` write.

    policy   the page's Content-Security-Policy: it may load its own parts and nothing else
    scripts  names of the scripts next to the page
    inline   whether everything is inside the page instead; then:
    theme    the script that runs before anything is drawn
    styles   medium and text of the style sheets
    sheets   sprite sheets as base64
    texts    the other scripts
    """

    policy: str
    scripts: Sequence[str] = ()
    inline: bool = False
    theme: str = ""
    styles: Sequence[tuple[str, str]] = ()
    sheets: Sequence[str] = ()
    texts: Sequence[str] = ()


def parts_beside(scripts: Sequence[str]) -> Parts:
    """The parts of a page with its files next to it."""
    return Parts(_BESIDE, scripts)


def parts_inside(
    scripts: Sequence[str],
    data: str = "",
    sheets: Sequence[bytes] = (),
    styles: Sequence[tuple[str, str]] = STYLES,
) -> Parts:
    """The parts of a page that is one file; its policy names the hash of every script and style in it.

    ``styles`` are the medium and the name of its style sheets.
    """
    theme, texts = static_text("theme.js"), [*filter(None, [data]), *map(static_text, scripts)]
    found = [(medium, static_text(name)) for medium, name in styles]
    policy = (
        f"default-src 'none'; img-src blob: data:; script-src {_hashes([theme, *texts])}; "
        f"style-src {_hashes([text for _, text in found])}"
    )
    encoded = [base64.b64encode(sheet).decode("ascii") for sheet in sheets]
    return Parts(policy, (), True, theme, found, encoded, texts)


def parts_of(styles: Sequence[str], scripts: Sequence[str], data: str) -> Parts:
    """The parts of a page that is one file, with these style sheets and scripts."""
    theme, texts = static_text("theme.js"), [data, *map(static_text, scripts)]
    sheets = [("", static_text(name)) for name in styles]
    policy = (
        f"default-src 'none'; img-src data:; script-src {_hashes([theme, *texts])}; "
        f"style-src {_hashes([text for _, text in sheets])}"
    )
    return Parts(policy, (), True, theme, sheets, (), texts)


def static_names(scripts: Sequence[str]) -> list[str]:
    """The names of the files next to a page with these scripts."""
    return ["theme.js", *scripts, *(name for _, name in STYLES)]


def static_bytes(name: str) -> bytes:
    """A style sheet or script, the report's own or one that all pages share."""
    if name in SHARED:
        return shared_bytes(name)
    return files(PACKAGE).joinpath("static", name).read_bytes()


def static_text(name: str) -> str:
    """A style sheet or script as text."""
    return static_bytes(name).decode("utf-8")


def _hashes(texts: Sequence[str]) -> str:
    # The page allows exactly these scripts, so that markup in a file name could not run another one.
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
