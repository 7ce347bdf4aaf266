"""The house: every import goes down, rooms of one floor do not import each other, and no modules import in a circle.

Every import counts: at the top of a file, inside a function, or for types alone. There are no exceptions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import groundglass

PACKAGE = Path(groundglass.__file__).parent
FLOORS = (
    ("text", "random_streams", "notices", "training"),
    ("extras",),
    ("errors", "catalog", "settings"),
    ("libraries",),
    ("files",),
    ("image",),
    ("tables",),
    ("engines", "degradations", "similarity", "models", "source_quality", "ratings"),
    ("calls",),
    ("generators", "made_images"),
    ("sources", "measures", "annotators", "selections", "transforms", "releases"),
    ("recipes",),
    ("plans",),
    ("audits", "proofs", "studies", "benchmarks"),
    ("steps",),
    ("runs",),
    ("drafts",),
    ("pages",),
    ("reports", "testing", "web"),
    ("api", "cli"),
    ("__main__",),
    ("__init__",),
)
"""Rooms from the ground up; a room may import from any floor below its own. `__init__` is the package itself, the face
that `import groundglass` gives: it names what `api` has, for types, and nothing in the package may use it.
"""
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports(file: Path) -> Iterator[str]:
    """The modules of the package that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "groundglass":
            # the version is a constant that is there before anything else: naming it uses no room
            names = (alias.name for alias in node.names if alias.name != "__version__")
            whole = (f"{node.module}.{name}" for name in names)
            yield from (name if name in MODULES else node.module for name in whole)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "groundglass")


ROOMS = {name: file for name, file in MODULES.items() if file.name == "__init__.py" and name.count(".") == 1}
IMPORTS = {name: set(imports(file)) - {name} for name, file in MODULES.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_every_room_stands_on_a_floor_and_no_floor_has_a_room_that_is_gone():
    rooms = {room(name) for name in MODULES}
    assert rooms == FLOOR.keys()


def test_every_import_goes_down():
    wrong = [
        f"{name} imports {used}"
        for name, every in IMPORTS.items()
        for used in sorted(every)
        if room(used) != room(name) and FLOOR[room(used)] >= FLOOR[room(name)]
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    left = {name: set(every) for name, every in IMPORTS.items()}
    while free := [name for name, every in left.items() if not every & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


def what_it_may_import(level: int) -> str:
    """The sentence at the end of a room's docstring."""
    if level == 0:
        return "It imports nothing of the package."
    *others, last = (f"`{one}`" for one in FLOORS[level - 1])
    before = f"{', '.join(others)} and " if others else ""
    return f"It may import {before}{last}, and the floors below."


def test_every_room_says_what_lives_there_and_what_it_may_import():
    said = {
        name: " ".join((ast.get_docstring(ast.parse(file.read_text())) or "").split())
        for name, file in ROOMS.items()
    }
    silent = [name for name, text in said.items() if len(text) < 60]
    assert silent == []
    wrong = [name for name, text in said.items() if not text.endswith(what_it_may_import(FLOOR[room(name)]))]
    assert wrong == []


def test_no_import_is_relative():
    """What counts imports reads their whole names."""
    relative = [
        name
        for name, file in MODULES.items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
