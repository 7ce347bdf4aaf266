"""The reference page of the recipe grammar, written from the records' own descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard, get_args

from groundglass.recipes.annotate_model import Budget, Multimodal, TokenPrice
from groundglass.recipes.errors import LATER
from groundglass.recipes.families import FAMILIES, VALUES, fields_in_order, values_name
from groundglass.recipes.hold_out_model import NextBest
from groundglass.recipes.json_schema import SUMMARIES
from groundglass.recipes.measure_model import Prompts, ScoreTable
from groundglass.recipes.model import BODIES, Limits, RecipeHead, StepHead
from groundglass.recipes.schema_in_words import in_words
from groundglass.recipes.validate import schema_of
from groundglass.settings.field_types import Record
from groundglass.settings.key_rules import listed
from groundglass.settings.measure_request import MeasureRequest

OPENING = """\
# The recipe

*Generated from the code by `groundglass.recipes.reference_page`; a test checks that it is current.*

A recipe is a YAML file of named steps. The grammar is closed: a key that is not on this page is an error,
which names the line and the nearest valid word.

```yaml
name: faceup
seed: 7
limits: {failed: 5%}
steps:
  - source: {folder: photos/, licence: CC-BY-4.0}
  - measure: [header, blockiness, sharpness]
  - select: {where: "blockiness < 30"}
  - select: {top_k: 2000, by: tenengrad}
    name: best
  - transform: {tile: 512}
  - release: {format: folder}
```

An editor that knows YAML schemas completes and checks a recipe whose first line is
`# yaml-language-server: $schema=PATH/recipe.schema.json`; the schema is next to this page.
"""

JOINING = """\
## Joining recipes

**extends** names one parent recipe: a path relative to the recipe's own folder, or a recipe that comes with
groundglass (`extends: faceup`). A key of the recipe replaces the parent's key. A step with an explicit `name`
replaces the parent's step of that name, at the same place; every other step is appended. (A parent's unnamed step is
addressed by its default name.) Profiles are joined by their names. A recipe that extends itself, directly or
through others, is refused.

**profiles** hold, for each profile, steps by name: `--profile offline` replaces the recipe's steps of these names.

```yaml
profiles:
  offline: {scores: {measure: [sharpness]}}
```

**--set PATH=VALUE** changes one value: `--set seed=3`, `--set limits.failed=5%`,
`--set steps.tiles.transform.tile=128`. A step is given by its name or by its number, a place in a list by its
number; both count from 1, as `select-1` does. The value is read as YAML; an empty value removes the key. The last
one typed wins.

They apply in this order: parent, recipe, profile, `--set`.
"""

MEASURES = """\
A name, a name with its parameters, a table of scores, or a list of these. All measures of a step share one decode.

```yaml
- measure: [header, blockiness]
- measure: [{blockiness: {search_phases: true, as: searched_}}]   # `as`: a prefix for the names of its columns
- measure: [{table: scores.csv, key: uri}]                        # scores made elsewhere
- measure: [{prompt: {text: meta.prompt}}]                        # facts about the prompts of images
```

`groundglass measures` lists the measures with their columns and parameters. The keys of a table:
"""

PROMPTS = """\

`prompt` adds facts about the prompts of images: `prompt_chars` and `prompt_words` (their number), `prompt_same` and
`prompt_near` (a word that equal and nearly equal prompts share: for `split: {group: prompt_near}`), `prompt_copies`
(images with the same prompt), and with `categories` also `prompt_category` and `prompt_category_lead`. Prompts are
equal if they differ in case, spaces, punctuation and Unicode form only. Its keys:
"""

FAMILY_WORDS = {
    "release": "A written dataset. Nothing is ever overwritten. `format` chooses one of these.",
    "source": "The origin of the images. A step has exactly one of these.",
    "select": "A step has exactly one of these rules; `keep` and `drop` may go together.",
    "transform": "Virtual images, made from the current set. A step has exactly one of these.",
}

HOLD_OUT = """\
Names a split and says which images go into it: `hold_out: {validation: {next: 100, by: tenengrad, pick: 4}}`.
"""


def reference_page() -> str:
    """The page as Markdown."""
    parts = [OPENING, "## The recipe's own keys\n", _table(_top_rows()), JOINING]
    parts += ["## Limits\n", f"{Limits.__doc__}\n", _table(_rows(Limits))]
    parts += [
        "## Steps\n",
        "A step has exactly one of the kinds below, and may have these keys as well:\n",
        _table(_rows(StepHead, optional="name")),
    ]
    for kind in BODIES:
        parts += [f"## `{kind}`\n", *_kind(kind)]
    parts += [
        "## Not yet\n",
        "These words are part of the grammar; later versions will support them:\n",
        *_not_yet(),
    ]
    return "\n".join(parts)


def _kind(kind: str) -> Iterator[str]:
    if kind == "measure":
        yield from (MEASURES, _table(_rows(ScoreTable)), PROMPTS, _table(_rows(Prompts)))
    elif kind == "hold_out":
        yield from (f"{NextBest.__doc__}\n", HOLD_OUT, _table(_rows(NextBest)))
    elif kind in FAMILIES:
        yield from _family(kind)
    else:
        yield from (f"{BODIES[kind].__doc__}\n", _table(_rows(BODIES[kind])))
    if kind == "annotate":
        for key, model in (("model", Multimodal), ("budget", Budget), ("price", TokenPrice)):
            yield from (f"`{key}` holds:\n", _table(_rows(model)))


def _family(kind: str) -> Iterator[str]:
    """A family's members, each with its keys and those of the records that it holds."""
    yield f"{FAMILY_WORDS[kind]}\n"
    for member in FAMILIES[kind]:
        value = values_name(kind, member)
        yield f"### {f'`{VALUES[kind]}: {value}`' if value else listed(member.keys, 'and')}\n"
        yield f"{member.summary()}\n"
        rows = {row[0].strip("`"): row for row in _rows(member)}
        yield f"```yaml\n- {kind}: {member.example}\n```\n"
        yield _table([rows[key] for key in fields_in_order(member)])
        for key, field in member.model_fields.items():
            held = next(
                (part for part in (field.annotation, *get_args(field.annotation)) if _is_record(part)), None
            )
            if held is not None:
                yield from (f"`{key}` holds:\n", _table(_rows(held)))


def _is_record(part: Any) -> TypeGuard[type[Record]]:
    return isinstance(part, type) and issubclass(part, Record) and part is not MeasureRequest


def _top_rows() -> list[tuple[str, ...]]:
    extra = [
        ("`extends`", "a text", "", SUMMARIES["extends"]),
        ("`profiles`", "a mapping of keys", "", SUMMARIES["profiles"]),
        ("`steps`", "a list of steps", "needed", "the steps, in this order"),
    ]
    return [*_rows(RecipeHead), *extra]


def _rows(model: type[Record], optional: str = "") -> list[tuple[str, ...]]:
    schema = schema_of(model)
    needed = schema.get("required", ())
    return [
        (
            f"`{key}`",
            in_words(part),
            "needed" if key in needed and key != optional else _default(part),
            part.get("description", ""),
        )
        for key, part in schema["properties"].items()
    ]


def _default(part: Mapping[str, Any]) -> str:
    value = part.get("default")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value in (None, []) or isinstance(value, dict) else f"`{json.dumps(value)}`".replace('"', "")


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _not_yet() -> Iterator[str]:
    for place, words in LATER.items():
        yield f"- {place}: {', '.join(f'`{word}`' for word in words)}"
    yield ""
