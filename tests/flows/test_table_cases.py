"""Tables that people really have, through a whole run: every row is there, with what its table says of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps

from groundglass import testing
from shared_data import shared

CASES = ("..", "cases", "tables_and_servers")


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of a shared case."""
    folder = tmp_path / "case"
    shutil.copytree(shared(*CASES, request.param), folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    return folder


def images(folder: Path) -> dict[str, dict[str, Any]]:
    (path,) = folder.glob("runs/*/0001/images/*/*.parquet")
    return {row["uri"]: row for row in pq.read_table(path).to_pylist()}


VALUES = [
    ("csv-aspect-becomes-time", "aspect", ["16:10", "16:11", "16:12", "16:13"]),
    ("csv-semicolons", "caption", ["a, b; c"] * 4),
    ("csv-semicolons", "score", ["0,5", "1,5", "2,5", "3,5"]),
    ("csv-windows-1252", "caption", ["café 0", "café 1", "café 2", "café 3"]),
    ("csv-windows-paths", "n", [0, 1, 2, 3]),
    ("hf-struct-path-only", None, [None] * 3),
    ("jsonl-mixed-types", "score", ["1", "3", None, "n/a"]),
    ("parquet-shards-int-then-float", "score", [1.0, 2.0, 0.5, 1.5]),
    ("parquet-string-view", "caption", ["a", "b", "c", "d"]),
]


@pytest.mark.parametrize(("case", "column", "expected"), VALUES, indirect=["case"])
def test_every_row_comes_with_its_values(case: Path, column: str | None, expected: list[Any]) -> None:
    run_json(case, "recipe.yaml")
    rows = images(case)
    assert [row["error"] for row in rows.values()] == [None] * len(expected)
    if column is not None:
        assert [row[f"meta.{column}"] for row in rows.values()] == expected


@pytest.mark.parametrize("case", ["csv-multiline-captions"], indirect=True)
def test_captions_of_many_lines_are_one_cell_each(case: Path) -> None:
    subprocess.run([sys.executable, "make.py"], cwd=case, check=True)
    run_json(case, "recipe.yaml")
    rows = images(case)
    assert len(rows) == 3000
    assert {row["error"] for row in rows.values()} == {None}
    assert {row["meta.caption"].count("\n") for row in rows.values()} == {12}


@pytest.mark.parametrize("case", ["csv-leading-zeros"], indirect=True)
def test_zeros_in_front_stay_where_the_recipe_says_text(case: Path) -> None:
    done = steps(run_json(case, "recipe.yaml"))
    assert done["select-1"]["out"] == 1
    assert sorted(row["meta.ident"] for row in images(case).values()) == ["00017", "00018", "00019", "00020"]


@pytest.mark.parametrize("case", ["csv-two-columns-of-one-name"], indirect=True)
def test_a_doubled_name_stops_in_plan(case: Path) -> None:
    for command in ("plan", "run"):
        done = groundglass(case, command, "recipe.yaml")
        assert done.returncode == 2
        assert "recipe.yaml:3:" in done.stderr
        assert "two columns named 'score'" in done.stderr


RECIPE = """
name: told
steps:
  - source: {{table: {table}, path: file, licence: CC0-1.0{more}}}
  - measure: [header]
{after}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(testing.png(testing.photo(64, 48, 1)))
    rows = '{"file": "a.png", "width": "wide", "tags": ["x", "y"], "n": 1}\n'
    (tmp_path / "t.jsonl").write_text(rows, encoding="utf-8-sig")
    return tmp_path


def say(place: Path, command: str, more: str = "", after: str = "", table: str = "t.jsonl"):
    (place / "told.yaml").write_text(RECIPE.format(table=table, more=more, after=after))
    return groundglass(place, command, "told.yaml")


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_is_left_out_or_unknown_is_named(place: Path, command: str) -> None:
    done = say(place, command)
    assert done.returncode == 0, done.stderr
    assert "left out, as it holds lists or structs" in done.stdout + done.stderr
    done = say(place, command, ", columns: {width: INTEGER, tags: TEXT}")
    assert done.returncode == 0, done.stderr
    told = " ".join((done.stdout + done.stderr).split())
    assert "'width': 1 of its values are not INTEGER and count as unknown, such as 'wide'" in told
    assert "tags" not in told


@pytest.mark.parametrize(
    ("more", "after"),
    [
        (", where: \"tags = 'x'\"", ""),
        ("", "  - select: {where: \"meta.tags = 'x'\"}"),
        (", columns: {tags: INTEGER}", ""),
    ],
)
def test_who_asks_for_a_column_that_is_left_out_is_told_why(place: Path, more: str, after: str) -> None:
    done = say(place, "plan", more, after)
    assert done.returncode == 2
    assert "tags" in done.stderr
    assert "holds lists or structs" in done.stderr


def test_a_stated_type_makes_numbers_of_decimal_commas(place: Path) -> None:
    (place / "t.csv").write_bytes("file;score\r\na.png;0,5\r\n".encode("utf-16"))
    done = say(place, "run", ", columns: {score: DOUBLE}", table="t.csv")
    assert done.returncode == 0, done.stderr
    assert images(place)["a.png"]["meta.score"] == 0.5


def test_scores_made_elsewhere_are_read_alike(place: Path) -> None:
    (place / "scores.csv").write_bytes("uri;nice\r\na.png;0.5\r\nb.png;NA\r\n".encode("utf-16"))
    after = "  - measure: [{table: scores.csv}]\n  - select: {where: 'nice > 0.4'}"
    done = say(place, "run", after=after)
    assert done.returncode == 0, done.stderr
    told = " ".join((done.stdout + done.stderr).split())
    assert "'nice' is read as DOUBLE: 1 of its values count as unknown, such as 'NA'" in told
