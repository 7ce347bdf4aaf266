"""Writes the generated pages of docs/reference from the code. `make docs`; a test checks that they are current."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from groundglass.annotators.catalog import QUESTIONS
from groundglass.catalog import Column, Parameter
from groundglass.cli.catalogs import HIDDEN
from groundglass.cli.main import COMMANDS, groundglass
from groundglass.errors import REASONS, REMEDIES
from groundglass.image.header import WARNINGS
from groundglass.measures.catalog import MEASURES
from groundglass.recipes.families import entries
from groundglass.recipes.json_schema import json_schema
from groundglass.recipes.reference_page import reference_page

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
        "reasons.md": reasons_page(),
        "recipe.md": reference_page(),
        "recipe.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def commands_page() -> str:
    """Every command's `--help`, word for word."""
    parts = [NOTE + "# Commands\n"]
    for name in COMMANDS:
        command = groundglass.get_command(click.Context(groundglass), name)
        assert command is not None
        context = click.Context(
            command,
            info_name=f"groundglass {name}",
            max_content_width=100,
            terminal_width=100,
            help_option_names=groundglass.context_settings["help_option_names"],
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def reasons_page() -> str:
    """Every word that a row's `error` or `warning` can have."""
    reasons = "\n".join(f"| `{word}` | {meaning} | {REMEDIES[word]} |" for word, meaning in REASONS.items())
    warnings = "\n".join(f"| `{word}` | {meaning} |" for word, meaning in WARNINGS.items())
    return (
        NOTE
        + "# Reasons and warnings\n\n"
        + "How damage is told, and what cannot be told, stands in [Damaged files](../concepts/damaged-files.md).\n\n"
        + "## Reasons\n\nA row with a reason in `error` is never released. `detail` says what exactly was found.\n\n"
        + f"| reason | meaning | what to do |\n|---|---|---|\n{reasons}\n\n"
        + "## Warnings\n\nA row with words in `warning` is sound; something about its file is odd.\n\n"
        + f"| warning | meaning |\n|---|---|\n{warnings}\n"
    )


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
