"""The page that tells how to add a selection, a transform, a source and a format, followed word for word in a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "extend.md"
LINE = re.compile(r"`(src/[^`]*catalog\.py)`: `(\w+),` at the end of `(\w+)`")
NEW = ("trim", "center", "paths", "listed")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all that the page adds: four times a file, a line in a catalog, and a test."""
    project = tmp_path_factory.mktemp("project")
    for name in ("src", "tests", "docs"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    text = PAGE.read_text(encoding="utf-8")
    blocks = [
        (re.findall(r"`((?:src|tests)/[^`]+\.py)`", before)[-1], code.partition("\n```")[0] + "\n")
        for before, code in pairwise(text.split("```python\n"))
    ]
    assert len(blocks) == 8, "a record and a test of each"
    records = {}
    for path, code in blocks:
        assert not (project / path).exists(), "nothing that is there is replaced"
        (project / path).write_text(code, encoding="utf-8")
        records |= dict.fromkeys(re.findall(r"^class (\w+)\(", code, re.M), path)
    lines = LINE.findall(text)
    assert len(lines) == 4
    for catalog, record, name in lines:
        add_to_catalog(project / catalog, record, name, records[record])
    return project


def add_to_catalog(catalog: Path, record: str, name: str, path: str) -> None:
    """The line at the end of the tuple, and the import."""
    module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    text = catalog.read_text(encoding="utf-8")
    before, after = re.split(rf"(?<=\n){name}: tuple\[.*?\] = \(", text)
    inside, rest = after.split(")", 1)
    start = re.search(rf"^{name}: .*?\(", text, re.M)
    assert start is not None
    members = inside.strip().rstrip(",")
    before = before.replace("\n\nfrom groundglass", f"\n\nfrom {module} import {record}\nfrom groundglass", 1)
    catalog.write_text(f"{before}{start[0]}{members}, {record}){rest}", encoding="utf-8")


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_its_own_tests_and_the_contracts_hold(project: Path):
    contracts = [
        f"tests/contract/test_{name}.py" for name in ("selections", "transforms", "sources", "formats")
    ]
    own = ["selections/test_trim", "transforms/test_center", "sources/test_path_list", "releases/test_listed"]
    files = [*contracts, "tests/contract/test_layers.py", *(f"tests/behaviour/{name}.py" for name in own)]
    which = " or ".join([*NEW, "test_layers", "path_list"])
    told = run(project, "-m", "pytest", "-vv", "-p", "no:cacheprovider", "-k", which, *files)
    assert all(f"[{name}]" in told for name in NEW), "the contracts take it from the catalog"


def test_a_recipe_can_name_them_and_the_reference_tells_of_them(project: Path):
    run(project, "docs/generate.py")
    page = (project / "docs/reference/recipe.md").read_text(encoding="utf-8")
    for example in (
        "select: {trim: 5%",
        "transform: {center: 256}",
        "source: {paths: best.txt}",
        "format: listed",
    ):
        assert example in page
    main = ("-c", "from groundglass.cli.main import main; main()")
    assert "share that is dropped at either end" in run(project, *main, "selections", "trim")
    (project / "mine.yaml").write_text(
        "name: mine\nsteps:\n  - source: {paths: best.txt}\n  - measure: [complexity]\n"
        "  - select: {trim: 10%, by: entropy}\n  - transform: {center: 64}\n"
        "  - release: {format: listed, allow_unknown_licence: true}\n"
    )
    sys.path.insert(0, str(ROOT / "tests" / "flows"))
    from flow_tools import make_photos

    photos = sorted(make_photos(project / "photos").glob("*.png"))
    (project / "best.txt").write_text("".join(f"{path}\n" for path in photos))
    steps = json.loads(run(project, *main, "run", "mine.yaml", "--json"))["steps"]
    assert [step["out"] for step in steps] == [17, 16, 14, 14, 14]
    assert (project / "runs/mine/0001/release/train.txt").read_text().count("\n") == 14
