"""The plan's advice on thresholds: nothing without a run, its counts after one, the knee after an audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps

from groundglass import testing

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [blockiness, sharpness]
  - select: {where: "blockiness < 30"}
    name: unblocked
  - select: {where: "tenengrad > 0 and flat_share < 2"}
    name: two
"""


def planned(folder: Path, *arguments: str) -> dict[str, Any]:
    done = groundglass(folder, "plan", "small.yaml", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thresholds")
    (folder / "photos").mkdir()
    for seed in range(8):
        (folder / f"photos/{seed}.png").write_bytes(testing.png(testing.photo(144, 136, seed)))
    for quality in (20, 50, 90):
        picture = testing.jpeg(testing.photo(144, 136, 100 + quality), quality=quality)
        (folder / f"photos/q{quality}.jpg").write_bytes(picture)
    (folder / "small.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def unrun(work: Path) -> tuple[dict[str, Any], str]:
    return planned(work), groundglass(work, "plan", "small.yaml").stdout


@pytest.fixture(scope="module")
def ran(work: Path, unrun: object) -> dict[str, Any]:
    return run_json(work, "small.yaml", "--workers", "2")


@pytest.fixture(scope="module")
def after_run(work: Path, ran: dict[str, Any]) -> tuple[dict[str, Any], str]:
    return planned(work), groundglass(work, "plan", "small.yaml").stdout


@pytest.fixture(scope="module")
def card(work: Path, after_run: object) -> dict[str, Any]:
    done = groundglass(work, "audit", "small", "--defects", "jpeg", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_recipe_that_never_ran_gets_no_advice(unrun: tuple[dict[str, Any], str]):
    assert unrun[0]["thresholds"] == []
    assert "on the values of run" not in unrun[1]


def test_after_a_run_the_curve_counts_what_each_limit_keeps(
    work: Path, ran: dict[str, Any], after_run: tuple[dict[str, Any], str]
):
    shown, said = after_run
    (gate,) = shown["thresholds"]  # of two conditions joined, none has a threshold of its own
    verdicts = pq.read_table(work / "runs/small/0001/selections/unblocked.parquet")
    values = 30 - verdicts["margin"].to_numpy()
    assert (gate["gate"], gate["pool"], gate["now"]) == ("unblocked", 11, 30)
    assert len(gate["curve"]) == 5
    for point in gate["curve"]:
        assert point["kept"] == np.count_nonzero(values < point["limit"])
        assert point["share"] == pytest.approx(point["kept"] / 11)
    now = next(point for point in gate["curve"] if point["limit"] == 30)
    assert now["kept"] == steps(ran)["unblocked"]["out"] < 11
    assert (gate["audited"], gate["knee"]) == (False, None)
    assert f"{now['kept']} of 11" in said
    assert "audit runs/small/0001" in said


def test_another_limit_is_judged_on_the_same_values(work: Path, ran: dict[str, Any]):
    (gate,) = planned(work, "--set", "steps.unblocked.select.where=blockiness < 1e9")["thresholds"]
    assert gate["curve"][0] == {"limit": 1e9, "kept": 11, "share": 1.0}
    assert planned(work, "--set", "steps.unblocked.select.where=tenengrad < 1e9")["thresholds"] == []


def test_after_an_audit_the_knee_is_the_audits(work: Path, card: dict[str, Any]):
    (gate,) = planned(work)["thresholds"]
    (advice,) = card["thresholds"]
    assert gate["knee"] == {name: advice["knee"][name] for name in ("limit", "recall", "clean_lost")}
    assert gate["then"] == {name: advice["now"][name] for name in ("limit", "recall", "clean_lost")}
    now = next(point for point in gate["curve"] if point["limit"] == 30)
    assert now["share"] == pytest.approx(advice["now"]["kept"])
    said = groundglass(work, "plan", "small.yaml").stdout
    assert f"audit of run 1: the knee is blockiness < {advice['knee']['limit']:.6g}" in said
    assert f"(now: < 30, {100 * advice['now']['recall']:.0f} %" in said
    assert "audit runs/small/0001" not in said


def test_a_run_that_can_no_longer_be_read_stops_no_plan(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/0.png").write_bytes(testing.png(testing.photo(144, 136, 0)))
    (tmp_path / "small.yaml").write_text(RECIPE, encoding="utf-8")
    run_json(tmp_path, "small.yaml", "--workers", "1")
    assert len(planned(tmp_path)["thresholds"]) == 1
    (tmp_path / "runs/small/0001/recipe.yaml").unlink()
    assert planned(tmp_path, "--set", "seed=4")["thresholds"] == []


def test_an_audit_step_takes_time_in_the_plan(work: Path, ran: dict[str, Any]):
    text = RECIPE + "  - audit: {defects: [jpeg], sample: 5}\n    name: checked\n"
    (work / "audited.yaml").write_text(text, encoding="utf-8")
    done = groundglass(work, "plan", "audited.yaml", "--json")
    assert done.returncode == 0, done.stderr
    forecast = json.loads(done.stdout)
    assert next(step for step in forecast["steps"] if step["name"] == "checked")["seconds"] > 0
    assert "checked: at most 30 versions of photos are made and judged" in forecast["notes"]
