"""`groundglass study scores`: every kind of table that people have, and what is wrong with it."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import groundglass

from shared_data import shared

LONG = [
    ("a.png", "ann", 5), ("a.png", "bob", 4), ("a.png", "cy", 5), ("b.png", "ann", 2), ("b.png", "bob", 1),
    ("b.png", "cy", 3), ("c.png", "ann", 3), ("c.png", "bob", 3), ("c.png", "cy", 4),
]  # fmt: skip
PAIRS = [
    ("a", "b", "left", "ann"), ("b", "a", "left", "bob"), ("a", "c", "left", "ann"), ("c", "a", "left", "cy"),
    ("b", "c", "tie", "bob"), ("c", "b", "right", "cy"), ("b", "a", "right", "cy"),
]  # fmt: skip


def write(path: Path, header: str, rows: list[tuple[Any, ...]], sign: str = ",") -> Path:
    lines = [header.replace(",", sign), *(sign.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "votes.csv", "item,rater,score", LONG)
    write(tmp_path / "pairs.csv", "left,right,choice,rater", PAIRS)
    (tmp_path / "sparse.csv").write_text("1,2,1\n3,4,5\n5,4,2\n2,3,2\n")
    return tmp_path


def answer(folder: Path, *words: str) -> dict[str, Any]:
    done = groundglass(folder, "study", "scores", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(folder: Path, *words: str) -> str:
    done = groundglass(folder, "study", "scores", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def means(found: dict[str, Any]) -> dict[str, float]:
    return {row["item"]: row["score"] for row in found["items"]}


def test_the_json_has_the_keys_that_are_promised(folder: Path):
    found = answer(folder, "votes.csv", "--method", "mos")
    assert found.keys() >= {"items", "raters", "agreement", "iterations"}
    assert [row.keys() for row in found["items"]] == [{"item", "score", "ci95", "votes"}] * 3
    assert [row.keys() for row in found["raters"]] == [
        {"rater", "bias", "inconsistency", "rejected", "votes"}
    ] * 3
    assert means(found) == pytest.approx({"a.png": 14 / 3, "b.png": 2, "c.png": 10 / 3})
    low, high = found["items"][0]["ci95"]
    assert (low + high) / 2 == pytest.approx(14 / 3)
    assert found["raters"][1]["bias"] == pytest.approx(-2 / 3)


@pytest.mark.parametrize("method", ["map", "mos", "zscore", "p913", "bt500", "ap2"])
def test_every_method_orders_real_votes_alike(tmp_path: Path, method: str):
    path = str(shared("ratings", "vqeg_hd3_ratings.csv"))
    found, mean = answer(tmp_path, path, "--method", method), answer(tmp_path, path, "--method", "mos")
    assert found["method"] == method
    both = [[row["score"] for row in one["items"]] for one in (found, mean)]
    assert np.corrcoef(both)[0, 1] > 0.99


def test_separators_and_parquet_give_the_same_scores(folder: Path):
    expected = answer(folder, "votes.csv")
    halves = [(item, rater, f"{score},0") for item, rater, score in LONG]
    write(folder / "semicolons.csv", "item,rater,score", LONG, ";")
    write(folder / "decimal_commas.csv", "item,rater,score", halves, ";")
    write(folder / "tabs.tsv", "item,rater,score", LONG, "\t")
    columns = dict(zip(("item", "rater", "score"), zip(*LONG, strict=True), strict=True))
    pq.write_table(
        pa.table({name: list(values) for name, values in columns.items()}), folder / "votes.parquet"
    )
    (folder / "utf16.csv").write_bytes((folder / "votes.csv").read_text().encode("utf-16"))
    for name in ("semicolons.csv", "decimal_commas.csv", "tabs.tsv", "votes.parquet", "utf16.csv"):
        assert answer(folder, name) == expected, name


def test_a_matrix_without_a_header_is_items_by_raters(folder: Path):
    (folder / "matrix.csv").write_text("5,4,5\n2,nan,3\n3,3,\n,,\n")
    found = answer(folder, "matrix.csv", "--method", "mos")
    assert means(found) == pytest.approx({"0": 14 / 3, "1": 2.5, "2": 3, "3": None})
    assert [row["votes"] for row in found["items"]] == [3, 2, 2, 0]
    assert any("nobody voted on 1 item ('3')" in note for note in found["notes"])
    assert any("4 rows are items, and 3 columns are raters" in note for note in found["notes"])


def test_headers_in_other_words_are_suggested(folder: Path):
    write(folder / "other.csv", "item,subject,score", LONG)
    said = refusal(folder, "other.csv")
    assert "there is no column 'rater'; 'subject' looks like it: --rater subject" in said
    write(folder / "all.csv", "image_name,Observer ID,opinion", LONG)
    said = refusal(folder, "all.csv")
    assert "add --item image_name --rater 'Observer ID' --score opinion" in said
    again = answer(folder, "all.csv", "--item", "image_name", "--rater", "Observer ID", "--score", "opinion")
    assert again == answer(folder, "votes.csv")
    assert "'subject' looks like it" in refusal(folder, "other.csv", "--rater", "subjct")


def test_columns_that_nobody_could_guess_are_listed_with_the_way_out(folder: Path):
    write(folder / "german.csv", "Bild,Person,Note", LONG)
    said = refusal(folder, "german.csv")
    assert "there is no column 'item', 'rater' or 'score'; 'Person' looks like rater" in said
    assert "add --item COLUMN --rater Person --score COLUMN" in said
    assert "its columns are Bild, Person, Note" in said
    write(folder / "headless.csv", "", LONG)
    assert "write the names of the columns above it" in refusal(folder, "headless.csv")
    wide = [("a.png", 5, 4, 5), ("b.png", 2, 1, 3)]
    write(folder / "wide.csv", "item,ann,bob,cy", wide)
    assert "if each column is a rater, remove the first line" in refusal(folder, "wide.csv")
    assert answer(folder, "german.csv", "--item", "Bild", "--rater", "Person", "--score", "Note") == answer(
        folder, "votes.csv"
    )


def test_a_matrix_has_no_columns_to_name(folder: Path):
    for option in ("--rater", "--strata"):
        assert f"has no header, so it has no column 'x' for {option}" in refusal(
            folder, "sparse.csv", option, "x"
        )


def test_an_item_that_nobody_saw_needs_no_rater(folder: Path):
    write(folder / "unseen.csv", "item,rater,score", [*LONG, ("new.png", "", ""), ("newer.png", "", "nan")])
    found = answer(folder, "unseen.csv")
    assert {name: score for name, score in means(found).items() if score is None} == {
        "new.png": None,
        "newer.png": None,
    }
    assert [row["rater"] for row in found["raters"]] == ["ann", "bob", "cy"]
    assert any("nobody voted on 2 items ('new.png', 'newer.png')" in note for note in found["notes"])
    write(folder / "anonymous.csv", "item,rater,score", [*LONG, ("a.png", "", 3)])
    assert "the rater is empty in 1 row, the first is line 11" in refusal(folder, "anonymous.csv")


def test_one_rater_one_item_and_equal_votes_claim_nothing(folder: Path):
    write(folder / "alone.csv", "item,rater,score", [row for row in LONG if row[1] == "ann"])
    (rater,) = answer(folder, "alone.csv")["raters"]
    assert (rater["bias"], rater["inconsistency"], rater["votes"]) == (None, None, 3)
    write(folder / "single.csv", "item,rater,score", LONG[:3])
    found = answer(folder, "single.csv")
    assert set(found["agreement"].values()) == {None}
    assert "1 of 1 item has a score" in groundglass(folder, "study", "scores", "single.csv").stdout
    write(folder / "equal.csv", "item,rater,score", [(item, rater, 3) for item, rater, _ in LONG])
    said = groundglass(folder, "study", "scores", "equal.csv").stdout
    assert said.splitlines()[0].startswith("  All items with a score have the same one, 3.00.")


def test_strata_have_their_own_agreement(folder: Path):
    rows = [(*row, "boats" if row[0] == "c.png" else "trees") for row in LONG]
    write(folder / "strata.csv", "item,rater,score,kind", rows)
    assert "strata" not in answer(folder, "strata.csv")
    found = answer(folder, "strata.csv", "--strata", "kind")
    assert [(row["stratum"], row["items"], row["votes"]) for row in found["strata"]] == [
        ("trees", 2, 6),
        ("boats", 1, 3),
    ]
    said = groundglass(folder, "study", "scores", "strata.csv", "--strata", "kind", COLUMNS="80").stdout
    assert re.search(r"kind +α +95 % interval +items +votes", said)
    assert "'kind' looks like it" in refusal(folder, "strata.csv", "--strata", "knd")
    sessions = [(*row, session) for session in ("one", "two") for row in LONG]
    write(folder / "sessions.csv", "item,rater,score,session", sessions)
    assert [row["stratum"] for row in answer(folder, "sessions.csv")["strata"]] == ["one", "two"]


def test_the_strata_of_comparisons_have_a_kappa(folder: Path):
    rows = [(*row, "day") for row in PAIRS] + [(*row, "night") for row in PAIRS]
    write(folder / "scenes.csv", "left,right,choice,rater,scene", rows)
    day, night = answer(folder, "scenes.csv", "--strata", "scene")["strata"]
    assert day["agreement"] == pytest.approx(answer(folder, "pairs.csv")["agreement"]["fleiss_kappa"])
    assert (day["agreement"], day["votes"]) == (night["agreement"], 7)


def test_a_report_is_one_file_and_never_overwrites_another(folder: Path):
    done = groundglass(folder, "study", "scores", "votes.csv", "--report", "page.html")
    assert done.returncode == 0, done.stderr
    assert "report  page.html" in done.stdout
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "a.png" in page
    assert answer(folder, "pairs.csv", "--report", "page.html")["report"] == "page.html"
    assert "Win rates" in (folder / "page.html").read_text(encoding="utf-8")
    before = (folder / "votes.csv").read_bytes()
    assert "is not a report of groundglass" in refusal(folder, "pairs.csv", "--report", "votes.csv")
    assert (folder / "votes.csv").read_bytes() == before


def test_the_next_command_reads_the_same_table(folder: Path):
    write(folder / "other.csv", "my item,subject,score", LONG)
    words = ["study", "scores", "other.csv", "--item", "my item", "--rater", "subject"]
    said = groundglass(folder, *words).stdout.splitlines()[-1]
    again = shlex.split(said.split("groundglass", 1)[1])
    assert again[:-2] == [*words, "--method", "map"]
    assert groundglass(folder, *again).returncode == 0
    assert (folder / "scores.html").exists()


def test_the_next_command_gives_the_same_scores(folder: Path):
    words = [
        "study",
        "scores",
        "votes.csv",
        "--screen",
        "none",
        "--scale=-3:9",
        "--bootstrap",
        "20",
        "--seed",
        "4",
    ]
    said = groundglass(folder, *words).stdout.splitlines()[-1]
    again = shlex.split(said.split("groundglass", 1)[1])[:-2]
    results = [groundglass(folder, *one, "--json").stdout for one in (words, again)]
    assert results[0] == results[1]
    assert json.loads(results[0])["items"]


def test_columns_can_be_joined(folder: Path):
    rows = [("scene", *row) for row in LONG]
    write(folder / "joined.csv", "scene,file,rater,score", rows)
    assert next(iter(means(answer(folder, "joined.csv", "--item", "scene+file")))) == "scene/a.png"


def test_doubled_votes_are_named_and_count_once(folder: Path):
    write(folder / "doubled.csv", "item,rater,score", [*LONG, ("b.png", "ann", 4), ("a.png", "ann", 5)])
    found = answer(folder, "doubled.csv", "--method", "mos")
    assert means(found)["b.png"] == pytest.approx((3 + 1 + 3) / 3)
    assert [row["votes"] for row in found["items"]] == [3, 3, 3]
    assert any("2 votes are doubled" in n and "line 5 and line 11" in n for n in found["notes"])


def test_votes_in_other_sessions_are_not_doubled(folder: Path):
    rows = [(*row, session) for session in (1, 2) for row in LONG]
    write(folder / "sessions.csv", "item,rater,score,session", rows)
    found = answer(folder, "sessions.csv")
    assert means(found) == pytest.approx(means(answer(folder, "votes.csv")))
    assert not any("doubled" in note for note in found["notes"])
    assert found["agreement"]["repeat_correlation"] == pytest.approx({"ann": 1, "bob": 1, "cy": 1})


def test_votes_outside_the_scale_are_refused_or_shown(folder: Path):
    write(folder / "outside.csv", "item,rater,score", [*LONG, ("c.png", "dee", 55)])
    said = refusal(folder, "outside.csv", "--scale", "1-5")
    assert "1 vote is outside the scale 1 to 5: '55' in line 11" in said
    found = answer(folder, "outside.csv")
    assert any("far from all others" in note and "'55' in line 11" in note for note in found["notes"])
    assert "is not a scale" in refusal(folder, "votes.csv", "--scale", "5-1")
    assert answer(folder, "votes.csv", "--scale", "1-5") == answer(folder, "votes.csv")


def test_missing_votes_count_as_none_and_words_are_refused(folder: Path):
    write(folder / "missing.csv", "item,rater,score", [*LONG, ("d.png", "ann", "nan"), ("a.png", "dee", "")])
    found = answer(folder, "missing.csv", "--method", "mos")
    assert means(found)["d.png"] is None
    assert any("2 rows have no vote" in note for note in found["notes"])
    write(
        folder / "words.csv", "item,rater,score", [*LONG, ("a.png", "dee", "good"), ("b.png", "dee", "inf")]
    )
    assert "'good' in line 11, 'inf' in line 12 are not numbers" in refusal(folder, "words.csv")
    assert "write votes as numbers" in refusal(folder, "words.csv")
    write(folder / "nobody.csv", "item,rater,score", [("a.png", "ann", "nan")])
    assert "nobody.csv: there is no vote" in refusal(folder, "nobody.csv")
    write(folder / "unnamed.csv", "item,rater,score", [*LONG, ("", "dee", 1)])
    assert "the item is empty in 1 row," in refusal(folder, "unnamed.csv")


@pytest.mark.parametrize(
    "content", [b"", b"item,rater,score\n", b"a,b\n1,2,3\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]
)
def test_files_that_are_not_tables_of_votes_are_refused(folder: Path, content: bytes):
    (folder / "odd.csv").write_bytes(content)
    assert "odd.csv" in refusal(folder, "odd.csv")
    (folder / "odd.parquet").write_bytes(content)
    assert "odd.parquet" in refusal(folder, "odd.parquet")


def test_a_missing_file_is_named(folder: Path):
    assert "nowhere.csv" in refusal(folder, "nowhere.csv")


def test_comparisons_are_recognised_and_scored(folder: Path):
    found = answer(folder, "pairs.csv")
    assert found["method"] == "bradley_terry"
    scores = means(found)
    assert scores["a"] > scores["b"] > scores["c"]
    assert sum(scores.values()) == pytest.approx(0, abs=1e-9)
    assert [row["votes"] for row in found["items"]] == [5, 5, 4]
    assert {row["rater"]: row["votes"] for row in found["raters"]} == {"ann": 2, "bob": 2, "cy": 3}
    thurstone = answer(folder, "pairs.csv", "--method", "thurstone")
    assert means(thurstone)["a"] > means(thurstone)["b"] > means(thurstone)["c"]


def test_choices_in_other_words(folder: Path):
    expected = answer(folder, "pairs.csv")
    named = [(a, b, {"left": a, "right": b, "tie": "="}[word], r) for a, b, word, r in PAIRS]
    write(folder / "named.csv", "left,right,choice,rater", named)
    assert answer(folder, "named.csv") == expected
    numbers = [(a, b, {"left": 1, "right": 2, "tie": 0}[word], r) for a, b, word, r in PAIRS]
    write(folder / "numbers.csv", "left,right,choice,rater", numbers)
    assert "--left-is WORD" in refusal(folder, "numbers.csv")
    again = answer(folder, "numbers.csv", "--left-is", "1", "--right-is", "2", "--tie-is", "0")
    assert again == expected
    write(folder / "itself.csv", "left,right,choice,rater", [*PAIRS, ("a", "a", "left", "bob")])
    assert "line 9: 'a'" in refusal(folder, "itself.csv")


def test_a_matrix_of_wins(tmp_path: Path):
    path = str(shared("ratings", "lukas_pc_winmatrix.csv"))
    found = answer(tmp_path, path, "--method", "bradley_terry")
    assert {row["part"] for row in found["items"]} == {1, 2, 3, 4, 5}
    assert found["raters"] == []
    said = groundglass(tmp_path, "study", "scores", path, "--method", "bradley_terry", COLUMNS="80").stdout
    assert "from 2,128 comparisons" in said.replace("\n  ", " ")
    (tmp_path / "wide.csv").write_text("5,4,5\n2,1,3\n")
    assert "use a method for votes" in refusal(tmp_path, "wide.csv", "--method", "thurstone")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["votes.csv", "--method", "bradley_terry"], "needs comparisons"),
        (["pairs.csv", "--method", "map"], "needs votes on a scale"),
        (["pairs.csv", "--screen", "correlation"], "--screen is for votes on a scale"),
        (["votes.csv", "--method", "bt500", "--screen", "correlation"], "for the screen correlation use mos"),
        (["votes.csv", "--left-is", "1"], "are for comparisons"),
        (["sparse.csv", "--method", "ap2"], "map has no such fault"),
        (["votes.csv", "--method", "mapp"], "map"),
    ],
)
def test_wrong_words_end_with_2_and_a_way_out(folder: Path, words: list[str], said: str):
    assert said in refusal(folder, *words)


def test_random_raters_are_found_on_the_command_line(tmp_path: Path):
    random = np.random.default_rng(0)
    truth = random.uniform(1, 5, 50)
    good = np.clip(truth[:, None] + random.normal(0, 0.6, (50, 18)), 1, 5).round()
    matrix = np.c_[random.integers(1, 6, (50, 3)), good]
    with (tmp_path / "votes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "rater", "score"])
        writer.writerows((f"{j}.png", f"r{i}", matrix[j, i]) for j in range(50) for i in range(21))
    found = answer(tmp_path, "votes.csv")
    assert [row["rater"] for row in found["raters"] if row["rejected"]] == ["r0", "r1", "r2"]
    assert [row["votes"] for row in found["items"]] == [18] * 50
    kept = answer(tmp_path, "votes.csv", "--screen", "none")
    assert not any(row["rejected"] for row in kept["raters"])


def test_the_table_fits_in_80_columns_and_begins_with_the_result(tmp_path: Path):
    path = shared("ratings", "p910_sample_data.csv")
    (tmp_path / "votes.csv").write_bytes(path.read_bytes())
    said = groundglass(tmp_path, "study", "scores", "votes.csv", COLUMNS="80").stdout
    assert max(map(len, said.splitlines())) <= 80
    assert "'0' has the highest score, 4.94, but '5' may be as good." in said.splitlines()[0]
    assert "5 of whom do not count" in said.replace("\n  ", " ")
    assert said.splitlines()[-1].endswith("study scores votes.csv --method map --report scores.html")
    names = [(f"a very long name of a file that goes on {at} \x1b[31m.png", "ann", at % 5) for at in range(4)]
    write(tmp_path / "long.csv", "item,rater,score", names)
    said = groundglass(tmp_path, "study", "scores", "long.csv", COLUMNS="80").stdout
    assert max(map(len, said.splitlines())) <= 80
    assert "\x1b[31m" not in said


def test_a_bootstrap_repeats_with_its_seed(folder: Path):
    path = str(shared("ratings", "nflx_public_ratings.csv"))
    first, again, other = (
        answer(folder, path, "--bootstrap", "30", "--seed", seed)["items"] for seed in ("1", "1", "2")
    )
    assert first == again
    assert [row["score"] for row in first] == [row["score"] for row in other]
    assert [row["ci95"] for row in first] != [row["ci95"] for row in other]


def test_the_group_explains_itself(tmp_path: Path):
    assert "scores" in groundglass(tmp_path, "study", "--help").stdout
    said = groundglass(tmp_path, "study", "scores", "--help", COLUMNS="80").stdout
    assert all(len(line) <= 80 for line in said.splitlines())


PAGE = Path(__file__).parents[2] / "docs/how-to/score-votes.md"


def test_the_page_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    text = PAGE.read_text(encoding="utf-8")
    table, code, said = (
        re.findall(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("csv", "python", "text")
    )
    (tmp_path / "votes.csv").write_text(table[0])
    monkeypatch.chdir(tmp_path)
    exec(compile(code[0], "score-votes.md", "exec"), {})
    assert capsys.readouterr().out == said[0]
