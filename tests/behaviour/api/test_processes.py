"""Worker processes start from a notebook or a plain script: no main guard, stdin, a running event loop, a thread."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flow_tools import ENVIRONMENT, files_of, heeds_control_c, make_photos

import groundglass
from patience import STOPS_A_HANG, wait_until

RUN = """
import sys, groundglass
table = groundglass.measure_files(["photos/00.png", "photos/broken.png"], ["noise"], workers=2)
run = groundglass.run({"name": "a", "steps": [{"source": {"folder": "photos"}}, {"measure": ["noise"]}]}, workers=2)
print(table["error"].to_pylist(), run.rows("measure-1").num_rows)
"""
IN_A_LOOP = f"import asyncio\nasync def cell():\n    exec({RUN!r}, globals())\nasyncio.run(cell())\n"
IN_A_THREAD = (
    f"import threading\nt = threading.Thread(target=exec, args=({RUN!r}, {{}}))\nt.start(); t.join()\n"
)
SAID = "[None, 'truncated'] 5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_photos(tmp_path / "photos", count=3)
    (tmp_path / "photos" / "blocky.jpg").unlink()
    (tmp_path / "script.py").write_text(RUN)
    return tmp_path


def python(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
        **more,
    )


@pytest.mark.parametrize("code", [RUN, IN_A_LOOP, IN_A_THREAD], ids=["plain", "event loop", "thread"])
def test_code_given_on_the_command_line_runs_with_workers(folder: Path, code: str):
    done = python(folder, "-c", code)
    assert (done.stdout, done.stderr) == (SAID, "")


def test_a_script_without_a_main_guard_and_one_on_stdin_run_with_workers(folder: Path):
    assert python(folder, "script.py").stdout == SAID
    assert python(folder, "-", input=RUN).stdout == SAID


def test_ctrl_c_saves_what_is_done_and_the_same_call_goes_on(folder: Path):
    make_photos(folder / "photos", count=60)
    recipe = {"name": "a", "steps": [{"source": {"folder": "photos"}}, {"measure": ["resolution"]}]}
    code = (
        f"import groundglass\ntry:\n    groundglass.run({recipe!r}, workers=1)\n"
        "except groundglass.errors.Interrupted as stop:\n    print('interrupted', stop.__notes__)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )
    wait_until(lambda: files_of(folder) >= 4 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=STOPS_A_HANG)
    assert said.startswith("interrupted")
    assert groundglass.open_run("a", folder / "runs").state == "interrupted"
    done = python(folder, "-c", code)
    assert done.returncode == 0, done.stderr
    run = groundglass.open_run("a", folder / "runs")
    assert (run.number, run.state) == (1, "done")
