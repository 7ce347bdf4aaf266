"""Read a recipe: the file, its parent, a profile and the values of `--set`, as one checked `Recipe`.

How they are joined, in this order:

1. ``extends: other.yaml`` (relative to the recipe's own folder), or ``extends: faceup`` (a recipe that comes with
   groundglass), is read first. A key of the child replaces the parent's key. Of the steps, one with an explicit
   ``name`` replaces the parent's step of that name, at the same place; all others are appended. Profiles are joined by
   their names. A recipe that extends itself, directly or through others, is refused.
2. ``--profile NAME`` replaces each step that the profile names; the step keeps its name and place.
3. ``--set PATH=VALUE`` changes single values; the last one typed wins; an empty value or ``null`` removes the
   key.

Every value remembers where it came from, so an error points into the right file, or at the ``--set``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError
from groundglass.recipes.errors import Mark, choose, error_at, nearest
from groundglass.recipes.model import Recipe
from groundglass.recipes.overrides import apply_override
from groundglass.recipes.parse_steps import (
    check_top,
    named_steps,
    own_name,
    profiles_of,
    recipe_from,
    steps_of,
)
from groundglass.recipes.recipe_text import as_text, read_text
from groundglass.recipes.shipped import shipped, shipped_names
from groundglass.recipes.to_yaml import recipe_text
from groundglass.recipes.yaml_nodes import Node, parse, walk


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, and the place where each part of it was written.

    recipe     the checked records, every default filled in
    text       the same as YAML, which loads to an equal recipe without its parent, profile or overrides
    files      the files read: the recipe, its parent, the parent's parent and so on
    root       the joined document with its marks
    overrides  the arguments of `--set`
    """

    recipe: Recipe
    text: str
    files: tuple[Path, ...]
    root: Node
    overrides: tuple[str, ...] = ()

    def mark(self, step: int | str | None = None, *keys: str | int) -> Mark:
        """The place where something was written: ``mark("tiles", "tile")``, ``mark(2, 0)``, ``mark(None, "seed")``.

        Keys are those of the step or those under its kind; a number counts the items of a list from 0. For a
        default, which is not written in the recipe, the nearest enclosing key is marked.
        """
        if step is None:
            return _deepest(self.root, self.root.mark, keys)
        named = named_steps(self.root)
        index = step if isinstance(step, int) else [name for name, _ in named].index(step)
        node, kind = named[index][1], self.recipe.steps[index].kind
        inside = keys if keys and keys[0] in node.value else (kind, *keys)
        return _deepest(node, node.keys[kind], inside)


def _deepest(node: Node, mark: Mark, keys: Sequence[str | int]) -> Mark:
    """Of the last key of a path that exists: the mark of its value if that is a single one, else its own."""
    for key in keys:
        if (
            isinstance(key, str)
            and isinstance(node.value, dict)
            and key not in node.value
            and len(node.value) == 1
        ):
            node = next(iter(node.value.values()))  # {blockiness: {as: b_}}: the key is one of its parameters
        if key == 0 and not isinstance(node.value, list):
            continue  # a single value, written instead of a list of one
        found = next(walk(node, (key,)), None)
        if found is None:
            return mark
        node = found[2]
        mark = found[1] if isinstance(node.value, (dict, list)) else node.mark
    return mark


def load_recipe(path: Path, overrides: Sequence[str] = (), profile: str | None = None) -> LoadedRecipe:
    """Read a recipe file with its parent, a profile and overrides (``steps.tiles.transform.tile=128``).

    Raises RecipeError with a message that has the place, the line and the nearest valid word.
    """
    root, files = _with_parents(Path(path), ())
    return _changed(root, files, overrides, profile)


def load_text(
    text: str, name: str, overrides: Sequence[str] = (), profile: str | None = None
) -> LoadedRecipe:
    r"""A recipe that is in no file yet; errors point into it as if it were one called ``name``, a path.

    >>> load_text("name: a\nsteps:\n  - source: {folder: photos}\n", "a.yaml").recipe.name
    'a'
    """
    root, files = _joined(parse(as_text(name, text)), Path(name), ())
    return _changed(root, files, overrides, profile)


def _changed(
    root: Node, files: tuple[Path, ...], overrides: Sequence[str], profile: str | None
) -> LoadedRecipe:
    """The recipe of a joined document, with a profile and overrides."""
    if profile is not None:
        root = _with_profile(root, profile)
    for override in overrides:
        root = apply_override(root, override)
    recipe = recipe_from(root)
    return LoadedRecipe(recipe, recipe_text(recipe), files, root, tuple(overrides))


def recipe_error(
    loaded: LoadedRecipe,
    where: Sequence[Any],
    message: str,
    word: str = "",
    valid: Iterable[str] = (),
    hint: str = "",
) -> RecipeError:
    """An error found after loading: at ``where`` (arguments of `LoadedRecipe.mark`), about one word of it.

    The caret goes to ``word`` if it is in that line; the nearest of the ``valid`` words ends the sentence.
    """
    mark = _at_word(loaded.mark(*where), word)
    words = list(valid)
    close = nearest(word, words) if word else None
    end = f"; did you mean `{close}`?" if close else ""
    return error_at(mark, message + end, hint or (choose(word, words)[1] if words else ""))


def _at_word(mark: Mark, word: str) -> Mark:
    """The place of the word in the mark's line: after the mark, or before it if it is the key of the marked value."""
    start = mark.text.find(word, mark.column - 1) if word else -1
    if word and start < 0:
        start = mark.text.rfind(word, 0, mark.column - 1)
    return mark if start < 0 else replace(mark, column=start + 1, length=len(word))


def _with_parents(path: Path, children: tuple[Path, ...]) -> tuple[Node, tuple[Path, ...]]:
    """A document joined with the one it extends, and the files read."""
    return _joined(parse(read_text(path)), path, children)


def _joined(root: Node, path: Path, children: tuple[Path, ...]) -> tuple[Node, tuple[Path, ...]]:
    check_top(root)
    if "extends" not in root.value:
        return root, (path,)
    parent = _parent(path, root.value["extends"], (*children, path))
    below, files = _with_parents(parent, (*children, path))
    return _join(below, root), (path, *files)


def _parent(path: Path, node: Node, children: tuple[Path, ...]) -> Path:
    if not isinstance(node.value, str) or not node.value:
        raise error_at(
            node.mark, "`extends` must name one recipe file", "write for example `extends: faceup.yaml`"
        )
    parent = path.parent / node.value
    try:
        found = parent.is_file()
    except (OSError, ValueError):
        found = False
    if not found and node.value in shipped_names():
        return shipped(node.value)
    if not found:
        beside = [other.name for other in path.parent.glob("*.y*ml") if other.name != path.name]
        end, hint = choose(node.value, beside, f"recipes in {path.parent}")
        end = end or choose(node.value, shipped_names())[0]
        raise error_at(node.mark, f"there is no file {parent}{end}", hint if beside else "check the path")
    if parent.resolve() in [child.resolve() for child in children]:
        raise error_at(node.mark, "this recipe extends itself", "remove `extends` from one of the recipes")
    return parent


def _join(parent: Node, child: Node) -> Node:
    """The child's document on top of the parent's."""
    joined = child.without("extends")
    for key in parent.value:
        if key not in child.value:
            joined = joined.with_entry(key, parent.keys[key], parent.value[key])
    if "steps" in parent.value and "steps" in child.value:
        joined = _with_steps(joined, _join_steps(parent, child))
    if profiles_of(parent) and profiles_of(child):
        mine, theirs = child.value["profiles"], parent.value["profiles"]
        both = replace(mine, value={**theirs.value, **mine.value}, keys={**theirs.keys, **mine.keys})
        joined = joined.with_entry("profiles", child.keys["profiles"], both)
    return joined


def _join_steps(parent: Node, child: Node) -> list[Node]:
    addressed = [node for node in steps_of(child) if own_name(node)]
    named_steps(_with_steps(child, addressed))  # refuses two steps of one name
    steps = dict(named_steps(parent))
    appended: list[Node] = []
    for node in steps_of(child):
        name = own_name(node)
        if name in steps:
            steps[name] = node
        else:
            appended.append(node)
    # A parent's default name counts the steps of its kind. It is written out, because a replaced step may change the
    # count.
    kept = [_named(name, node) for name, node in steps.items()]
    return [*kept, *appended]


def _named(name: str, node: Node, mark: Mark | None = None) -> Node:
    at = mark or node.mark
    return node if "name" in node.value else node.with_entry("name", at, Node(name, at))


def _with_steps(root: Node, steps: list[Node]) -> Node:
    return root.with_entry("steps", root.keys["steps"], replace(root.value["steps"], value=steps))


def _with_profile(root: Node, profile: str) -> Node:
    """The document with the steps that a profile replaces."""
    recipe_from(root)  # reports a fault of the recipe itself, or of any profile, first
    profiles = profiles_of(root)
    if profile not in profiles:
        end, hint = choose(profile, profiles, "profiles")
        where = Mark("--profile", 0, 1, profile, len(profile))
        raise error_at(
            where, f"this recipe has no profile `{profile}`{end}", hint if profiles else "leave --profile out"
        )
    new = profiles[profile]
    steps = [
        _named(name, new.value[name], new.keys[name]) if name in new.value else _named(name, node)
        for name, node in named_steps(root)
    ]
    return _with_steps(root, steps)
