"""The project speaks plain English: no text for people has a word of the list in `words.py`.

Texts are the strings, docstrings and comments of the package, the report's templates and scripts, the shipped recipes'
comments, all pages, and every command's `--help`. Word lists and tables that come as data files are not read: they are
other people's words. `EXEMPT` names the rest that is not ours to reword.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import prose
from prose import ROOT, Prose
from words import SENTENCES, WORDS, faults

PACKAGE = ROOT / "src" / "groundglass"


@cache
def prompts() -> str:
    """Everything that is sent to a multimodal model. Its text is part of the keys of stored answers, and some of it
    was published, so it is not reworded."""
    from groundglass.annotators.catalog import QUESTIONS
    from groundglass.annotators.question import INSTRUCTIONS

    texts = [
        INSTRUCTIONS,
        *(text for question in QUESTIONS.values() for text in (question.asks, question.single)),
    ]
    return " ".join(" ".join(texts).split())


EXEMPT: tuple[tuple[str, Callable[[Prose, str], bool], str], ...] = (
    (
        "prompts of questions",
        lambda _, sentence: bare(sentence) in bare(prompts()),
        "sent to a model: part of the keys of stored answers, and partly published",
    ),
    (
        "the request to answer again",
        lambda text, _: "That is no valid answer" in text.text,
        "sent to a model: stored answers were given to these words",
    ),
)
"""(name, whether a sentence of a text is exempt, the reason)."""


def bare(text: str) -> str:
    """Without marks and white space, which differ between a prompt, its source and its page."""
    return re.sub(r"[^\w']+", " ", text).strip()


def modules() -> Iterator[Prose]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from prose.of_module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def reports() -> Iterator[Prose]:
    read = {
        ".j2": prose.of_template,
        ".html": prose.of_template,
        ".js": prose.of_script,
        ".css": prose.of_styles,
    }
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in read:
            yield from read[path.suffix](str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def recipes() -> Iterator[Prose]:
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        yield from prose.of_comments(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def pages() -> Iterator[Prose]:
    names = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for path in [*names, *sorted((ROOT / "docs").rglob("*.md"))]:
        yield from prose.of_page(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


NAMES: Any = {"help_option_names": ["-h", "--help"]}
"""As the program has them: click keeps a command's help option as it was first asked for."""


def helps() -> Iterator[Prose]:
    from groundglass.cli.main import COMMANDS, groundglass

    context = click.Context(
        groundglass, info_name="groundglass", max_content_width=120, terminal_width=120, **NAMES
    )
    yield Prose("groundglass --help", 1, prose.without_code(groundglass.get_help(context)))
    for name in COMMANDS:
        command = groundglass.get_command(context, name)
        assert command is not None
        inner = click.Context(
            command, context, info_name=name, max_content_width=120, terminal_width=120, **NAMES
        )
        yield Prose(f"groundglass {name} --help", 1, prose.without_code(command.get_help(inner)))
        for below, part in command.commands.items() if isinstance(command, click.Group) else ():
            deeper = click.Context(part, inner, info_name=below, **NAMES)
            yield Prose(f"groundglass {name} {below} --help", 1, prose.without_code(part.get_help(deeper)))


TEXTS: dict[str, Callable[[], Iterator[Prose]]] = {
    "modules": modules,
    "reports": reports,
    "recipes": recipes,
    "pages": pages,
    "help": helps,
}


def sentence_at(text: str, offset: int) -> str:
    """The sentence, cell or list item of a text around a place."""
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)|\n\s*\n|\||^\s*[-*+]\s", text, re.M)]
    start = max((end for end in ends if end <= offset), default=0)
    stop = min((end for end in ends if end > offset), default=len(text))
    if stop - start > 300:  # quoted output has no sentences
        start, stop = text.rfind("\n", 0, offset) + 1, (text + "\n").index("\n", offset)
    return " ".join(text[start:stop].split())


def found(texts: Iterator[Prose]) -> tuple[list[str], set[str]]:
    """A line for each fault, and the names of the exemptions that were needed."""
    lines, needed = [], set()
    for text in texts:
        for offset, word, say in faults(text.text):
            sentence = sentence_at(text.text, offset)
            exempt = [name for name, holds, _ in EXEMPT if holds(text, sentence)]
            needed |= set(exempt)
            if not exempt:
                lines.append(
                    f"{text.file}:{text.line_of(offset, word)}: {word!r} in: {sentence}\n    say: {say}"
                )
    return lines, needed


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_in_plain_words(kind: str):
    lines, _ = found(TEXTS[kind]())
    assert not lines, f"{len(lines)} places:\n" + "\n".join(lines)


def test_every_kind_of_text_is_found():
    assert [kind for kind, texts in TEXTS.items() if next(texts(), None) is None] == []


def test_every_exemption_is_needed():
    needed = {name for texts in TEXTS.values() for name in found(texts())[1]}
    assert {name for name, _, _ in EXEMPT} - needed == set()


@pytest.mark.parametrize(
    "text",
    [
        "This picture is kept.",
        "pictures that are no pictures",
        "it was enlarged twice",
        "the measure tells blur from noise",
        "How damage is told",
        "know your own test images again",
        "measured anew",
        "Measures stand in the catalog.",
        "the rule stands in a cascade",
        "beside it lie the scores",
        "This is no average.",
        "It cannot be had.",
        "fails in silence",
        "the size wished for",
        "a file whose header is damaged",
        "What is kept: values.",
        "It ends. Where it fails, it stops.",
        "- What a run did",
        "| a | Who made it |",
        "**What is sent**: a JPEG",
    ],
)
def test_stilted_texts_are_found(text: str):
    assert faults(prose.without_code(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "There is no image, and where there\nis no file, the run stops.",
        "The file is no longer there.",
        "Where is the store?",
        "Which images leave, and who decides?",
        "# What a release holds",
        "a stand-in, which stands in for the network and stands for nothing",
        "a person whose photos are used",
        "the column `picture`, in `~/Pictures` and [a page](keep-pictures.md)",
        "A row.\n\n    >>> picture = 1\n    'what a picture'\n",
        "foretell, outlying, belie, restless, wishbone",
    ],
)
def test_plain_texts_pass(text: str):
    assert faults(prose.without_code(text)) == []


def test_code_in_strings_is_not_prose():
    module = 'SQL = "SELECT picture FROM pictures"\nKEY = "picture"\nPATTERN = r"pictures? of\\s+x"\n'
    assert list(prose.of_module("a.py", module)) == []


def test_scripts_and_templates_are_read_without_their_code():
    script = 'const a = find("img.picture"); // a picture\n/** Draws. @param {any} [enlarge] */\n'
    assert [text.line for text in prose.of_script("a.js", script) if faults(text.text)] == [1]
    page = '<h2>What is kept</h2>\n<p class="picture">What is kept.</p>\n<b title="a picture of it">{{ picture }}</b>'
    found = [
        text.line_of(place, word)
        for text in prose.of_template("a.j2", page)
        for place, word, _ in faults(text.text)
    ]
    assert sorted(found) == [2, 3]


def test_a_fault_is_shown_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    source = 'A = 1\n# plain\n# and a picture\nB = (\n    "said so, "\n    f"of {A} pictures"\n)\n'
    (tmp_path / "a.py").write_text(source)
    lines, _ = found(prose.of_module("a.py", source))
    assert [line.split(": ")[0] for line in lines] == ["a.py:6", "a.py:3"]


def test_the_list_says_what_to_say_instead():
    assert all(say for _, _, say in WORDS)
    assert len(set(SENTENCES)) == len(SENTENCES)
