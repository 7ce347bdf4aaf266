"""The file study.yaml: the keys of a study, and its name."""

from __future__ import annotations

import re
from pathlib import Path

from groundglass.recipes.errors import error_at
from groundglass.recipes.recipe_text import read_text
from groundglass.recipes.study_model import StudyStep
from groundglass.recipes.validate import build
from groundglass.recipes.yaml_nodes import Node, parse
from groundglass.settings.field_types import NAME

KEYS = "study.yaml"
"""The name of the file in a study's own folder."""


def study_file(study: str) -> Path | None:
    """The study.yaml that an argument names: the file, or the folder of a study that was made; None for a name."""
    path = Path(study).expanduser()
    if path.is_dir() and (path / KEYS).is_file():
        return path / KEYS
    return path if path.is_file() else None


def read_study(path: Path) -> tuple[str, StudyStep]:
    """The name and the keys of a study.yaml. Raises RecipeError with file, line and nearest word for a fault."""
    start = "start with `protocol: acr`"
    root = parse(read_text(path), start, "this study is empty")
    if not isinstance(root.value, dict):
        raise error_at(root.mark, "a study is a mapping of keys", start)
    name = path.stem if re.fullmatch(NAME, path.stem) else "study"
    if "name" in root.value:
        name = _name(root, root.value["name"])
    return name, build(StudyStep, root.without("name"), root.mark, "study")


def _name(root: Node, node: Node) -> str:
    if not isinstance(node.value, str) or not re.fullmatch(NAME, node.value):
        hint = "use letters, digits, - and _; it names the folder below studies/"
        raise error_at(
            node.mark if node.value is not None else root.keys["name"], "`name` must be a name", hint
        )
    return node.value
