"""YAML text as plain values that know where they stand: file, line and column of every key and value."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from groundglass.kernel.errors import RecipeError
from groundglass.recipes.explain import Mark, error_at, yaml_problem

MOST_BYTES = 1_000_000
"""A recipe is written by hand; what is longer is some other file."""

MOST_VALUES = 20_000
"""Values after aliases are unfolded: a few lines of nested aliases could otherwise become billions."""

DEEPEST = 30
"""Levels of nesting; the grammar itself needs eight."""

_PREFIX = "tag:yaml.org,2002:"
_TEXT_TAGS = ("str", "timestamp", "value")
_LINE_END = re.compile(r"\r\n|\n|\r")
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Node:
    """A value of a document and where it stands.

    value   a scalar, a list of Nodes, or a dict from key to Node
    mark    where the value begins
    keys    for a dict: where each key stands
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


@dataclass(frozen=True)
class Text:
    """A file's text and where its lines begin; or a part of what was ``typed`` on the command line."""

    file: str
    text: str
    starts: tuple[int, ...]
    typed: str = ""

    def mark(self, index: int, length: int = 1) -> Mark:
        """The place of a character, counted from 0."""
        if self.typed:
            return Mark(self.file, 0, index + 1, self.typed, length)
        line = bisect_right(self.starts, index)
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return Mark(self.file, line, index - start + 1, self.text[start:end].rstrip("\r\n"), length)


def read_text(path: Path) -> Text:
    """A recipe file's text. Raises RecipeError where it is missing, unreadable, too long or not UTF-8."""
    raw = _read_bytes(path)
    if raw[:2] in _BOMS or b"\x00" in raw:
        kind = _BOMS.get(raw[:2], "")
        found = f"{path}: this file is written in {kind}" if kind else f"{path}: this is not a text file"
        raise RecipeError(
            found,
            "save it as UTF-8" if kind else "give the path of a recipe, a text file such as faceup.yaml",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        whole = as_text(str(path), raw.decode("latin-1"))
        raise error_at(
            whole.mark(error.start),
            f"this byte (0x{raw[error.start]:02X}) is not UTF-8",
            "save the file as UTF-8",
        ) from None
    return as_text(str(path), text)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise RecipeError(
                f"{path}: this is a folder, not a recipe", f"name the file in it: {path}/NAME.yaml"
            )
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such file", _beside(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(
            f"{path}: cannot be read: {reason.lower()}", "check the path and its permissions"
        ) from None
    if len(raw) > MOST_BYTES:
        raise RecipeError(
            f"{path}: longer than {MOST_BYTES:,} bytes: this is no recipe", "give the path of a recipe"
        )
    return raw


def _beside(path: Path) -> str:
    """The recipes in the folder where one was not found."""
    try:
        names = sorted(other.name for other in path.parent.glob("*.y*ml"))
    except (OSError, ValueError):
        names = []
    return f"recipes in {path.parent}: {', '.join(names[:8])}" if names else "check the path"


def typed_text(file: str, typed: str, start: int) -> Text:
    """What was typed on the command line from a character on, its columns counted in the whole."""
    return Text(file, " " * start + typed[start:], (0,), typed)


def as_text(file: str, text: str) -> Text:
    """Text whose lines are known; any of the three line ends."""
    return Text(file, text, (0, *(end.end() for end in _LINE_END.finditer(text))))


def parse(source: Text) -> Node:
    """The document of a text. Raises RecipeError where it is not valid YAML, or empty."""
    try:
        root = YAML(typ="safe", pure=True).compose(source.text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = source.mark(min(mark.index, len(source.text))) if mark else source.mark(0)
        raise yaml_problem(at, error.problem or "") from None
    except YAMLError as error:
        raise error_at(
            source.mark(getattr(error, "position", None) or 0),
            "this character cannot stand in YAML",
            "delete it",
        ) from None
    except RecursionError:
        raise error_at(
            source.mark(0), "this is nested too deeply for a recipe", "remove the inner brackets"
        ) from None
    except (ValueError, OverflowError):
        raise error_at(
            source.mark(0), "this is not valid YAML", "check quotes, brackets and indentation"
        ) from None
    if root is None:
        raise error_at(source.mark(0), "this recipe is empty", "start with `name: faceup` and `steps:`")
    return _Reader(source).node(root, ())


class _Reader:
    """Turns composed YAML into Nodes and counts them, so that aliases cannot unfold without end."""

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
                node,
                "these aliases or brackets unfold to far more than a recipe holds",
                "write the values out",
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
                    f"`{key}` stands twice here, first in line {keys[key].line}",
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
            self.fail(node, f"YAML tags ({node.tag}) are not part of a recipe", "write the plain value")
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
            self.fail(node, "`.nan` is no number that a recipe can use", "write a number")
        try:
            return float(digits.replace(".inf", "inf"))
        except ValueError:
            self.fail(node, f"`{text}` is not a number", "write a number such as 0.5")

    def plain_tag(self, node: YamlNode, kind: str) -> None:
        if node.tag != _PREFIX + kind:
            self.fail(node, f"YAML tags ({node.tag}) are not part of a recipe", "write the plain value")

    def fail(self, node: YamlNode, message: str, hint: str) -> NoReturn:
        raise error_at(self.mark(node), message, hint)


def walk(node: Node, keys: tuple[str | int, ...]) -> Iterator[tuple[str | int, Mark, Node]]:
    """A path into the document as far as it exists: each key, where it stands, what is under it."""
    for key in keys:
        if isinstance(node.value, dict) and key in node.value:
            mark, node = node.keys[str(key)], node.value[key]
        elif isinstance(node.value, list) and isinstance(key, int) and -1 < key < len(node.value):
            node = node.value[key]
            mark = node.mark
        else:
            return
        yield key, mark, node
