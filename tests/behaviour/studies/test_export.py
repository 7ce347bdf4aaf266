"""Exports hold every vote, spreadsheets run nothing in them, and verdicts become lists that a recipe reads."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.ratings.read_votes import comparisons_of, votes_of
from groundglass.ratings.vote_columns import holds_comparisons
from groundglass.ratings.vote_table import read_table
from groundglass.recipes.study_model import StudyStep
from groundglass.selections.keep_drop_lists import keep, read_list
from groundglass.studies.export import cell, encoded, scores_table, verdict_lists, votes_table
from groundglass.studies.results import score_study
from study_tools import items_table
from study_tools import votes_table as made_votes

ITEMS = items_table({"id": "a", "row": "row-a", "name": "=cmd()|a.png"}, {"id": "b", "row": "row-b"})


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_every_vote_is_in_the_export_with_its_id_first():
    votes = made_votes(
        {"rater": "r1", "item": "a", "score": 4, "comment": "@SUM(A1)", "reasons": ["blur", "noise"]},
        {"rater": "r1", "item": "b", "score": 2, "kind": "trap", "flags": ["trap_failed"]},
        {"rater": "r1", "item": "b", "score": 2, "undone_by": "u"},
    )
    table = votes_table(ITEMS, votes, StudyStep(), "hash")
    assert table.column_names[0] == "vote_id"
    assert set(votes.column_names) - {"left", "right"} <= set(table.column_names)
    rows = rows_of(encoded(table, "csv"))
    assert [row["counts"] for row in rows] == ["true", "false", "false"]
    assert (rows[0]["item"], rows[0]["item_name"], rows[0]["comment"]) == (
        "row-a",
        "'=cmd()|a.png",
        "'@SUM(A1)",
    )
    assert (rows[0]["reasons"], rows[0]["score"], rows[0]["recipe"]) == ("blur; noise", "4.0", "hash")
    lines = [json.loads(line) for line in encoded(table, "jsonl").decode().splitlines()]
    assert lines == table.to_pylist()
    assert pq.read_table(io.BytesIO(encoded(table, "parquet"))).to_pylist() == lines


def test_an_export_is_scored_without_the_votes_that_check_raters(tmp_path):
    votes = made_votes(
        *({"rater": f"r{n}", "item": item, "score": n} for n in (3, 4, 5) for item in "ab"),
        *({"rater": f"r{n}", "item": "b", "score": 1, "kind": "trap"} for n in (3, 4, 5)),
    )
    path = tmp_path / "votes.csv"
    path.write_bytes(encoded(votes_table(ITEMS, votes, StudyStep(), ""), "csv"))
    assert not holds_comparisons(read_table(path))
    read = votes_of(read_table(path))
    assert (len(read.votes.score), read.votes.items) == (6, ("row-a", "row-b"))
    assert read.notes[0] == "3 votes train or check raters, or were undone, and do not count"
    pair = [{"rater": f"r{n}", "left": "a", "right": "b", "score": "left", "kind": "pair"} for n in range(2)]
    pair.append({"rater": "r1", "left": "a", "right": "a", "score": "tie", "kind": "bias"})
    path.write_bytes(
        encoded(votes_table(ITEMS, made_votes(*pair), StudyStep(protocol="pairwise"), ""), "csv")
    )
    assert holds_comparisons(read_table(path))
    assert comparisons_of(read_table(path)).comparisons.choice.tolist() == [1.0, 1.0]


def test_votes_on_pairs_and_several_sliders_have_their_own_columns():
    pair = made_votes({"rater": "r1", "left": "a", "right": "b", "score": "tie", "kind": "pair"})
    (row,) = votes_table(ITEMS, pair, StudyStep(protocol="pairwise"), "").to_pylist()
    assert (row["left"], row["right"], row["choice"], row["score"]) == ("row-a", "row-b", "tie", None)
    body = StudyStep(protocol="slider", dimensions=("quality", "fit"))
    votes = made_votes({"rater": "r1", "item": "a", "score": {"quality": 70, "fit": 5}})
    (row,) = votes_table(ITEMS, votes, body, "").to_pylist()
    assert (row["score_quality"], row["score_fit"], row["score"]) == (70, 5, None)


@given(st.text())
def test_no_cell_of_text_begins_as_a_formula_unless_it_is_a_number(text):
    shown = cell(text)
    if shown[:1] in tuple("=@\t\r"):
        raise AssertionError(shown)
    if shown[:1] in tuple("+-"):
        float(shown)
    assert shown in (text, f"'{text}")


def test_numbers_stay_numbers():
    assert [cell(value) for value in (-1.5, 3, 0)] == [-1.5, 3, 0]
    assert cell("-1.5") == "-1.5"
    assert cell("-1+cmd") == "'-1+cmd"


def test_scores_carry_the_hash_of_the_recipe():
    votes = made_votes(*({"rater": f"r{n}", "item": "a", "score": n} for n in (3, 4, 5)))
    table = scores_table(StudyStep(), score_study(StudyStep(), ITEMS, votes), "hash")
    assert table["recipe"].to_pylist() == ["hash", "hash"]
    assert table["votes"].to_pylist() == [3, 0]
    assert table["score"][1].as_py() is None


def test_verdicts_become_lists_that_a_recipe_reads(tmp_path):
    body = StudyStep(protocol="accept", votes=3)
    items = items_table(
        {"id": "a", "row": "1a"}, {"id": "b", "row": "2b"}, {"id": "c", "row": "3c", "name": "x\ny"}
    )
    votes = made_votes(
        *({"rater": f"r{n}", "item": "a", "score": "keep", "kind": "review"} for n in range(3)),
        *({"rater": f"r{n}", "item": "c", "score": "drop", "kind": "review"} for n in range(3)),
        {"rater": "r1", "item": "b", "score": "keep", "kind": "review"},
        {"rater": "r2", "item": "b", "score": "drop", "kind": "review"},
    )
    kept, dropped, undecided = verdict_lists(body, score_study(body, items, votes), items)
    (tmp_path / "keep.txt").write_text(kept)
    assert read_list(tmp_path / "keep.txt") == ("1a",)
    (tmp_path / "drop.txt").write_text(dropped)
    assert read_list(tmp_path / "drop.txt") == ("3c",)
    assert undecided == 1
    pool = items.select(["row"]).rename_columns(["id"])
    assert keep(pool, read_list(tmp_path / "keep.txt"))["kept"].to_pylist() == [True, False, False]


def test_a_pair_is_listed_by_its_high_quality_file(tmp_path):
    body = StudyStep(protocol="pair_accept", folders={"lq": "a", "hq": "b"}, votes=1)
    items = items_table(
        {"id": "l", "row": "lq/d/x.jpg", "arm": "lq", "content": "d/x"},
        {"id": "h", "row": "hq/d/x.png", "arm": "hq", "content": "d/x"},
    )
    votes = made_votes({"rater": "r", "left": "l", "right": "h", "score": "keep", "kind": "review"})
    kept, _, _ = verdict_lists(body, score_study(body, items, votes), items)
    assert kept.splitlines()[-1] == "d/x.png"


def test_scores_are_not_verdicts():
    with pytest.raises(RecipeError, match="has scores, not verdicts"):
        verdict_lists(StudyStep(), score_study(StudyStep(), ITEMS, made_votes()), ITEMS)
