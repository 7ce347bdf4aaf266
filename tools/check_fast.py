"""The tests of `make check-fast`: floors, changed tests, contracts, then the tests that a change needs, nearest first.

Changed files are those that differ since the branch left ``main``, committed or not; on ``main`` itself the uncommitted
ones, or else those of the last commit. Of these

- a test file needs itself, and a helper of tests (``tests/flows/flow_tools.py``) the tests that import it;
- a module of the package needs its own examples and the tests that import it, or else those that import a module that
  imports it, and so on; if none does (a command), the tests in folders with the names of its importers' folders;
- another file of the package (a template, a script of the report) needs the tests of the modules in its folder;
- a page needs the tests of the pages.

After `BUDGET` seconds no further test starts: the rest is skipped, counted, and left to `make check`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUDGET = 150.0
"""Seconds after which no test starts. `make check-fast` should end within four minutes."""
FLOORS = Path("tests/contract/test_layers.py")
PAGES = Path("tests/contract/test_docs.py")
SLOW = (Path("tests/flows"), Path("tests/web"), Path("tests/engines"), PAGES)
"""Tests of whole runs, at the end."""
FARTHEST = 99


class Budget:
    """Skips tests that would start too late."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.left = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if time.monotonic() > self.until:
            self.left += 1
            pytest.skip("the time for quick checks is over")


def main() -> int:
    changed = changed_files()
    files = in_order(tests_of(changed))
    sys.stderr.write(f"{len(changed)} files changed, {len(files)} files to test\n")
    budget = Budget(BUDGET)
    code = pytest.main(["-m", "not long", *map(str, files)], plugins=[budget])
    if budget.left:
        sys.stderr.write(
            f"{budget.left} tests were left out after {BUDGET:.0f} s: `make check` runs them all\n"
        )
    return int(code)


def changed_files() -> list[Path]:
    """Paths from the top of the checkout; files that were deleted are not among them."""
    fork = git("merge-base", "HEAD", "main") or git("merge-base", "HEAD", "origin/main") or ["HEAD"]
    found = git("diff", "--name-only", fork[0]) + git("ls-files", "--others", "--exclude-standard")
    found = found or git("diff", "--name-only", "HEAD~1")
    return [Path(name) for name in sorted(set(found)) if (ROOT / name).is_file()]


def git(*arguments: str) -> list[str]:
    """The lines that git prints; none if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def in_order(called: Mapping[Path, int]) -> list[Path]:
    """The floors, the changed tests, the contracts, then the rest by distance; slow tests at the end."""
    steps = dict.fromkeys(contracts(), 0) | dict(called)

    def place(path: Path) -> tuple[bool, bool, bool, bool, int, Path]:
        slow = bool({path, *path.parents} & set(SLOW)) and steps[path] > 0
        contract = path.parent == FLOORS.parent
        return slow, path != FLOORS, called.get(path) != 0, not contract, steps[path], path

    return sorted(steps, key=place)


def contracts() -> list[Path]:
    found = (path.relative_to(ROOT) for path in sorted((ROOT / "tests/contract").glob("test_*.py")))
    return [path for path in found if path != PAGES]


def tests_of(changed: Iterable[Path]) -> dict[Path, int]:
    """The tests for changed files, with the number of imports between: 0 for a changed file itself."""
    users = importers()
    called: dict[Path, int] = {}
    for path in changed:
        if path.suffix == ".py" and (is_test(path) or path.parts[0] == "src"):
            called[path] = 0
        if path.suffix == ".md":
            called[PAGES] = 0
        for module in modules_of(path):
            for test, steps in nearest_tests(module, users):
                called[test] = min(steps, called.get(test, FARTHEST))
    return called


def is_test(path: Path) -> bool:
    return path.parts[0] == "tests" and path.name.startswith("test_") and path.suffix == ".py"


def modules_of(path: Path) -> list[Path]:
    """The Python files with the tests that a changed file needs."""
    if path.parts[0] == "recipes":
        return [Path("src/groundglass/recipes/shipped.py")]
    if is_test(path) or path.parts[0] not in ("src", "tests"):
        return []
    if path.suffix == ".py":
        return [path]
    folder = path.parent
    while not list((ROOT / folder).glob("*.py")) and folder.name:
        folder = folder.parent
    return [found.relative_to(ROOT) for found in sorted((ROOT / folder).glob("*.py"))]


def nearest_tests(module: Path, users: Mapping[Path, set[Path]]) -> Iterator[tuple[Path, int]]:
    """The tests that import a file over the fewest steps, with the number of steps."""
    seen, at, steps = {module}, {module}, 1
    while at:
        at = {user for path in at for user in users.get(path, ())} - seen
        if tests := {user for user in at if is_test(user)}:
            yield from ((test, steps) for test in sorted(tests))
            return
        seen, steps = seen | at, steps + 1
    for name in sorted({user.parent.name for user in seen}):
        for folder in (ROOT / "tests").rglob(name):
            yield from ((test.relative_to(ROOT), FARTHEST) for test in sorted(folder.glob("test_*.py")))


@cache
def importers() -> dict[Path, set[Path]]:
    """For each Python file of the package and the tests, the files that import it."""
    files = [
        path.relative_to(ROOT) for top in ("src", "tests") for path in sorted((ROOT / top).rglob("*.py"))
    ]
    named = {name_of(path): path for path in files}
    users: defaultdict[Path, set[Path]] = defaultdict(set)
    for path in files:
        for name in imported(ROOT / path):
            if name in named:
                users[named[name]].add(path)
    return dict(users)


def name_of(path: Path) -> str:
    """The name under which a file is imported: tests import their helpers by the bare name."""
    parts = path.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts[1:]) if parts[0] == "src" else parts[-1]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


if __name__ == "__main__":
    sys.exit(main())
