"""From the nodes of a recipe to its records: steps with one kind each, names, measures, splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from groundglass.errors import RecipeError
from groundglass.recipes.errors import EMPTY, LATER, Mark, choose, error_at, later, nearest, quoted
from groundglass.recipes.families import FAMILIES, fields_of, member_from
from groundglass.recipes.hold_out_model import HoldOutStep, NextBest
from groundglass.recipes.measure_model import MeasureStep, Prompts, ScoreTable
from groundglass.recipes.model import BODIES, Recipe, RecipeHead, Step, StepHead
from groundglass.recipes.validate import build
from groundglass.recipes.yaml_nodes import Node
from groundglass.settings.field_types import Record
from groundglass.settings.key_rules import listed
from groundglass.settings.measure_request import MeasureRequest, is_list_of_texts

STEP_KEYS = ("name", "if", "note")
TOP_KEYS = ("name", "seed", "extends", "profiles", "limits", "store", "steps")


def recipe_from(root: Node) -> Recipe:
    """The recipe that a merged document describes. Raises RecipeError with the place of the first fault."""
    check_top(root)
    for key in ("name", "steps"):
        if key not in root.value:
            example = "name: faceup" if key == "name" else "steps:"
            raise error_at(root.mark, f"this recipe has no `{key}`", f"add `{example}` at the top level")
    named = named_steps(root)
    if not named:
        raise error_at(
            root.keys["steps"], "this recipe has no steps", "begin with `- source: {folder: photos/}`"
        )
    steps = tuple(step_from(node, name) for name, node in named)
    # Profiles are checked even if none is used: a fault must not wait until the profile is needed.
    for replaced in profiles_of(root).values():
        check_profile(replaced, dict(named))
    head = build(RecipeHead, _only(root, RecipeHead), root.mark, "a recipe")
    return Recipe(**dict(head), steps=steps)


def _only(node: Node, head: type[Record]) -> Node:
    """The part of a mapping that a head has fields for."""
    known = [field.alias or name for name, field in head.model_fields.items()]
    return replace(node, value={key: node.value[key] for key in known if key in node.value})


def check_top(root: Node) -> None:
    """Refuse a document that is not a mapping, or has a key that no recipe has."""
    if root.value is None:
        raise error_at(root.mark, EMPTY, "start with `name: faceup` and `steps:`")
    if not isinstance(root.value, dict):
        raise error_at(
            root.mark, f"a recipe is a mapping of keys, not {quoted(root.plain)}", "start with `name: faceup`"
        )
    for key in root.value:
        if key not in TOP_KEYS:
            raise unknown_top(key, root.keys[key])


def unknown_top(key: str, mark: Mark) -> RecipeError:
    """The error for an unknown key of a recipe; it may be a step that lost its dash."""
    if key in BODIES or key in LATER["step"]:
        return error_at(
            mark, f"`{key}` is a step and belongs under `steps:`", f"write `- {key}: …` below `steps:`"
        )
    end, hint = choose(key, TOP_KEYS, "keys of a recipe")
    return error_at(mark, f"`{key}` is not a key of a recipe{end}", hint)


def steps_of(root: Node) -> list[Node]:
    """The raw steps of a document; an empty list if it has none."""
    if "steps" not in root.value:
        return []
    steps = root.value["steps"]
    if not isinstance(steps.value, list):
        raise error_at(
            root.keys["steps"],
            f"`steps` must be a list, not {quoted(steps.plain)}",
            "start each step with a dash",
        )
    return steps.value


def profiles_of(root: Node) -> dict[str, Node]:
    """The profiles of a document by name."""
    if "profiles" not in root.value:
        return {}
    profiles = root.value["profiles"]
    entries = {"profiles": profiles} | (profiles.value if isinstance(profiles.value, dict) else {})
    for name, node in entries.items():
        if not isinstance(node.value, dict):
            message = f"`{name}` must be a mapping of keys, not {quoted(node.plain)}"
            raise error_at(node.mark, message, "write `profiles: {offline: {STEP: {measure: […]}}}`")
    return profiles.value


def check_profile(replaced: Node, named: dict[str, Node]) -> None:
    """Refuse a profile that names an unknown step, or has a wrong one, also if the profile is not used."""
    for name, node in replaced.value.items():
        if name not in named:
            end, hint = choose(name, named, "steps")
            raise error_at(replaced.keys[name], f"no step is called `{name}`{end}", hint)
        if "name" in mapping_of_step(node):
            raise error_at(
                node.keys["name"], f"in a profile the step's name is its key, `{name}`", "delete this `name`"
            )
        step_from(node, name)


def named_steps(root: Node) -> list[tuple[str, Node]]:
    """Every step with its name: its own, or its kind and the count of that kind. Names are unique."""
    counts: dict[str, int] = {}
    named: dict[str, Node] = {}
    for node in steps_of(root):
        kind = kind_of(node)
        counts[kind] = counts.get(kind, 0) + 1
        given = own_name(node)
        name = given or f"{kind}-{counts[kind]}"
        if name in named:
            mark = node.value["name"].mark if given else node.keys[kind]
            first = named[name].mark.line
            where = f", the first in line {first}" if first else ""
            raise error_at(
                mark, f"two steps have the name `{name}`{where}", "give one of them another `name`"
            )
        named[name] = node
    return list(named.items())


def own_name(node: Node) -> str | None:
    """The name that a step gives itself."""
    return head_from(node, "").name if "name" in mapping_of_step(node) else None


def head_from(node: Node, name: str) -> StepHead:
    """A step's name, condition and note; ``name`` if it gives itself none."""
    named = node if "name" in node.value else node.with_entry("name", node.mark, Node(name, node.mark))
    return build(StepHead, _only(named, StepHead), node.mark, "a step")


def mapping_of_step(node: Node) -> dict[str, Node]:
    """A step's keys. Raises RecipeError if it has none."""
    if isinstance(node.value, dict):
        return node.value
    word = node.value if isinstance(node.value, str) else ""
    end = f"; did you mean `{word}: …`?" if word in BODIES else ""
    hint = "write for example `- measure: [header]`"
    raise error_at(
        node.mark, f"a step is a mapping such as `measure: [header]`, not {quoted(node.plain)}{end}", hint
    )


def kind_of(node: Node) -> str:
    """The one kind of a raw step. Raises RecipeError for none, two, a misspelt one, or an unknown key."""
    keys = mapping_of_step(node)
    kinds = [key for key in keys if key in BODIES]
    for key in keys:
        if key in LATER["step"]:
            raise later(key, node.keys[key])
        if key not in BODIES and key not in STEP_KEYS:
            raise unknown_in_step(key, node.keys[key], kinds)
    if not kinds:
        mark = next(iter(node.keys.values()), node.mark)
        raise error_at(mark, "this step has no kind", f"one of: {', '.join(BODIES)}")
    if len(kinds) > 1:
        message = f"`{kinds[0]}` and `{kinds[1]}` are in one step"
        raise error_at(node.keys[kinds[1]], message, f"start a new step: `- {kinds[1]}: …`")
    return kinds[0]


def unknown_in_step(key: str, mark: Mark, kinds: Sequence[str]) -> RecipeError:
    """The error for a misspelt kind, a misspelt key of the step, or a key that belongs one level deeper."""
    if not kinds:
        owners = [kind for kind in BODIES if key in _keys_inside(kind)]
        close = nearest(key, (*BODIES, *STEP_KEYS))
        end = (
            f"; did you mean `{close}`?"
            if close
            else f"; it belongs inside {listed(owners)}"
            if owners
            else ""
        )
        return error_at(mark, f"`{key}` is not a kind of step{end}", f"kinds of step: {', '.join(BODIES)}")
    if key in _keys_inside(kinds[0]):
        return error_at(
            mark,
            f"`{key}` belongs inside `{kinds[0]}`",
            f"write `{kinds[0]}: {{{key}: …}}`, or indent it further",
        )
    end, _ = choose(key, (*STEP_KEYS, *BODIES))
    return error_at(
        mark, f"`{key}` is not a key of a step{end}", "besides its kind a step may have: name, if, note"
    )


def _keys_inside(kind: str) -> Iterable[str]:
    """The keys that are valid inside a kind of step."""
    return fields_of(kind) if kind in FAMILIES else BODIES[kind].model_fields


def step_from(node: Node, name: str) -> Step:
    """The record of one raw step."""
    kind = kind_of(node)
    head = dict(head_from(node, name)) | {"name": name}
    return Step(**head, kind=kind, body=body_from(kind, node.value[kind], node.keys[kind]))  # pyright: ignore[reportArgumentType]


def body_from(kind: str, node: Node, mark: Mark) -> Any:
    """The record of a step's settings."""
    if kind == "measure":
        return MeasureStep(measures=tuple(measures_from(node, mark)))
    if kind == "hold_out":
        return hold_out_from(node, mark)
    if kind in FAMILIES:
        return member_from(kind, node, mark)
    return build(BODIES[kind], node, mark, kind)


def hold_out_from(node: Node, mark: Mark) -> HoldOutStep:
    """Named splits; each chooses the rows to hold out."""
    if not isinstance(node.value, dict) or not node.value:
        message = f"`hold_out` must name a split, not {quoted(node.plain)}"
        raise error_at(mark, message, "write `hold_out: {validation: {count: 100}}`")
    for split, chosen in node.value.items():
        if split in NextBest.model_fields and split not in ("train", "validation", "test"):
            raise error_at(
                node.keys[split],
                f"`{split}` belongs inside a named split",
                f"write `hold_out: {{validation: {{{split}: …}}}}`",
            )
        if split == "train":
            message = "`train` is the remaining set and cannot be held out"
            raise error_at(node.keys[split], message, "give the split another name")
        head_from(Node({}, node.keys[split]), split)
        if not isinstance(chosen.value, dict):
            message = f"`{split}` must say which images to hold out, not {quoted(chosen.plain)}"
            raise error_at(node.keys[split], message, f"write `{split}: {{count: 100}}`")
    splits = {split: build(NextBest, chosen, node.keys[split], split) for split, chosen in node.value.items()}
    return HoldOutStep(splits=splits)


def measures_from(node: Node, mark: Mark) -> Iterable[MeasureRequest | ScoreTable | Prompts]:
    """The measures of a step: a name, a name with parameters, a score table, prompts, or a list of these."""
    items = node.value if isinstance(node.value, list) else [node]
    if not items or node.value is None:
        raise error_at(
            mark, "`measure` lists no measure", "write for example `measure: [header, blockiness]`"
        )
    return [measure_from(item) for item in items]


def measure_from(node: Node) -> MeasureRequest | ScoreTable | Prompts:
    """One measure."""
    if node.value == "prompt":
        raise error_at(node.mark, "`prompt` needs `text`", "write `{prompt: {text: meta.prompt}}`")
    if isinstance(node.value, str) and node.value:
        return MeasureRequest(measure=node.value)
    if not isinstance(node.value, dict) or not node.value:
        raise error_at(
            node.mark, f"a measure is a name, not {quoted(node.plain)}", "write for example `blockiness`"
        )
    if "table" in node.value:
        return build(ScoreTable, node, node.keys["table"], "table")  # pyright: ignore[reportReturnType]
    names = list(node.value)
    if len(names) > 1:
        table = nearest(names[0], ["table"])
        end = "; did you mean `table`?" if table else ""
        hint = "write one measure per item: `[header, {blockiness: {as: b_}}]`"
        raise error_at(node.keys[names[1]], f"two measures are in one item{end}", hint)
    if names == ["prompt"]:
        return build(Prompts, node.value["prompt"], node.keys["prompt"], "prompt")  # pyright: ignore[reportReturnType]
    return request_from(names[0], node.value[names[0]])


def request_from(name: str, node: Node) -> MeasureRequest:
    """A measure with its parameters and the prefix of its columns."""
    if node.value is None:
        return MeasureRequest(measure=name)
    if not isinstance(node.value, dict):
        message = f"the parameters of `{name}` must be a mapping of keys, not {quoted(node.plain)}"
        raise error_at(node.mark, message, f"write `{name}: {{parameter: value}}`")
    for key, value in node.value.items():
        if isinstance(value.value, (dict, list)) and (key == "as" or not is_list_of_texts(value.plain)):
            raise error_at(
                node.keys[key],
                f"`{key}` must be a single value, not {quoted(value.plain)}",
                f"write `{key}: value`",
            )
    prefix = node.value.get("as")
    if prefix is not None and not isinstance(prefix.value, str):
        raise error_at(
            prefix.mark, f"`as` must be a text, not {quoted(prefix.plain)}", 'write for example `as: "b_"`'
        )
    parameters = {key: value.plain for key, value in node.value.items() if key != "as"}
    return MeasureRequest.model_validate(
        {"measure": name, "parameters": parameters, "as": prefix and prefix.value}
    )
