"""The last line can be copied: it names the program as it can be typed here, however it was started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT, make_photos, write_recipe

from patience import STOPS_A_HANG

SCRIPT = f"#!{sys.executable}\nimport sys\nfrom groundglass.cli.main import main\nsys.exit(main())\n"
"""What pip writes for an entry point."""


def script(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return path


def said(folder: Path, *words: str, path: str = "/usr/bin:/bin") -> str:
    """The words of the last line that a command prints."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=ENVIRONMENT | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.splitlines()[-1].split())


def test_below_the_working_folder_it_is_its_path(tmp_path: Path):
    script(tmp_path / ".venv/bin/groundglass")
    assert said(tmp_path, ".venv/bin/groundglass", "measures") == "next .venv/bin/groundglass measures header"


def test_from_elsewhere_it_is_its_whole_path(tmp_path: Path):
    program = script(tmp_path / "my env/bin/groundglass")
    (tmp_path / "work").mkdir()
    assert said(tmp_path / "work", str(program), "measures") == f"next '{program}' measures header"


def test_where_the_shell_finds_it_it_is_its_name(tmp_path: Path):
    program = script(tmp_path / "bin/groundglass")
    found = said(tmp_path, str(program), "measures", path=f"{program.parent}:/usr/bin:/bin")
    assert found == "next groundglass measures header"


def test_where_the_shell_finds_another_one_it_is_its_path(tmp_path: Path):
    script(tmp_path / "bin/groundglass")
    other = script(tmp_path / "other/groundglass")
    found = said(tmp_path, "bin/groundglass", "measures", path=f"{other.parent}:/usr/bin:/bin")
    assert found == "next bin/groundglass measures header"


def test_started_as_a_module_it_is_that_module(tmp_path: Path):
    bin_ = Path(sys.executable).parent
    found = said(tmp_path, sys.executable, "-m", "groundglass", "selections", path=f"{bin_}:/usr/bin:/bin")
    assert found in (
        "next python -m groundglass selections where",
        "next python3 -m groundglass selections where",
    )
    assert said(tmp_path, sys.executable, "-m", "groundglass", "selections").startswith(f"next {bin_}/python")


def test_every_command_that_says_what_comes_next_names_the_program_as_it_was_typed(tmp_path: Path):
    script(tmp_path / ".venv/bin/groundglass")
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    for words in ("plan small.yaml", "run small.yaml", "show small", "audit small --sample 2 --defects jpeg"):
        assert said(tmp_path, ".venv/bin/groundglass", *words.split()).startswith(
            "next .venv/bin/groundglass "
        )
