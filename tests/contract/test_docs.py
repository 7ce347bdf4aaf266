"""The generated pages are current, and what the pages tell to type works."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT, groundglass, make_photos

from patience import STOPS_A_HANG

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def generated() -> dict[str, str]:
    """The pages as `make docs` writes them: by a process of their own.

    click keeps a command's help option as it was at its first use. A test that calls a command without the group
    above it would leave `--help` there in place of `-h, --help`.
    """
    program = "import generate, json; print(json.dumps(generate.pages()))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "docs", capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_reference_is_current():
    stale = [
        name for name, text in generated().items() if (ROOT / "docs/reference" / name).read_text() != text
    ]
    assert stale == [], "run `make docs`"


def test_links_between_pages_lead_somewhere():
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert broken == []


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


RECIPES = [
    (page, text if text.startswith("name:") else f"name: page\nsteps:\n{text}")
    for page in PAGES
    for text in blocks(page, "yaml")
    if text.startswith("- ") or (text.startswith("name:") and "steps:" in text)
]
"""Every recipe of a page, and every block of steps as a recipe of its own."""


@pytest.mark.parametrize(("page", "text"), RECIPES, ids=lambda value: getattr(value, "name", ""))
def test_every_recipe_on_a_page_is_valid(page: Path, text: str, tmp_path: Path):
    from groundglass.recipes.load import load_recipe

    path = tmp_path / "page.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_recipe(path).recipe.steps


def test_pages_have_recipes_and_blocks_of_steps():
    steps = [page.name for page, text in RECIPES if text.startswith("name: page")]
    assert {"benchmark-quality-measures.md", "use-other-tools.md", "recipe.md"} <= {*steps}
    assert len(RECIPES) - len(steps) >= 2


def commands_of(page: Path) -> list[str]:
    lines = [line.split("  #")[0].strip() for text in blocks(page, "sh") for line in text.splitlines()]
    return [line for line in lines if line.startswith(("groundglass ", "python -m "))]


def tables_of(page: Path) -> list[tuple[str, str]]:
    """The CSV tables of a page, each with the file name in the sentence before it."""
    found = re.findall(
        r"`([\w-]+\.csv)`[^`]*```csv\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(found) == len(blocks(page, "csv")), "a table without a file name"
    return found


IN_A_SHELL = ("README.md",)
"""Pages whose every command is given to a shell, which finds the program as a reader's does. Of other pages those are
that need one."""


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=lambda page: page.name)
def test_commands_on_a_page_run_in_their_order(page: Path, tmp_path: Path):
    """In a folder with ``photos/``, the page's recipes and tables as files by their names, and the quickstart done."""
    make_photos(tmp_path / "photos")
    make_photos(tmp_path / "Pictures", size=(300, 280))
    for text in blocks(page, "yaml"):
        name = re.match(r"name: (\w+)", text)
        if name:
            (tmp_path / f"{name[1]}.yaml").write_text(text.replace("tile: 512", "tile: 64"), encoding="utf-8")
    for name, text in tables_of(page):
        (tmp_path / name).write_text(text, encoding="utf-8")
    home = {"HOME": str(tmp_path)}
    for line in commands_of(page):
        words = words_of_a_plain_command(line)
        if words is None or page.name in IN_A_SHELL:
            done = in_a_shell(line, tmp_path, **home)
        else:
            done = groundglass(tmp_path, *words, **home)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def words_of_a_plain_command(line: str) -> list[str] | None:
    """The arguments of a `groundglass` command in which a shell finds nothing to do but to cut it into words."""
    bare = re.sub(r"'[^']*'|\"[^\"$`\\]*\"", "", line)
    words = shlex.split(line)
    return words[1:] if words[0] == "groundglass" and not re.search(r"[^\w\s./:=,%+-]", bare) else None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("groundglass plan a.yaml", ["plan", "a.yaml"]),
        ("groundglass filter a 'blockiness < 30'", ["filter", "a", "blockiness < 30"]),
        ("groundglass plan a.yaml > plan.txt", None),
        ("groundglass plan a.yaml && groundglass run a.yaml", None),
        ("groundglass measure header *.png", None),
        ("groundglass quickstart ~/Pictures", None),
        ('groundglass filter "$HOME" x', None),
        ("python -m groundglass plan a.yaml", None),
    ],
)
def test_a_plain_command_is_told_from_one_that_needs_a_shell(line: str, words: list[str] | None):
    assert words_of_a_plain_command(line) == words


def in_a_shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        shell=True,
        cwd=folder,
        env=ENVIRONMENT | environment | {"PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}"},
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )
