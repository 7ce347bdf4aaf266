"""`make check-fast` runs the tests that a change calls for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "check_fast.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_fast", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("changed", "calls_for", "steps"),
    [
        ("tests/flows/test_run.py", "tests/flows/test_run.py", 0),
        ("src/groundglass/transforms/tile.py", "tests/behaviour/transforms/test_tile.py", 1),
        ("src/groundglass/transforms/tile.py", "src/groundglass/transforms/tile.py", 0),
        ("src/groundglass/kernel/image/png.py", "tests/behaviour/kernel/image/test_header.py", 2),
        ("src/groundglass/reports/static/dom.js", "tests/web/test_report.py", 1),
        ("src/groundglass/cli/why.py", "tests/cli/test_commands.py", 99),
        ("tests/flows/flow_tools.py", "tests/flows/test_run_kills.py", 1),
        ("recipes/bhi.yaml", "tests/behaviour/recipes/test_recipe_reference.py", 1),
        ("README.md", "tests/contract/test_docs.py", 0),
    ],
)
def test_a_change_calls_for_its_tests(tool: ModuleType, changed: str, calls_for: str, steps: int):
    assert tool.tests_of([Path(changed)])[Path(calls_for)] == steps


def test_every_module_of_the_package_calls_for_some_test(tool: ModuleType):
    users = tool.importers()
    modules = [path for path in map(Path, users) if path.parts[0] == "src" and path.name != "__init__.py"]
    assert len(modules) > 200
    assert [path for path in modules if not list(tool.nearest_tests(path, users))] == []


def test_floors_come_first_and_whole_runs_last(tool: ModuleType):
    order = list(map(str, tool.in_order(tool.tests_of([Path("src/groundglass/kernel/errors.py")]))))
    assert order[0] == "tests/contract/test_layers.py"
    slow = [path.startswith(("tests/flows", "tests/web", "tests/engines")) for path in order]
    assert slow == sorted(slow)
    assert sum(slow) > 3
    assert order.index("src/groundglass/kernel/errors.py") < order.index(
        "tests/behaviour/kernel/image/test_header.py"
    )
