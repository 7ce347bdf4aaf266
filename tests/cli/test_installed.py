"""What a user gets who installs a wheel: everything that the quickstart needs, and nothing that it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patience import STOPS_A_HANG

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
HEAVY = {"torch", "torchvision", "transformers", "onnxruntime", "openai", "google-genai"}
SHIPPED = """
from groundglass.recipes.shipped import shipped, shipped_names
print(*map(shipped, shipped_names()), sep="\\n")
"""
NO_CHECKOUT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def succeeds(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must end well, with nothing of this checkout on its path; what it printed."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=NO_CHECKOUT | environment,
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG * 4,  # a slow network is no hang
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where packages cannot be had."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), "hatchling"]
    if subprocess.run(command, capture_output=True, check=False, timeout=STOPS_A_HANG).returncode:
        pytest.skip("no package index can be reached: pip cannot fetch hatchling")


def installed(folder: Path) -> Path:
    """The programs of an environment that was empty before a wheel of this checkout was installed into it."""
    succeeds(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    succeeds(sys.executable, "-m", "venv", folder / "environment", cwd=folder)
    programs = folder / "environment" / "bin"
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS)
    succeeds(*pip, f"{wheel}[quickstart]", cwd=folder)
    return programs


def test_a_wheel_in_an_empty_environment_runs_the_quickstart_in_an_empty_folder(index: None, tmp_path: Path):
    """One test, since to install takes a minute."""
    programs, empty = installed(tmp_path), tmp_path / "empty"
    empty.mkdir()

    listed = succeeds(programs / "python", "-m", "pip", "list", "--format", "freeze", cwd=empty)
    names = {line.split("==")[0].lower() for line in listed.splitlines()}
    assert "groundglass" in names
    assert names & HEAVY == set(), "the core comes without networks"

    told = succeeds(programs / "python", "-c", SHIPPED, cwd=empty)
    recipes = [Path(line) for line in told.splitlines()]
    assert [path.name for path in recipes] == sorted(path.name for path in (ROOT / "recipes").glob("*.yaml"))
    assert all(programs.parent in path.parents for path in recipes), "they are the wheel's own"

    succeeds(programs / "groundglass", "quickstart", cwd=empty, HOME=str(empty))
    run = empty / "runs" / "quickstart" / "0001"
    assert len(list((run / "release").rglob("*.png"))) > 9
    assert (run / "release" / "SHA256SUMS").is_file()
    assert (run / "report" / "index.html").is_file()


def test_pip_refuses_torchvision(index: None, tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "-c",
        str(CONSTRAINTS),
        "torchvision",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=STOPS_A_HANG, check=False
    )
    assert done.returncode != 0
    assert "torchvision" in done.stderr
