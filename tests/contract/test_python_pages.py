"""The pages on Python run from top to bottom in one process, and print what they show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT, make_photos

import groundglass
from patience import STOPS_A_HANG

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "reference" / "python.md", DOCS / "how-to" / "notebooks.md"]
CELL = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<said>.*?)^```)?", re.MULTILINE | re.DOTALL
)
MARK = "-- end of cell --"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_prints_what_it_shows(page: Path, tmp_path: Path):
    """As a script, read from stdin, with the worker processes that a notebook would have."""
    make_photos(tmp_path / "photos")
    cells = [(found["code"], found["said"]) for found in CELL.finditer(page.read_text(encoding="utf-8"))]
    assert len(cells) >= 8
    script = f"\nprint({MARK!r})\n".join([*(code for code, _ in cells), ""])
    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    printed = done.stdout.split(f"{MARK}\n")
    for (code, shown), said in zip(cells, printed, strict=False):
        assert said == (shown or ""), code
    assert len(printed) == len(cells) + 1


def test_the_reference_has_every_public_name():
    text = PAGES[0].read_text(encoding="utf-8")
    missing = [name for name in groundglass.__all__ if f"`{name}" not in text]
    assert missing == ["__version__"]


def test_the_reference_has_every_attribute_of_a_run_and_an_image():
    text = PAGES[0].read_text(encoding="utf-8")
    for kind in (groundglass.Run, groundglass.Image):
        public = [name for name in vars(kind) if not name.startswith("_") and name != "frame"]
        assert [name for name in public if f"`.{name}" not in text] == []
