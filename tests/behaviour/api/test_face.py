"""`import groundglass` gives every public name to people, editors and type checkers, and loads nothing."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import groundglass
from groundglass.catalog import Measure
from groundglass.measures.catalog import MEASURES
from patience import STOPS_A_HANG

INIT = ast.parse(Path(groundglass.__file__).read_text(encoding="utf-8"))
MODULES: dict[str, str] = groundglass._MODULES
OF_ARRAYS = {
    name: measure
    for name, measure in MEASURES.items()
    if measure.network is None and measure.needs == "pixels" and not measure.of_pairs
}
"""Measures that need the pixels of one image and nothing else."""


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=STOPS_A_HANG, check=True
    )
    return done.stdout


def test_a_bare_import_loads_no_other_module():
    loaded = python(
        "import sys; before = set(sys.modules); import groundglass; print(set(sys.modules) - before)"
    )
    assert loaded.strip() == "{'groundglass'}"


def test_names_of_types_and_errors_load_no_image_library():
    code = "import sys, groundglass; groundglass.errors.ImageError; print([m for m in HEAVY if m in sys.modules])"
    heavy = ["numpy", "pyarrow", "duckdb", "cv2", "numba", "PIL", "scipy"]
    assert python(code.replace("HEAVY", repr(heavy))).strip() == "[]"


def test_completion_shows_the_public_names_and_no_others():
    assert dir(groundglass) == sorted(groundglass.__all__)
    assert set(groundglass.__all__) == MODULES.keys() | {"errors", "__version__"}


@pytest.mark.parametrize("name", groundglass.__all__)
def test_every_name_is_there_and_says_what_it_does(name: str):
    found = getattr(groundglass, name)
    if name != "__version__":
        assert len(inspect.getdoc(found) or "") > 40
        assert found is getattr(groundglass, name)


def test_a_type_checker_sees_what_runs():
    """The imports that only a type checker reads name the same functions of the same modules."""
    typed = {
        alias.asname: node.module
        for node in ast.walk(INIT)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("groundglass")
        for alias in node.names
        if alias.asname == alias.name
    }
    assert typed == MODULES | {"errors": "groundglass"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="blokiness"):
        _ = groundglass.blokiness


def test_there_is_one_function_for_each_measure_that_needs_pixels_alone():
    assert {name for name, module in MODULES.items() if module.endswith("array_measures")} == OF_ARRAYS.keys()


@pytest.mark.parametrize("measure", OF_ARRAYS.values(), ids=lambda measure: measure.name)
def test_its_arguments_are_the_settings_of_the_measure(measure: Measure):
    image, *settings = inspect.signature(getattr(groundglass, measure.name)).parameters.values()
    assert image.kind is inspect.Parameter.POSITIONAL_ONLY
    assert {one.name: one.default for one in settings} == {
        name: parameter.default for name, parameter in measure.parameters.items()
    }


@pytest.mark.parametrize("name", ["measure", "measure_files"])
def test_no_argument_hides_a_setting_of_a_measure(name: str):
    own = {
        one.name
        for one in inspect.signature(getattr(groundglass, name)).parameters.values()
        if one.kind is not inspect.Parameter.POSITIONAL_ONLY
    }
    settings = {setting for measure in MEASURES.values() for setting in measure.parameters}
    assert own & settings == set()
