"""The training half runs on a machine that has torch, numpy and safetensors, and nothing else of groundglass."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import groundglass

PACKAGE = Path(groundglass.__file__).parent
ALLOWED = {"numpy", "torch", "safetensors"}
OTHERS = sorted(
    {
        *(
            "scipy",
            "numba",
            "PIL",
            "simplejpeg",
            "cv2",
            "pyarrow",
            "duckdb",
            "pydantic",
            "ruamel",
            "click",
            "rich",
        ),
        *("jinja2", "transformers", "huggingface_hub", "onnxruntime", "onnx", "httpx2", "skimage"),
    }
)


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("file", sorted((PACKAGE / "training").glob("**/*.py")), ids=lambda file: file.name)
def test_imports_are_its_own_torch_numpy_and_safetensors(file):
    odd = {
        name
        for name in imported(file)
        if name.split(".")[0] not in ALLOWED | sys.stdlib_module_names
        and not name.startswith("groundglass.training.")
    }
    assert odd == set()


def test_the_package_itself_imports_nothing_when_it_is_imported():
    """Its names are looked up on first use; imports for types alone are not run."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    run = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in run}
    assert {str(name).split(".")[0] for name in names} <= sys.stdlib_module_names


BARE = f"""
import runpy, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in {OTHERS!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
for name in {OTHERS!r}:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(name + " is still found")
sys.argv = ["training", sys.argv[1]]
runpy.run_module("groundglass.training", run_name="__main__")
"""


def test_a_job_runs_with_that_folder_alone(tmp_path):
    """Copied: `groundglass/__init__.py` and `groundglass/training`. Other packages are not found."""
    pytest.importorskip("torch")
    from training_jobs import small_job

    alone = tmp_path / "alone" / "groundglass"
    alone.mkdir(parents=True)
    shutil.copy(PACKAGE / "__init__.py", alone)
    shutil.copytree(PACKAGE / "training", alone / "training", ignore=shutil.ignore_patterns("__pycache__"))
    job = small_job(tmp_path / "job")
    job.write(tmp_path / "job.json")
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(tmp_path / "job.json")],
        env={**os.environ, "PYTHONPATH": str(alone.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["iterations"] == 12
