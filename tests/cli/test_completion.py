"""Shells complete commands, options, recipes, runs and measures: through click's protocol, and in real shells."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT
from test_next_lines import script

from groundglass.cli.main import COMMANDS
from groundglass.measures.catalog import MEASURES
from patience import STOPS_A_HANG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the program in ``bin/``, a recipe's file, and two runs of `faces` and one of `fog`."""
    script(tmp_path / "bin/groundglass")
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    for run in ("faces/0001", "faces/0002", "fog/0001"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "run.json").write_text("{}")
    return tmp_path


def environment(folder: Path, **more: str) -> dict[str, str]:
    return ENVIRONMENT | {"PATH": f"{folder / 'bin'}:{ENVIRONMENT['PATH']}", "HOME": str(folder)} | more


def completed(folder: Path, line: str) -> list[str]:
    """The words that a shell would show for a line; the last word is the one that is typed."""
    words = line.split(" ")
    done = subprocess.run(
        [folder / "bin/groundglass"],
        cwd=folder,
        env=environment(
            folder,
            COMP_WORDS=line,
            COMP_CWORD=str(len(words) - 1),
            _GROUNDGLASS_COMPLETE="bash_complete",
        ),
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )
    assert done.stderr == ""
    items = [item.partition(",") for item in done.stdout.splitlines()]
    return [value for kind, _, value in items if kind == "plain"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("groundglass pl", ["plan"]),
        ("groundglass run --re", ["--retry"]),
        ("groundglass run --retry ", ["failed"]),
        ("groundglass run fac", ["faceup"]),
        ("groundglass plan mi", ["mine.yaml"]),
        ("groundglass show f", ["faces", "fog"]),
        ("groundglass why fa", ["faces"]),
        ("groundglass diff faces fo", ["fog"]),
        ("groundglass export fo", ["fog"]),
        ("groundglass audit fa", ["faceup", "faces"]),
        ("groundglass measures block", ["blockiness"]),
        ("groundglass measure header,block", ["header,blockiness"]),
        ("groundglass selections decon", ["decontaminate"]),
        ("groundglass transforms best", ["best_tile"]),
        ("groundglass questions cap", ["caption"]),
        ("groundglass init new photos --like b", ["bhi"]),
        ("groundglass show nowhere", []),
        ("groundglass nothing ", list(COMMANDS)),
    ],
)
def test_words_are_completed(folder: Path, line: str, words: list[str]):
    assert completed(folder, line) == words


def test_all_commands_are_shown_without_loading_them(folder: Path):
    assert completed(folder, "groundglass ") == list(COMMANDS)


def test_measures_that_are_typed_already_are_not_shown_again(folder: Path):
    shown = completed(folder, "groundglass measure blockiness,")
    assert set(shown) == {f"blockiness,{name}" for name in MEASURES if name != "blockiness"}


def test_a_recipe_in_a_folder_is_completed_with_its_folder(folder: Path):
    (folder / "recipes").mkdir()
    (folder / "recipes/other.yml").write_text("name: other\n")
    assert completed(folder, "groundglass plan recipes/o") == ["recipes/other.yml"]


def in_shell(folder: Path, shell: str, commands: str) -> str:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    options = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [program, *options, "-c", commands],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


BASH = """
eval "$(_GROUNDGLASS_COMPLETE=bash_source groundglass)"
complete -p groundglass >/dev/null
compopt() { :; }   # it works only while the line editor asks
ask() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  _groundglass_completion groundglass; echo "${COMPREPLY[*]}"
}
ask groundglass pl
ask groundglass show f
ask groundglass measure header,block
"""


def test_bash_completes(folder: Path):
    assert in_shell(folder, "bash", BASH).splitlines() == ["plan", "faces fog", "header,blockiness"]


ZSH = """
compdef() { print -- "$@" }   # what `compinit` brings
eval "$(_GROUNDGLASS_COMPLETE=zsh_source groundglass)"
compadd() { print -- $completions }
_describe() { print -- $completions_with_descriptions }
_path_files() { : }
ask() { words=("$@"); CURRENT=$#; _groundglass_completion }
ask groundglass pl
ask groundglass show f
"""


def test_zsh_completes(folder: Path):
    registered, commands, runs = in_shell(folder, "zsh", ZSH).splitlines()
    assert registered == "_groundglass_completion groundglass"
    assert commands == f"plan:{COMMANDS['plan']}"
    assert runs == "faces fog"


FISH = """
_GROUNDGLASS_COMPLETE=fish_source groundglass | source
complete --do-complete 'groundglass pl'
complete --do-complete 'groundglass show f'
"""


def test_fish_completes(folder: Path):
    said = in_shell(folder, "fish", FISH).splitlines()
    assert said[0].split("\t")[0] == "plan"
    assert {"faces", "fog"} <= {line.split("\t")[0] for line in said[1:]}
