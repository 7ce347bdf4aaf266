"""What a user gets who installs a wheel: everything that the quickstart needs, and nothing that it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


@pytest.fixture(scope="module")
def wheel(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    succeeds(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def environment(folder: Path, *install: str | Path) -> Path:
    """The programs of an environment that was empty before this was installed into it."""
    succeeds(sys.executable, "-m", "venv", "--without-pip", folder / "environment", cwd=folder)
    programs = folder / "environment" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    succeeds(*pip, "install", "--quiet", "--constraint", CONSTRAINTS, *install, cwd=folder)
    return programs


def lend(programs: Path, extra: str) -> None:
    """Let an environment find what the wheel in it says that it needs with an extra, and what that needs, and no more.

    It is lent from where these tests run, as links: to fetch and unpack it takes a minute.
    """
    (site,) = (programs.parent / "lib").glob("python*/site-packages")
    lent = programs.parent / "lent"
    lent.mkdir()
    (mine,) = distributions(path=[str(site)], name="groundglass")
    for name in needed(mine, extra):
        found = distribution(name)
        for top in {
            file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")
        }:
            link, there = lent / top, Path(str(found.locate_file(top)))
            if not link.is_symlink():
                link.symlink_to(there)
    (site / "lent.pth").write_text(str(lent))


def needed(mine: Distribution, extra: str) -> set[str]:
    """Names of all packages that one needs here, those of those included."""
    found: set[str] = set()
    waiting = [(mine, extra)]
    while waiting:
        owner, with_extra = waiting.pop()
        for requirement in map(Requirement, owner.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": with_extra}):
                assert requirement.specifier.contains(
                    distribution(requirement.name).version, prereleases=True
                )
                if requirement.name not in found:
                    found.add(requirement.name)
                    waiting.append((distribution(requirement.name), ""))
    return found


def runs_the_quickstart_in_an_empty_folder(programs: Path, folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    listed = succeeds(*pip, "list", "--format", "freeze", cwd=empty)
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


def test_a_wheel_with_what_it_names_and_no_more_runs_the_quickstart(wheel: Path, tmp_path: Path):
    programs = environment(tmp_path, "--no-deps", wheel)
    lend(programs, "quickstart")
    runs_the_quickstart_in_an_empty_folder(programs, tmp_path)


@pytest.mark.long
def test_a_wheel_in_an_empty_environment_runs_the_quickstart(wheel: Path, tmp_path: Path):
    """With all that pip fetches for it, which takes a minute."""
    programs = environment(tmp_path, f"{wheel}[quickstart]")
    runs_the_quickstart_in_an_empty_folder(programs, tmp_path)


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
