"""`groundglass check-pairs --audit`: what the gates would catch in the user's own pairs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT, command, fingerprint_of, groundglass, heeds_control_c
from test_check_pairs import low, put, scene

from patience import STOPS_A_HANG, wait_until


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for number in range(3):
        hq = scene(number)
        put(tmp_path / "hq", f"{number}.png", hq)
        put(tmp_path / "lq", f"{number}.png", low(hq))
    return tmp_path


def audit(folder: Path, *words: str) -> dict[str, Any]:
    done = groundglass(folder, "check-pairs", "lq", "hq", "--audit", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["audit"]


def test_the_audit_counts_what_each_gate_catches_and_changes_nothing(pairs: Path):
    before = fingerprint_of(pairs)
    card = audit(pairs)
    assert fingerprint_of(pairs) == before
    cells = {(cell["defect"], cell["strength"]): cell for cell in card["cells"]}
    assert (card["drawn"], card["unknown"], card["false_alarms"]["count"]) == (3, 0, 0)
    for certain in (("shift", "3 px"), ("cast", "ΔE 8"), ("copy", "plain"), ("another image", "whole")):
        assert cells[certain]["caught"]["count"] == 3, certain
    assert cells["shift", "3 px"]["gates"][0]["gate"] == "geometry"
    assert cells["cast", "ΔE 8"]["gates"][0]["gate"] == "cast"
    assert {gate["gate"] for gate in cells["copy", "sharpened"]["gates"]} >= {"smooth"}
    low_end, high_end = cells["shift", "3 px"]["caught"]["ci95"]
    assert 0.4 < low_end < high_end == 1.0


def test_the_same_seed_gives_the_same_audit_and_a_sample_is_smaller(pairs: Path):
    one = audit(pairs, "--sample", "1", "--seed", "4")
    assert one == audit(pairs, "--sample", "1", "--seed", "4")
    assert (one["drawn"], one["pairs"]) == (1, 3)


def test_the_table_names_first_what_slips_through_and_fits_80_columns(pairs: Path):
    done = groundglass(pairs, "check-pairs", "lq", "hq", "--audit", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2].startswith("  slips through: ")
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:4] == ["shift", "3", "px", "3"] for line in lines)
    assert "check-pairs lq hq" in lines[-1]


def test_the_result_is_written_only_if_asked_and_nothing_is_overwritten(pairs: Path):
    card = audit(pairs, "--sample", "1", "-o", "audit.json")
    assert json.loads((pairs / "audit.json").read_text())["audit"] == card
    again = groundglass(pairs, "check-pairs", "lq", "hq", "--audit", "-o", "audit.json")
    assert again.returncode == 2
    assert "no file is overwritten" in again.stderr


def test_options_of_the_audit_need_it_and_rejected_pairs_cannot_be_audited(pairs: Path):
    assert groundglass(pairs, "check-pairs", "lq", "hq", "--sample", "3").returncode == 2
    assert groundglass(pairs, "check-pairs", "lq", "hq", "-o", "x.json").returncode == 2
    swapped = groundglass(pairs, "check-pairs", "hq", "lq", "--audit")
    assert swapped.returncode == 4
    assert "passes the gates" in swapped.stderr


def test_bad_files_are_counted_as_unknown_and_one_pair_has_no_other(pairs: Path):
    (pairs / "lq/0.png").write_bytes(b"no image")
    (pairs / "hq/2.png").unlink()
    card = audit(pairs)
    assert (card["pairs"], card["drawn"], card["unknown"]) == (2, 2, 1)
    assert any(note.startswith("1 file without a partner") for note in card["notes"])
    only = groundglass(pairs, "check-pairs", "lq/1.png", "hq/1.png", "--audit", "--json")
    cells = json.loads(only.stdout)["audit"]["cells"]
    assert next(cell for cell in cells if cell["defect"] == "another image")["caught"]["n"] == 0


def test_control_c_ends_the_audit_and_leaves_no_file(pairs: Path):
    with tempfile.TemporaryDirectory(dir="/tmp") as made:  # short, because workers listen on a socket in it
        _interrupted(pairs, Path(made))


def _interrupted(pairs: Path, made: Path) -> None:
    for number in range(3, 9):  # so that pairs are left after the first shard
        put(pairs / "hq", f"{number}.png", scene(number))
        put(pairs / "lq", f"{number}.png", low(scene(number)))
    before = fingerprint_of(pairs)
    process = subprocess.Popen(
        command("check-pairs", "lq", "hq", "--audit", "--workers", "1"),
        cwd=pairs,
        env=ENVIRONMENT | {"TMPDIR": str(made)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )
    wait_until(lambda: any(made.glob("groundglass-*/versions/*")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=STOPS_A_HANG)
    assert (process.returncode, out) == (130, ""), said
    assert "nothing was written" in said
    assert "starts again" in said
    assert fingerprint_of(pairs) == before
    assert list(made.iterdir()) == []
