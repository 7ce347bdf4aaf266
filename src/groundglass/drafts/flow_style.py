"""Values as YAML on one line, for recipes that a command writes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from groundglass.errors import RecipeError
from groundglass.sources.folder import name_as_text

WIDE = 1_000_000
"""A width at which nothing is folded."""
QUOTED = ("where", "if", "expression")
"""Keys whose text is always put in quotes, as people do with expressions."""
WIDTH = 100
"""Characters of a comment's line."""


def flow(value: Any) -> str:
    """A value on one line, in the form in which people write recipes.

    Raises RecipeError for a text that no recipe can hold: a name that is not UTF-8.

    >>> flow({"where": "blockiness < 30"}), flow(["header", "blockiness"]), flow({"folder": "my: photos"})
    ('{where: "blockiness < 30"}', '[header, blockiness]', "{folder: 'my: photos'}")
    """
    writer = YAML()
    writer.default_flow_style = True
    writer.brace_single_entry_mapping_in_flow_sequence = True  # pyright: ignore[reportAttributeAccessIssue]
    writer.width = WIDE
    writer.allow_unicode = True
    out = io.StringIO()
    writer.dump(_quoted(value), out)
    return out.getvalue().strip()


def _quoted(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _quoted(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str):
        refuse_unwritable(value)
        return DoubleQuotedScalarString(value) if key in QUOTED else value
    return value


def refuse_unwritable(text: str) -> None:
    """Raises RecipeError for a text that cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        hint = "rename it, or make a link with another name to it: ln -s"
        raise RecipeError(
            f"the name {name_as_text(text)} is not UTF-8, and a recipe must be UTF-8", hint
        ) from None


def comment(text: str, indent: int = 0, hang: int = 0) -> Iterator[str]:
    """A text as lines of a comment; all but the first are indented by ``hang`` more.

    Line ends and other control characters are shown as escapes: a file name must not end a comment.

    >>> list(comment("two words", indent=2))
    ['  # two words']
    """
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    lines = textwrap.wrap(
        shown,
        WIDTH - indent - 2,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from (f"{' ' * indent}# {line}" for line in lines)
