"""What must be true of every source in the catalog."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groundglass.errors import GroundglassError
from groundglass.sources.catalog import SOURCES
from groundglass.sources.source import SQL_TYPES, Home, Source

sys.path.insert(0, str(Path(__file__).parent))
from members import written

NAMES = {source.keys[0]: source for source in SOURCES}
every = pytest.mark.parametrize("name", NAMES)


@every
def test_its_record_says_what_it_means(name: str) -> None:
    source = written("source", NAMES[name].example)
    assert isinstance(source, NAMES[name])
    assert source.label()
    assert source.summary().endswith(".")
    assert source.reference
    assert all(field.description for field in NAMES[name].model_fields.values())


@every
def test_where_nothing_lies_it_is_refused_or_has_images_of_its_own(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = written("source", NAMES[name].example)
    assert isinstance(source, Source)
    try:
        brought = source.look()
    except GroundglassError:
        return
    assert set(brought.meta) <= set(brought.columns)
    assert set(brought.columns.values()) <= set(SQL_TYPES.values())
    assert source.listing({}, Home(tmp_path)).num_rows, "what was not refused has images"


def test_the_catalog_is_light() -> None:
    code = (
        "import sys, groundglass.sources.catalog; print({'numba', 'cv2', 'scipy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
