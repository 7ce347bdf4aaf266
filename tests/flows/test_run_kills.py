"""Killed at any moment and started again, a run ends with the same tables, and leaves no process behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flow_tools import (
    ENVIRONMENT,
    command,
    files_of,
    groundglass,
    heeds_control_c,
    kill_at,
    make_photos,
    marked,
    run_json,
    store_rows,
    tables,
    write_recipe,
)

from patience import STOPS_A_HANG, wait_until


def prepared(folder: Path) -> Path:
    make_photos(folder / "photos", count=24)
    write_recipe(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """The tables of a run that nobody disturbs, and how many files it makes."""
    folder = prepared(tmp_path_factory.mktemp("undisturbed"))
    run_json(folder, "small.yaml", "--workers", "2")
    return tables(folder / "runs" / "small" / "0001"), files_of(folder)


def assert_same(run: Path, expected: dict[str, Any]) -> None:
    found = tables(run)
    assert found.keys() == expected.keys()
    for name in found:
        if not name.startswith("images"):
            assert found[name] == expected[name], name
    for key, rows in store_rows(run).items():
        assert len(rows) == len(set(rows)), f"{key} has a picture twice"


def kill_and_go_on(folder: Path, moments: list[float], expected: dict[str, Any]) -> None:
    """Kill a run each time that it has made so many files, let it end, and compare."""
    for number, files in enumerate(moments):
        mark = f"{folder}-{number}"
        kill_at(folder, files, "run", "small.yaml", "--workers", "2", mark=mark)
    result = run_json(folder, "small.yaml", "--workers", "2")
    assert result["state"] == "done"
    # a kill after the last act leaves a finished run: then the next number was opened, and came out the same
    assert_same(folder / "runs" / "small" / f"{result['number']:04d}", expected)


def test_three_kills_of_the_driver(tmp_path: Path, undisturbed: tuple[dict[str, Any], int]):
    expected, files = undisturbed
    kill_and_go_on(prepared(tmp_path), [0.3 * files, 0.5 * files, 0.7 * files], expected)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_kill_of_the_driver_at_a_random_moment(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int], seed: int
):
    expected, files = undisturbed
    moment = float(np.random.default_rng(seed).uniform(0.0, 1.0)) * files
    kill_and_go_on(prepared(tmp_path), [moment], expected)


@pytest.mark.parametrize(
    "share", [0.2, pytest.param(0.05, marks=pytest.mark.long), pytest.param(0.5, marks=pytest.mark.long)]
)
def test_kills_of_workers_are_survived_in_the_same_run(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int], share: float
):
    """Workers are shot while they work; the run itself goes on to the same end."""
    expected, files = undisturbed
    folder = prepared(tmp_path)
    mark = f"workers-{folder}"
    process = subprocess.Popen(
        command("run", "small.yaml", "--workers", "2"),
        cwd=folder,
        env=ENVIRONMENT | {"GROUNDGLASS_TEST_MARK": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: files_of(folder) >= share * files or process.poll() is not None)
    for worker in marked(mark):
        if worker.pid != process.pid and not worker.children():
            worker.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=STOPS_A_HANG)
    assert process.returncode == 0, said
    assert_same(folder / "runs" / "small" / "0001", expected)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int], sign: signal.Signals
):
    folder = prepared(tmp_path)
    process = subprocess.Popen(
        command("run", "small.yaml", "--workers", "1"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )
    wait_until((folder / "runs/small/store/files").exists)
    process.send_signal(sign)
    _, said = process.communicate(timeout=STOPS_A_HANG)
    assert process.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert '"interrupted"' in (folder / "runs/small/0001/run.json").read_text()
    result = run_json(folder, "small.yaml")
    assert result["number"] == 1
    assert_same(folder / "runs" / "small" / "0001", undisturbed[0])


def test_a_second_driver_is_sent_away(tmp_path: Path):
    folder = prepared(tmp_path)
    first = subprocess.Popen(
        command("run", "small.yaml", "--workers", "1"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until((folder / "runs/small/0001/run.json").exists)
        second = groundglass(folder, "run", "small.yaml")
        assert second.returncode == 2
        assert str(first.pid) in second.stderr
    finally:
        first.kill()
        first.wait()


def test_a_disk_that_takes_no_more_stops_with_3_and_loses_nothing(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int]
):
    """A limit on file sizes stands in for a full disk: writing fails in the same way."""
    folder = prepared(tmp_path)
    done = subprocess.run(
        command("run", "small.yaml"),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)),
    )
    assert done.returncode == 3, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    run_json(folder, "small.yaml")
    assert_same(folder / "runs" / "small" / "0001", undisturbed[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    folder = prepared(tmp_path)
    (folder / "runs").mkdir(mode=0o500)
    assert groundglass(folder, "run", "small.yaml").returncode == 3
