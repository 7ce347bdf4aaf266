"""YAML text as plain values with their places: file, line and column of every key and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from groundglass.recipes.errors import EMPTY, TOO_DEEP, TOO_MANY, Mark, error_at, yaml_problem
from groundglass.recipes.recipe_text import Text

MOST_VALUES = 20_000
"""Values after aliases are unfolded: a few lines of nested aliases could otherwise become billions."""

DEEPEST = 30
"""Levels of nesting; the grammar itself needs eight, and unlimited nesting would exhaust the stack."""

_PREFIX = "tag:yaml.org,2002:"
# Dates stay text: no key of a recipe is a date, and a name that looks like one must not change.
_TEXT_TAGS = ("str", "timestamp", "value")


@dataclass(frozen=True)
class Node:
    """A value of a document and its place.

    value   a scalar, a list of Nodes, or a dict from key to Node
    mark    the start of the value
    keys    for a dict: the place of each key
    """

    value: Any
    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict)

    @property
    def plain(self) -> Any:
        """The value without marks; lists as tuples."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, list):
            return tuple(node.plain for node in self.value)
        return self.value

    def with_entry(self, key: str, mark: Mark, node: Node) -> Node:
        """This mapping with one entry more, or one replaced."""
        return replace(self, value={**self.value, key: node}, keys={**self.keys, key: mark})

    def without(self, key: str) -> Node:
        """This mapping with one entry less."""
        kept = {name: node for name, node in self.value.items() if name != key}
        return replace(self, value=kept, keys={name: self.keys[name] for name in kept})


def parse(source: Text, start: str = "start with `name: faceup` and `steps:`", empty: str = EMPTY) -> Node:
    """The document of a text. Raises RecipeError if it is not valid YAML, or empty: ``start`` says how it begins."""
    reader = YAML(typ="safe", pure=True)
    reader.Composer = _Composer
    try:
        # Composed, not loaded: only nodes keep the marks that errors point at.
        root = reader.compose(source.text)
    except MarkedYAMLError as error:
        raise yaml_problem(_place(source, error), error.problem or "") from None
    except YAMLError as error:
        mark = source.mark(getattr(error, "position", None) or 0)
        raise error_at(mark, "this character is not allowed in YAML", "delete it") from None
    except (ValueError, OverflowError):
        raise yaml_problem(source.mark(0), "") from None
    if root is None:
        raise error_at(source.mark(0), empty, start)
    return _Reader(source).node(root, ())


def _place(source: Text, error: MarkedYAMLError) -> Mark:
    """The start of a fault: the open quote or bracket above, rather than the line at which the reader gives up."""
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return source.mark(0)
    open_above = "block" not in (error.context or "") and "another document" not in (error.problem or "")
    at_end = mark.index >= len(source.text.rstrip())
    above = context is not None and (context.line < mark.line or at_end) and open_above
    return source.mark(min(context.index if context and above else mark.index, len(source.text)))


class _Composer(Composer):
    """Stops at more values, or deeper nesting, than a recipe can have, so that a hostile file ends early."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # it would warn on stderr; YAML says the later anchor holds
        self.values = 0
        self.levels = 0

    def compose_node(self, parent: Any, index: int) -> Any:
        self.values += 1
        self.levels += 1
        if self.values > MOST_VALUES or self.levels > DEEPEST:
            problem = TOO_MANY if self.values > MOST_VALUES else TOO_DEEP
            raise ComposerError(None, None, problem, self.parser.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


class _Reader:
    """Turns composed YAML into Nodes and counts them, so that aliases cannot unfold endlessly."""

    def __init__(self, source: Text) -> None:
        self.source = source
        self.count = 0

    def mark(self, node: YamlNode) -> Mark:
        start, end = node.start_mark.index, node.end_mark.index
        return self.source.mark(start, max(1, end - start) if isinstance(node, ScalarNode) else 1)

    def node(self, node: YamlNode, above: tuple[int, ...]) -> Node:
        self.count += 1
        if id(node) in above:
            self.fail(node, "this alias contains itself", "write the value out")
        if self.count > MOST_VALUES or len(above) > DEEPEST:
            self.fail(
                node, "the aliases here unfold to more values than a recipe can have", "write the values out"
            )
        inside = (*above, id(node))
        if isinstance(node, MappingNode):
            return self.mapping(node, inside)
        if isinstance(node, SequenceNode):
            self.plain_tag(node, "seq")
            return Node([self.node(item, inside) for item in node.value], self.mark(node))
        return Node(self.scalar(node), self.mark(node))

    def mapping(self, node: MappingNode, inside: tuple[int, ...]) -> Node:
        self.plain_tag(node, "map")
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key in keys:
                self.fail(
                    key_node,
                    f"`{key}` appears twice here, first in line {keys[key].line}",
                    "keep one of the two",
                )
            keys[key] = self.mark(key_node)
            values[key] = self.node(value_node, inside)
        return Node(values, self.mark(node), keys)

    def key(self, node: YamlNode) -> str:
        if not isinstance(node, ScalarNode):
            self.fail(node, "a key must be a single word", "write `key: value`")
        if node.tag == _PREFIX + "merge":
            self.fail(
                node, "YAML merge keys (<<) are not part of a recipe", "write the keys out, or use `extends`"
            )
        self.text(node)
        return str(node.value)

    def scalar(self, node: YamlNode) -> Any:
        kind = str(node.tag).removeprefix(_PREFIX)
        text = self.text(node)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind == "int":
            return self.integer(node, text)
        if kind == "float":
            return self.floating(node, text)
        if kind not in _TEXT_TAGS:
            self.fail(
                node, "YAML tags, words that begin with !, are not part of a recipe", "write the plain value"
            )
        return text

    def text(self, node: YamlNode) -> str:
        text = str(node.value)
        if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in text):
            self.fail(
                node, "this text holds a character that cannot be written to a file", "delete its escape"
            )
        return text

    def integer(self, node: YamlNode, text: str) -> int:
        digits = text.replace("_", "").lower()
        try:
            return int(digits, 0) if re.match(r"[-+]?0[xob]", digits) else int(digits)
        except ValueError:
            self.fail(node, "this number is too long", "write a number of fewer digits")

    def floating(self, node: YamlNode, text: str) -> float:
        digits = text.replace("_", "").lower()
        if digits.endswith(".nan"):
            self.fail(node, "a recipe cannot use `.nan`", "write a number")
        try:
            return float(digits.replace(".inf", "inf"))
        except ValueError:
            self.fail(node, f"`{text}` is not a number", "write a number such as 0.5")

    def plain_tag(self, node: YamlNode, kind: str) -> None:
        if node.tag != _PREFIX + kind:
            self.fail(
                node, "YAML tags, words that begin with !, are not part of a recipe", "write the plain value"
            )

    def fail(self, node: YamlNode, message: str, hint: str) -> NoReturn:
        raise error_at(self.mark(node), message, hint)


def walk(node: Node, keys: tuple[str | int, ...]) -> Iterator[tuple[str | int, Mark, Node]]:
    """A path into the document as far as it exists: each key, its place, and the node under it."""
    for key in keys:
        if isinstance(node.value, dict) and key in node.value:
            mark, node = node.keys[str(key)], node.value[key]
        elif isinstance(node.value, list) and isinstance(key, int) and -1 < key < len(node.value):
            node = node.value[key]
            mark = node.mark
        else:
            return
        yield key, mark, node
