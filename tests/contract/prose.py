"""Finds the prose of the project: strings, docstrings and comments of modules, pages, templates, scripts and `--help`.

Code inside prose is blanked, with its line breaks kept, so that an offset still gives the line.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Prose:
    """A text and its place. ``last`` is the line on which a string of a module ends: its text has no line breaks of
    the file, so the line of a word is looked for between the two."""

    file: str
    line: int
    text: str
    last: int = 0

    def line_of(self, offset: int, word: str) -> int:
        """The line of the word at ``offset``."""
        if not self.last:
            return self.line + self.text[:offset].count("\n")
        lines = (ROOT / self.file).read_text(encoding="utf-8").splitlines()[self.line - 1 : self.last]
        first = word.split()[0]
        return self.line + next((place for place, line in enumerate(lines) if first in line), 0)


def is_sentence(text: str) -> bool:
    """Whether a string of a program is for people: words with a space between them, and neither SQL nor a pattern.

    >>> [is_sentence(text) for text in ("no image was kept", "picture", "SELECT id FROM pictures", r"picture\\s+of a")]
    [True, False, False, False]
    """
    is_code = re.match(r"\s*(?:SELECT|WITH|FROM|WHERE|COPY|CREATE|INSERT|JOIN)\b", text) or re.search(
        r"\\[sbwdSWD]|\(\?[:!=<]", text
    )
    return not is_code and re.search(r"[a-z]{2,}[,.:;]?\s+\S", text) is not None


def blank(match: re.Match[str]) -> str:
    """An ellipsis for code, and its line breaks."""
    return "…" + line_breaks(match[0])


def line_breaks(text: str) -> str:
    """As many line breaks as a text has."""
    return "\n" * text.count("\n")


def without_code(text: str) -> str:
    """Prose without code spans, addresses of links, comments of HTML, and doctests with their output.

    >>> without_code("The column `pictures` of [a page](pictures.md).")
    'The column … of [a page]….'
    """
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.S)
    text = re.sub(r"^[ \t]*>>> (?:.|\n)*?(?=^[ \t]*$|\Z)", blank, text, flags=re.M)
    text = re.sub(r"(``.+?``|`[^`]+`)", blank, text, flags=re.S)
    text = re.sub(r"(?<=\])\([^)]*\)", blank, text)
    text = re.sub(r"\S*://\S*|~/\w+", blank, text)
    return re.sub(r"(?<=\n)[ \t]+", "", text)


def of_module(file: str, source: str, line: int = 1) -> Iterator[Prose]:
    """The strings (f-strings with … for their values), docstrings and comments of a module."""
    for node in _strings(ast.parse(source)):
        text = _text(node)
        if is_sentence(text):
            yield Prose(
                file, node.lineno + line - 1, without_code(text), (node.end_lineno or node.lineno) + line - 1
            )
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    blocks = groupby(
        enumerate(comments), lambda numbered: (numbered[1].start[0] - numbered[0], numbered[1].start[1])
    )
    for _, block in blocks:
        lines = [token for _, token in block]
        text = "\n".join(token.string.lstrip("#: ") for token in lines)
        yield Prose(file, lines[0].start[0] + line - 1, without_code(text))


def _strings(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str)
        ):
            yield child
            if isinstance(child, ast.Constant):
                continue
            for part in child.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _strings(part)
        else:
            yield from _strings(child)


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def of_page(file: str, source: str) -> Iterator[Prose]:
    """A page: its prose, its quoted output, and the comments and strings of its examples."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
    for match in fence.finditer(source):
        line = source[: match.start(2)].count("\n") + 1
        language, code = match[1], match[2]
        if language == "python":
            yield from of_module(file, code, line)
        elif language in ("yaml", "sh", "toml"):
            yield from of_comments(file, code, line)
        else:
            yield Prose(file, line, without_code(code))
    yield Prose(file, 1, without_code(fence.sub(blank, source)))


def of_comments(file: str, source: str, line: int = 1) -> Iterator[Prose]:
    """The comments of YAML or of a shell: whole lines together, others each alone."""
    block: list[str] = []
    for number, text in enumerate([*source.splitlines(), ""], line):
        match = re.search(r"(?:^|\s)#+ ?(.*)$", text)
        if match and not text[: match.start()].strip():
            block.append(match[1])
            continue
        if block:
            yield Prose(file, number - len(block), without_code("\n".join(block)))
            block = []
        if match:
            yield Prose(file, number, without_code(match[1]))


def of_template(file: str, source: str) -> Iterator[Prose]:
    """A Jinja template of HTML or Markdown: its text, its attributes for people, and strings inside expressions."""
    for match in re.finditer(r"\{[{%](.*?)[%}]\}", source, re.S):
        for string in re.finditer(r"\"([^\"]*)\"|'([^']*)'", match[1]):
            text = string[1] or string[2] or ""
            if is_sentence(text):
                yield Prose(
                    file, source[: match.start(1) + string.start()].count("\n") + 1, without_code(text)
                )
    source = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", blank, source, flags=re.S)
    for match in re.finditer(r"\b(?:title|aria-label|alt|placeholder)=\"([^\"]*)\"", source):
        yield Prose(file, source[: match.start(1)].count("\n") + 1, without_code(match[1]))
    source = re.sub(r"<(script|style)\b.*?</\1>", blank, source, flags=re.S)
    source = re.sub(r"<(?:p|li|td|dd)\b[^>]*>", lambda tag: "|" + line_breaks(tag[0]), source)
    source = re.sub(r"<h[1-6]\b[^>]*>", lambda tag: line_breaks(tag[0]) + "# ", source)
    source = re.sub(r"<[^>]*>", lambda tag: line_breaks(tag[0]), source)
    yield Prose(file, 1, without_code(source))


def of_script(file: str, source: str) -> Iterator[Prose]:
    """The comments and strings of a script, and template literals with … for their values."""
    token = re.compile(
        r"/\*(.*?)\*/|(?<!:)//([^\n]*)|\"((?:\\.|[^\"\\\n])*)\"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`",
        re.S,
    )
    for match in token.finditer(source):
        is_comment = match[1] is not None or match[2] is not None
        text = next(group for group in match.groups() if group is not None)
        text = re.sub(r"\$\{[^}]*\}", blank, re.sub(r"@\w+ \{[^}]*\}( [\w\[\].=]+)?", blank, text))
        if is_comment or is_sentence(text):
            yield Prose(file, source[: match.start()].count("\n") + 1, without_code(text.lstrip("*")))


def of_styles(file: str, source: str) -> Iterator[Prose]:
    """The comments of a style sheet."""
    for match in re.finditer(r"/\*(.*?)\*/", source, re.S):
        yield Prose(file, source[: match.start()].count("\n") + 1, without_code(match[1]))
