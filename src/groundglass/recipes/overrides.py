"""`--set steps.tiles.transform.tile=128`: one value of a document replaced from the command line."""

from __future__ import annotations

from dataclasses import replace

from groundglass.errors import RecipeError
from groundglass.recipes.errors import Mark, choose, error_at, quoted
from groundglass.recipes.parse_steps import TOP_KEYS, kind_of, named_steps
from groundglass.recipes.recipe_text import typed_text
from groundglass.recipes.yaml_nodes import Node, parse

WHERE = "--set"
EXAMPLE = "write for example --set steps.tiles.transform.tile=128, or --set seed=3"


def apply_override(root: Node, typed: str) -> Node:
    """The document with one value replaced, or removed if the value is empty or null."""
    path, equals, _ = typed.partition("=")
    if not equals or not path.strip("."):
        raise error_at(
            Mark(WHERE, 0, 1, typed, max(1, len(typed))), "this is not of the form KEY=VALUE", EXAMPLE
        )
    keys = _keys(path, typed)
    first = keys[0][0]
    if first not in TOP_KEYS or first in ("extends", "profiles"):
        end, hint = choose(
            first, [key for key in TOP_KEYS if key not in ("extends", "profiles")], "can be set"
        )
        raise error_at(keys[0][1], f"`{first}` cannot be set{end}", hint)
    if first == "steps" and len(keys) > 1:
        index = _step_index(root, *keys[1])
        keys = [keys[0], (str(index + 1), keys[1][1]), *keys[2:]]
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
    """The place of a step, given by its name or by its number, which counts from 1 as in `select-1`."""
    named = named_steps(root)
    names = [name for name, _ in named]
    if word in names:
        return names.index(word)
    if not (word.isdecimal() and word.isascii()):
        raise error_at(mark, f"no step is called `{word}`{choose(word, names)[0]}", _steps(named))
    # Cut to nine digits: Python refuses to convert numbers of thousands of digits.
    number = int(word.lstrip("0")[:9] or 0)
    if not number:
        first = f"; step 1 is {_step(*named[0])}" if named else ""
        raise error_at(mark, f"steps are counted from 1{first}", _steps(named))
    if number > len(named):
        many = f"{len(named)} steps" if len(named) != 1 else "1 step"
        raise error_at(
            mark, f"there is no step {quoted(int(word[:20]))}: this recipe has {many}", _steps(named)
        )
    return number - 1


def _steps(named: list[tuple[str, Node]]) -> str:
    listed = (f"{number} {_step(name, node)}" for number, (name, node) in enumerate(named, 1))
    return f"steps: {', '.join(listed)}"


def _step(name: str, node: Node) -> str:
    """A step in the form that messages use: `photos` (source)."""
    kind = kind_of(node)
    return f"`{name}`" if name.startswith(f"{kind}-") else f"`{name}` ({kind})"


def _put(node: Node, keys: list[tuple[str, Mark]], value: Node) -> Node:
    """The node with the value under the keys replaced; missing mappings on the way are made."""
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
    """The place of an item of a list; it counts from 1, like the numbers of steps."""
    places = len(node.value)
    number = int(key.lstrip("0")[:9] or 0) if key.isdecimal() and key.isascii() else 0
    if 0 < number <= places:
        return number - 1
    hint = f"its items are numbered from 1 to {places}" if places else "it is empty: set the whole list"
    raise error_at(mark, f"this is a list: it has no item `{key}`", hint)


def _no_keys(node: Node, key: str, mark: Mark) -> RecipeError:
    return error_at(mark, f"there is no `{key}` below {quoted(node.plain)}", "set the whole key above it")
