"""The generated pages are current, and what the pages tell to type works."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from patience import STOPS_A_HANG

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


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


def test_every_recipe_on_a_page_is_valid(tmp_path: Path):
    from groundglass.recipes.load import load_recipe

    found = 0
    for page in PAGES:
        for text in blocks(page, "yaml"):
            if "steps:" in text and text.lstrip().startswith("name:"):
                path = tmp_path / "page.yaml"
                path.write_text(text, encoding="utf-8")
                load_recipe(path)
                found += 1
    assert found >= 2


def commands_of(page: Path) -> list[str]:
    lines = [line.split("  #")[0].strip() for text in blocks(page, "sh") for line in text.splitlines()]
    return [line for line in lines if line.startswith(("groundglass ", "python -m "))]


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=lambda page: page.name)
def test_commands_on_a_page_run_in_their_order(page: Path, tmp_path: Path):
    """In a folder with ``photos/``, the page's recipes as files by their names, and the quickstart done."""
    sys.path.insert(0, str(ROOT / "tests" / "flows"))
    from flow_tools import ENVIRONMENT, make_photos

    make_photos(tmp_path / "photos")
    make_photos(tmp_path / "Pictures", size=(300, 280))
    for text in blocks(page, "yaml"):
        name = re.match(r"name: (\w+)", text)
        if name:
            (tmp_path / f"{name[1]}.yaml").write_text(text.replace("tile: 512", "tile: 64"), encoding="utf-8")
    environment = ENVIRONMENT | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}",
    }
    for command in commands_of(page):
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=STOPS_A_HANG,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
