"""One process at a time in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groundglass.errors import RecipeError, UnreachableError
from groundglass.files.folder_lock import only_one

HOLDER = """
import sys, time
from pathlib import Path
from groundglass.files.folder_lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_holds_it_and_a_kill_frees_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(RecipeError, match=f"run 3 is in use by process {holder.pid}$"),
            only_one(tmp_path, "run 3"),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with only_one(tmp_path, "run 3"):
        pass


def test_it_is_free_again_after_an_error_inside(tmp_path: Path) -> None:
    with pytest.raises(ValueError), only_one(tmp_path):
        raise ValueError
    with only_one(tmp_path), pytest.raises(RecipeError, match="is in use by"), only_one(tmp_path):
        pass
    assert (tmp_path / ".lock").read_bytes() == b""


def test_a_folder_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError), only_one(tmp_path / "absent"):
        pass
