"""Writes the generated pages of docs/reference from the code. `make docs`; a test checks that they are current."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from groundglass.annotators.catalog import QUESTIONS
from groundglass.catalog import Column, Parameter
from groundglass.cli.catalogs import HIDDEN
from groundglass.cli.main import COMMANDS, groundglass
from groundglass.errors import REASONS, REMEDIES
from groundglass.image.header import WARNINGS
from groundglass.measures import pyiqa
from groundglass.measures.catalog import MEASURES
from groundglass.recipes.families import entries
from groundglass.recipes.json_schema import json_schema
from groundglass.recipes.reference_page import reference_page
from groundglass.sources.public_datasets import (
    FACTS,
    KINDS,
    PHRASES,
    SOURCES,
    PublicDataset,
    public_datasets,
)

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- made by `make docs`; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """File name → text of every generated page."""
    return {
        "commands.md": commands_page(),
        "measures.md": NOTE + "# Measures\n\n" + "\n".join(measure_section(m) for m in MEASURES.values()),
        "questions.md": NOTE + "# Questions\n\n" + "\n".join(question_section(q) for q in QUESTIONS.values()),
        "selections.md": NOTE
        + "# Selections\n\n"
        + "\n".join(rule_section(s) for s in entries("select").values()),
        "transforms.md": NOTE
        + "# Transforms\n\n"
        + "\n".join(rule_section(t) for t in entries("transform").values()),
        "public-datasets.md": public_datasets_page(),
        "no-reference-measures.md": no_reference_page(),
        "reasons.md": reasons_page(),
        "recipe.md": reference_page(),
        "recipe.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def commands_page() -> str:
    """Every command's `--help`, word for word."""
    parts = [NOTE + "# Commands\n"]
    for name, command in every_command():
        context = click.Context(
            command,
            info_name=f"groundglass {name}",
            max_content_width=100,
            terminal_width=100,
            help_option_names=groundglass.context_settings["help_option_names"],
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Each command with its name, and after a group the commands in it."""
    for name in COMMANDS:
        command = groundglass.get_command(click.Context(groundglass), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())


def reasons_page() -> str:
    """Every word that a row's `error` or `warning` can have."""
    reasons = "\n".join(f"| `{word}` | {meaning} | {REMEDIES[word]} |" for word, meaning in REASONS.items())
    warnings = "\n".join(f"| `{word}` | {meaning} |" for word, meaning in WARNINGS.items())
    return (
        NOTE
        + "# Reasons and warnings\n\n"
        + "[Damaged files](../concepts/damaged-files.md) says how damage is detected, and which damage cannot be.\n\n"
        + "## Reasons\n\nA row with a reason in `error` is never released. `detail` gives the exact finding.\n\n"
        + f"| reason | meaning | what to do |\n|---|---|---|\n{reasons}\n\n"
        + "## Warnings\n\nA row with words in `warning` is usable, but something about its file is unusual.\n\n"
        + f"| warning | meaning |\n|---|---|\n{warnings}\n"
    )


MARKS = {word: f"({word.split()[-1][0]})" for word in SOURCES}
"""The mark after a fact that has another source than a link: (p), (k) or (m)."""
PUBLIC_DATASETS = """# Public datasets

The sets that people start from. A set that is too small for your tiles, or that holds a test image, costs more than a
look at this page. `groundglass plan` warns where a source looks like a set that is too small for the recipe, or like a
test set: its name and the size (or the number) of its images must both agree.

- *Images* counts the test images too. *Size* is the median width × height in px, unless the cell says otherwise.
- *Licence* is an SPDX identifier, or a phrase that is explained below. Read a set's own terms before you train on it.
- *Leaks* are images that a set shares with another one, or holds several times.
  [Keep test images out](../how-to/keep-test-images-out.md) shows how to find them in your own folder.
- Every fact is followed by its source: a number is a link; {marks}.
  "unknown" means that no source was found. Corrections are welcome: `src/groundglass/sources/public_datasets.toml`.
"""


def public_datasets_page() -> str:
    """Every public set, by kind, each fact with its source."""
    marks = "; ".join(f"{mark}: {SOURCES[word]}" for word, mark in MARKS.items())
    links: dict[str, str] = {}
    sections = [
        f"## {heading}\n\n| set | images | size | files | licence | test images | known leaks |\n{'|---' * 7}|\n"
        + "\n".join(dataset_row(one, links) for one in public_datasets() if one.kind == kind)
        for kind, heading in KINDS.items()
    ]
    phrases = "\n".join(f"| {phrase} | {meaning} |" for phrase, meaning in PHRASES.items())
    measured = "\n".join(
        f"| {one.name} | {one.measured_on} |" for one in public_datasets() if one.measured_on
    )
    parts = [
        PUBLIC_DATASETS.format(marks=marks),
        *sections,
        f"## Licences without an SPDX identifier\n\n| phrase | meaning |\n|---|---|\n{phrases}",
        f"## Measured on\n\n| set | files |\n|---|---|\n{measured}",
        "\n".join(f"{number}: {link}" for link, number in links.items()),
    ]
    return NOTE + "\n\n".join(part.strip("\n") for part in parts) + "\n"


def dataset_row(one: PublicDataset, links: dict[str, str]) -> str:
    """One line of a table; a link that is new gets the next number."""
    cells = [fact_cell(one, fact, links) for fact in FACTS]
    return f"| {f'[{one.name}]({one.home})' if one.home else one.name} | {' | '.join(cells)} |"


def fact_cell(one: PublicDataset, fact: str, links: dict[str, str]) -> str:
    """A fact and its source; of several leaks with a source each, one after the other."""
    if not one.states(fact):
        return "unknown" if fact != "leaks" else "none known"
    marks = [
        MARKS.get(word) or links.setdefault(word, f"[{len(links) + 1}]") for word in one.sources_of(fact)
    ]
    said = one.leaks if len(marks) > 1 else [fact_in_words(one, fact)]
    return "; ".join(f"{words} {mark}" for words, mark in zip(said, marks, strict=True))


def fact_in_words(one: PublicDataset, fact: str) -> str:
    match fact:
        case "images":
            return one.images_note or f"{one.images:,}"
        case "size":
            return one.size_note or "{} × {}".format(*(one.size or ()))
        case "leaks":
            return "; ".join(one.leaks)
        case _:
            return getattr(one, fact)


NO_REFERENCE = Path(__file__).parent / "no_reference_measures.toml"
NO_REFERENCE_INTRODUCTION = """# No-reference measures

Models of image quality that a recipe can name, without an original to compare with: the ones that benchmarks such as
AIGIQA-20K compare. (Its paper counts 16 models; the texts that this page was made from do not list them.)

"unknown" means that no source was found that states it, not that it is free. Corrections are welcome:
`docs/no_reference_measures.toml`. Before you publish a dataset that a network selected, read the licence of its weights
and of the votes that it was trained on.

To find out which of them agrees with people on your images, have people vote:
[Score votes](../how-to/score-votes.md).
"""
NO_REFERENCE_HEAD = (
    "model", "paper", "name it with", "licence of its code", "licence of its weights",
    "checked against its authors' program",
)  # fmt: skip


def no_reference_page() -> str:
    """The models of image quality, how a recipe names each, and what is known of licences and checks."""
    facts = tomllib.loads(NO_REFERENCE.read_text(encoding="utf-8"))
    ways = {way["name"]: way for way in facts["way"]}
    rows = "\n".join(
        f"| {model['name']} | {model['paper']} | {', '.join(way_in_words(way, ways) for way in model['ways'])} "
        f"| {model['code']} | {model['weights']} | {model['checked']} |"
        for model in facts["model"]
    )
    head = f"| {' | '.join(NO_REFERENCE_HEAD)} |\n{'|---' * len(NO_REFERENCE_HEAD)}|"
    sections = "\n".join(
        f"## {way['title']}\n\n{way['text'].format(pyiqa=pyiqa.LICENCE)}\n\n```yaml\n{way['recipe']}```\n"
        for way in ways.values()
    )
    return f"{NOTE}{NO_REFERENCE_INTRODUCTION}\n{head}\n{rows}\n\n{sections}"


def way_in_words(way: str, ways: Mapping[str, Any]) -> str:
    """`measure: x` as the name of the measure, with a link to the section that shows it."""
    kind, _, name = way.partition(": ")
    title = ways[kind]["title"].lower().replace(" ", "-")
    if kind == "pyiqa":
        return f"[`pyiqa`: `{name}`](#{title})"
    if name:
        return f"[`{MEASURES[name].name}`](measures.md#{name})"
    return f"[{kind if kind == 'table' else f'`{kind}`'}](#{title})"


def measure_section(measure: Any) -> str:
    return (
        f"## {measure.name}\n\n{measure.summary}\n\nVersion {measure.version}. {measure.reference}\n\n"
        f"{column_table(measure.columns)}{parameter_table(measure.parameters)}"
    )


def column_table(columns: Mapping[str, Column]) -> str:
    shown = {name: column for name, column in columns.items() if not column.hidden}
    if not shown:
        return f"{HIDDEN}\n"
    rows = "\n".join(
        f"| `{name}` | {column.unit or '–'} | {span(column)} | {column.better} | {column.meaning} |"
        for name, column in shown.items()
    )
    return f"| column | unit | range | better | meaning |\n|---|---|---|---|---|\n{rows}\n"


def question_section(question: Any) -> str:
    asked = [f"> {text}\n" for text in (question.single, question.asks) if text]
    words = ", ".join(question.words) if question.words else "the recipe's `vocabulary`"
    choice = f"`{{words}}` are {words}.\n" if question.word else ""
    return "\n".join([measure_section(question), *asked, choice])


def rule_section(entry: Any) -> str:
    return f"## {entry.name}\n\n{entry.summary}\n{parameter_table(entry.parameters)}\n{entry.reference}\n"


def parameter_table(parameters: Mapping[str, Parameter]) -> str:
    if not parameters:
        return ""
    rows = "\n".join(
        f"| `{name}` | {p.default} | {p.unit or '–'} | {p.meaning} |" for name, p in parameters.items()
    )
    return f"\n| parameter | default | unit | meaning |\n|---|---|---|---|\n{rows}\n"


def span(column: Column) -> str:
    ends = ["…" if end is None else f"{end:g}" for end in (column.low, column.high)]
    return " to ".join(ends)


def main() -> None:
    """Write all pages."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
