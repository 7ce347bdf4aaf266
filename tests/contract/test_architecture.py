"""docs/architecture.md is about the package as it is: its files exist, and its drawing has the floors that hold."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_layers import FLOORS, PACKAGE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PLANNED = ("sources/download.py", "engines/ray.py")
"""Files of planned features, named as such on the page."""
OF_CLIENTS = "annotators/clients"
"""The folder of the files that the section on model servers names without one."""


def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_house", ROOT / "docs" / "house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_named(text: str) -> list[str]:
    return sorted(
        {
            name
            for span in re.findall(r"`([^`\n]+)`", text)
            for name in re.findall(r"^[\w/.-]+\.(?:py|txt|md)$", span)
        }
    )


@pytest.mark.parametrize("name", files_named(PAGE.read_text(encoding="utf-8")))
def test_every_file_named_exists(name: str):
    places = (PACKAGE / name, ROOT / name, PACKAGE / OF_CLIENTS / name)
    exists = any(place.is_file() for place in places)
    assert exists != (name in PLANNED), (
        f"{name}: a planned file that exists is no longer planned" if exists else name
    )


def test_the_walks_name_files():
    walks = PAGE.read_text(encoding="utf-8").split("## The first walk")[1].split("## The data")[0]
    assert len(files_named(walks)) > 40


def test_the_table_has_the_rooms_of_every_floor():
    table = PAGE.read_text(encoding="utf-8").split("| floor,")[1].split("\n\n")[0]
    rows = [
        [name.rstrip("/") for name in re.findall(r"(?:\| |· )`([\w/]+)`", row)]
        for row in table.splitlines()
        if "`" in row
    ]
    assert [set(row) for row in rows] == [
        set(floor) for floor in FLOORS if floor not in (("__main__",), ("__init__",))
    ]


def test_the_drawing_has_the_rooms_of_every_floor_and_is_current():
    drawn = house()
    assert [set(rooms) for _, rooms in reversed(drawn.FLOORS)] == [set(floor) for floor in FLOORS]
    rooms = {room for floor in FLOORS for room in floor}
    assert rooms >= drawn.IMAGE | drawn.THRESHOLD
    assert (ROOT / "docs/images/house.svg").read_text(encoding="utf-8") == drawn.svg(), "run `make docs`"
