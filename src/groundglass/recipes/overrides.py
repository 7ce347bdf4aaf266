"""`--set steps.tiles.transform.tile=128`: one value of a document replaced from the command line."""

from __future__ import annotations

from dataclasses import replace

from groundglass.kernel.errors import RecipeError
from groundglass.recipes.document import Node, parse
from groundglass.recipes.explain import Mark, choose, error_at, quoted
from groundglass.recipes.source_text import typed_text
from groundglass.recipes.surface import TOP_KEYS, named_steps

WHERE = "--set"
EXAMPLE = "write for example --set steps.tiles.transform.tile=128, or --set seed=3"


def apply_override(root: Node, typed: str) -> Node:
    """The document with one value replaced, or removed where the value is empty or null."""
    path, equals, _ = typed.partition("=")
    if not equals or not path.strip("."):
        raise error_at(Mark(WHERE, 0, 1, typed, max(1, len(typed))), "this is no KEY=VALUE", EXAMPLE)
    keys = _keys(path, typed)
    first = keys[0][0]
    if first not in TOP_KEYS or first in ("extends", "profiles"):
        end, hint = choose(
            first, [key for key in TOP_KEYS if key not in ("extends", "profiles")], "can be set"
        )
        raise error_at(keys[0][1], f"`{first}` cannot be set{end}", hint)
    if first == "steps" and len(keys) > 1:
        index = _step_index(root, *keys[1])
        keys = [keys[0], (str(index), keys[1][1]), *keys[2:]]
    return _put(root, keys, _value(typed, len(path) + 1))


def _keys(path: str, typed: str) -> list[tuple[str, Mark]]:
    """The words between the dots, each with its place."""
    keys: list[tuple[str, Mark]] = []
    start = 0
    for word in path.split("."):
        mark = Mark(WHERE, 0, start + 1, typed, max(1, len(word)))
        if not word.strip():
            raise error_at(mark, "a key is missing between the dots", EXAMPLE)
        keys.append((word.strip(), mark))
        start += len(word) + 1
    return keys


def _value(typed: str, start: int) -> Node:
    if not typed[start:].strip():
        return Node(None, Mark(WHERE, 0, start + 1, typed))
    return parse(typed_text(WHERE, typed, start))


def _step_index(root: Node, word: str, mark: Mark) -> int:
    """Which step is meant, by name or by its number from 0."""
    names = [name for name, _ in named_steps(root)]
    if word.isdecimal() and word.isascii():
        if len(word) < 9 and int(word) < len(names):
            return int(word)
        raise error_at(
            mark,
            f"there is no step {quoted(int(word[:20]))}: they count from 0 to {len(names) - 1}",
            _steps(names),
        )
    if word not in names:
        raise error_at(mark, f"no step is called `{word}`{choose(word, names)[0]}", _steps(names))
    return names.index(word)


def _steps(names: list[str]) -> str:
    return f"steps: {', '.join(names)}"


def _put(node: Node, keys: list[tuple[str, Mark]], value: Node) -> Node:
    """The node with what is under the keys replaced; mappings on the way are made where they are missing."""
    if not keys:
        return value
    (key, mark), rest = keys[0], keys[1:]
    if isinstance(node.value, list):
        index = _index(node, key, mark)
        items = [*node.value[:index], _put(node.value[index], rest, value), *node.value[index + 1 :]]
        return replace(node, value=items)
    if not isinstance(node.value, dict):
        raise _no_keys(node, key, mark)
    if not rest and value.value is None:
        return node.without(key)
    below = node.value.get(key) or Node({}, mark)
    return node.with_entry(key, mark, _put(below, rest, value))


def _index(node: Node, key: str, mark: Mark) -> int:
    if key.isdecimal() and key.isascii() and len(key) < 9 and int(key) < len(node.value):
        return int(key)
    last = len(node.value) - 1
    raise error_at(
        mark, f"this is a list: `{key}` is none of its places", f"count its places from 0 to {last}"
    )


def _no_keys(node: Node, key: str, mark: Mark) -> RecipeError:
    return error_at(
        mark, f"there is no `{key}` below {quoted(node.plain)}", "set the key above it as a whole"
    )
