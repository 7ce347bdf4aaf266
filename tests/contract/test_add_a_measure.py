"""The page that tells how to add a measure, followed word for word in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "add-a-measure.md"


def test_the_page_leads_to_a_measure(tmp_path: Path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    measure, test = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "src/groundglass/measures/warmth.py").write_text(measure)
    (tmp_path / "test_warmth.py").write_text(test)
    catalog = tmp_path / "src/groundglass/measures/catalog.py"
    text = catalog.read_text().replace("import (\n", "import (\n    warmth,\n")
    if "warmth" not in text:
        text = re.sub(r"(from groundglass\.measures import .*)", r"\1, warmth", text)
    text = text.replace(
        "MEASURES: dict[str, Measure] = {", 'MEASURES: dict[str, Measure] = {\n    "warmth": warmth.MEASURE,'
    )
    catalog.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--doctest-modules",
        "test_warmth.py",
    ]
    done = subprocess.run(
        [*tests, "src/groundglass/measures/warmth.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    command = [sys.executable, "-c", "from groundglass.cli.main import main; main()", "measures", "warmth"]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "mean of red minus blue" in told.stdout
