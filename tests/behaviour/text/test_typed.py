"""What is printed to be typed can be typed: programs by name or path, and how an extra is installed here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from groundglass import extras
from groundglass.errors import MissingExtra
from groundglass.extras import MODULES, install_command
from groundglass.text.typed import as_typed, short_path


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and nothing on the path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return tmp_path


def test_a_program_that_the_shell_finds_is_its_name(here: Path, monkeypatch: pytest.MonkeyPatch):
    tool = program(here / "bin/tool")
    assert as_typed(tool) == "bin/tool"
    monkeypatch.setenv("PATH", str(here / "bin"))
    assert as_typed(tool) == "tool"
    assert as_typed("bin/../bin/tool") == "tool"


def test_another_program_of_that_name_is_not_mistaken_for_it(here: Path, monkeypatch: pytest.MonkeyPatch):
    tool, other = program(here / "bin/tool"), program(here / "other/tool")
    monkeypatch.setenv("PATH", str(other.parent))
    assert as_typed(tool, links=True) == "bin/tool"


def test_a_link_on_the_path_is_the_program_only_where_links_count(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    tool = program(here / "app/bin/tool")
    (here / "bin").mkdir()
    (here / "bin/tool").symlink_to(tool)
    monkeypatch.setenv("PATH", str(here / "bin"))
    assert as_typed(tool, links=True) == "tool"
    assert as_typed(tool) == "app/bin/tool"


def test_a_path_is_quoted_and_relative_only_below_the_working_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    tool = program(here / "my tools/tool")
    assert as_typed(tool) == "'my tools/tool'"
    (here / "work").mkdir()
    monkeypatch.chdir(here / "work")
    assert as_typed(tool) == f"'{tool}'"
    assert short_path(here) == str(here)


@pytest.fixture
def environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment below the working folder whose Python this is."""
    bin_ = here / ".venv/bin"
    for name in ("python", "pip"):
        program(bin_ / name)
    monkeypatch.setattr(sys, "executable", str(bin_ / "python"))
    return bin_


@pytest.mark.parametrize("extra", sorted(MODULES.keys() - {"spandrel"}))
def test_in_a_clone_an_extra_is_installed_from_it(
    environment: Path, extra: str, monkeypatch: pytest.MonkeyPatch
):
    clone = environment.parents[1]
    (clone / "pyproject.toml").write_text("")
    monkeypatch.setattr(extras, "ROOT", clone)
    monkeypatch.setenv("PATH", str(environment))
    assert install_command(extra) == f"pip install -e '.[{extra}]'"
    (clone / "work").mkdir()
    monkeypatch.chdir(clone / "work")
    assert install_command(extra) == f"pip install -e '{clone}[{extra}]'"


def test_spandrel_is_installed_without_torchvision(environment: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(environment))
    assert install_command("spandrel") == "pip install --no-deps spandrel einops"


def test_the_clone_that_runs_here_is_found():
    assert Path(__file__).parents[3] == extras.ROOT, "the tests run from a clone, whose sources are installed"


def test_elsewhere_it_is_installed_by_the_name_of_the_package(
    environment: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(extras, "ROOT", environment.parents[1])
    monkeypatch.setenv("PATH", str(environment))
    assert install_command("models") == "pip install 'groundglass[models]'"


def test_the_pip_of_another_python_is_not_asked(environment: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras, "ROOT", environment.parents[1])
    program(environment.parents[2] / "usr/pip")
    monkeypatch.setenv("PATH", str(environment.parents[2] / "usr"))
    assert install_command("models") == ".venv/bin/python -m pip install 'groundglass[models]'"


def test_an_error_about_an_extra_says_how_to_install_it_here():
    assert MissingExtra("7z archives", "archive").hint == install_command("archive")
