"""The house: faces above flows above rooms above the kernel, and siblings never import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import groundglass

PACKAGE = Path(groundglass.__file__).parent
FLOORS = [
    {"kernel"},
    {"sources", "measures", "selections", "transforms", "annotators"},
    {"recipes", "releases", "audits"},
    {"cli", "reports"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
ALLOWED = {
    ("cli", "reports"),
    ("recipes", "releases"),
    ("releases", "recipes"),
    ("recipes", "audits"),
    ("audits", "recipes"),
}


def imports(file: Path) -> set[str]:
    """Rooms that a file imports, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in modules if name.startswith("groundglass.")}
    return found


def test_every_folder_stands_on_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders <= FLOOR.keys()


def test_imports_go_only_downwards():
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {used}"
        for room in FLOOR
        for file in sorted((PACKAGE / room).rglob("*.py"))
        for used in imports(file) - {room}
        if FLOOR[used] >= FLOOR[room] and (room, used) not in ALLOWED
    ]
    assert wrong == []
