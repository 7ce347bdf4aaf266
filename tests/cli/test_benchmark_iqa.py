"""`groundglass benchmark iqa`: tables, runs, challenges, and what is wrong with them."""

from __future__ import annotations

import csv
import json
import os
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
from flow_tools import groundglass, make_photos

from groundglass.text.format import terminal_cells

FAST = ("--bootstrap", "60")


def write(path: Path, rows: list[dict[str, Any]], sign: str = ",") -> Path:
    lines = [sign.join(rows[0]), *(sign.join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows_of(n: int = 40) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    mos = np.linspace(1, 5, n).round(3)
    return [
        {
            "name": f"{at:02}.png",
            "mos": mos[at],
            "good": round(float(mos[at] + random.normal(0, 0.2)), 4),
            "niqe": round(float(9 - mos[at] + random.normal(0, 1.5)), 4),
            "scene": f"s{at % 8}",
            "sd": 0.8,
        }
        for at in range(n)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "scores.csv", rows_of())
    return tmp_path


def answer(folder: Path, *words: str) -> dict[str, Any]:
    done = groundglass(folder, "benchmark", "iqa", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(folder: Path, *words: str, code: int = 2) -> str:
    done = groundglass(folder, "benchmark", "iqa", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


BOTH = ("scores.csv", "--score", "good", "niqe", *FAST)


def test_the_json_has_scores_pairs_and_where_they_come_from(folder: Path):
    found = answer(folder, *BOTH, "--lower", "niqe", "--sd", "sd", "--votes", "20", "--content", "scene")
    assert [(row["score"], row["n"], row["failed"]) for row in found["scores"]] == [
        ("good", 40, 0), ("niqe", 40, 0),
    ]  # fmt: skip
    good, niqe = found["scores"]
    assert good["srcc"] > 0.9
    assert niqe["srcc"] < 0
    assert niqe["better"] == "lower"
    assert good["auc_bw"] > niqe["auc_bw"] > 0.5
    assert good["pairs_within"] == 80
    assert found["contents"] == 8
    assert [(pair["a"], pair["b"], pair["n"]) for pair in found["pairs"]] == [("good", "niqe", 40)]
    assert len(found["data"]["sha256"]) == 64


def test_separators_and_parquet_give_the_same_result(folder: Path):
    expected = answer(folder, *BOTH)
    write(folder / "semicolons.csv", rows_of(), ";")
    halves = [
        {key: str(value).replace(".", ",") if key != "name" else value for key, value in row.items()}
        for row in rows_of()
    ]
    write(folder / "commas.csv", halves, ";")
    columns = {key: [row[key] for row in rows_of()] for key in rows_of()[0]}
    pq.write_table(pa.table(columns), folder / "scores.parquet")
    for name in ("semicolons.csv", "commas.csv", "scores.parquet"):
        found = answer(folder, name, *BOTH[1:])
        assert found["scores"] == expected["scores"], name
        assert found["gallery"] == expected["gallery"], name


def test_it_says_the_result_in_80_columns(folder: Path):
    done = groundglass(
        folder, "benchmark", "iqa", *BOTH, "--lower", "niqe", "--strata", "scene", COLUMNS="80"
    )
    assert done.returncode == 0, done.stderr
    assert "'good' agrees best with people: SRCC +0.9" in " ".join(done.stdout.split())
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1]), done.stdout
    assert done.stdout.splitlines()[-1].endswith(
        "benchmark iqa scores.csv --score good --score niqe --strata scene --lower niqe --bootstrap 60 "
        "--report benchmark.html"
    )


def test_empty_nan_infinite_and_text_cells_are_counted(folder: Path):
    rows = rows_of()
    for at, cell in enumerate(("", "nan", "inf", "failed")):
        rows[at]["good"] = cell
    found = answer(folder, str(write(folder / "holes.csv", rows)), *BOTH[1:])
    good = next(row for row in found["scores"] if row["score"] == "good")
    assert (good["n"], good["failed"]) == (36, 4)
    assert good["failures"] == {"empty": 2, "infinite": 1, "text": 1}


def test_headers_in_other_words_and_wrong_names_are_suggested(folder: Path):
    text = (folder / "scores.csv").read_text().replace("mos", "mos_quality", 1)
    (folder / "other.csv").write_text(text)
    assert "--mos mos_quality" in refusal(folder, "other.csv", "--score", "good")
    assert answer(folder, "other.csv", *BOTH[1:], "--mos", "mos_quality")["images"] == 40
    assert "'good' looks like it" in refusal(folder, "scores.csv", "--score", "goood")
    assert "did you mean" in refusal(folder, *BOTH, "--lower", "nique").lower()


def test_tables_that_cannot_be_compared_are_refused(folder: Path):
    rows = rows_of()
    write(folder / "one.csv", rows[:1])
    assert "needs at least 3" in refusal(folder, "one.csv", "--score", "good")
    write(folder / "equal.csv", [row | {"mos": 3} for row in rows])
    assert "the MOS is 3 on all images" in refusal(folder, "equal.csv", "--score", "good")
    write(folder / "twice.csv", [*rows, rows[4]])
    assert "'04.png': line 6 and line 42" in refusal(folder, "twice.csv", "--score", "good")
    write(folder / "words.csv", [rows[0] | {"mos": "high"}, *rows[1:]])
    assert "the mos 'high' in line 2 is not a number" in refusal(folder, "words.csv", "--score", "good")
    (folder / "numbers.csv").write_text("1,2\n3,4\n")
    assert "has no header" in refusal(folder, "numbers.csv", "--score", "good")
    assert "cannot be compared with itself" in refusal(folder, "scores.csv", "--score", "mos")
    assert "there is no file nowhere.csv" in refusal(folder, "nowhere.csv", "--score", "good")
    assert "--score COLUMN" in refusal(folder, "scores.csv")
    assert "--sd needs the number of votes" in refusal(folder, *BOTH, "--sd", "sd")
    assert "--votes has no use" in refusal(folder, *BOTH, "--votes", "20")
    assert "would be overwritten" in refusal(folder, *BOTH, "--csv", "scores.csv")


def test_a_constant_score_ends_with_4_only_if_nothing_else_is_there(folder: Path):
    write(folder / "flat.csv", [row | {"flat": 1} for row in rows_of()])
    assert answer(folder, "flat.csv", "--score", "flat", *BOTH[1:])["scores"][-1]["srcc"] is None
    said = refusal(folder, "flat.csv", "--score", "flat", *FAST, code=4)
    assert "a constant cannot be correlated" in said


def test_the_table_as_csv_has_a_line_for_each_score(folder: Path):
    answer(folder, *BOTH, "--csv", "out.csv")
    with (folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows] == ["good", "niqe"]
    assert float(rows[0]["srcc_ci95_low"]) < float(rows[0]["srcc"]) < float(rows[0]["srcc_ci95_high"])


def test_votes_give_a_ceiling(folder: Path):
    random = np.random.default_rng(1)
    votes = [
        {
            "item": row["name"],
            "rater": rater,
            "score": int(np.clip(round(row["mos"] + random.normal(0, 0.7)), 1, 5)),
        }
        for row in rows_of()
        for rater in range(8)
    ]
    write(folder / "votes.csv", votes)
    found = answer(folder, *BOTH, "--votes-table", "votes.csv")
    assert 0.7 < found["ceiling"]["split_half_srcc"] < 1
    assert found["ceiling"]["items"] == 40
    assert found["scores"][0]["auc_bw"] is not None
    assert not any(note.startswith("--votes-table") for note in found["notes"])
    write(folder / "holes.csv", [*votes, {"item": votes[0]["item"], "rater": 9, "score": ""}])
    found = answer(folder, *BOTH, "--votes-table", "holes.csv")
    assert any(note.startswith("--votes-table: 1 ") for note in found["notes"]), found["notes"]
    write(folder / "strangers.csv", [{**vote, "item": f"other-{vote['item']}"} for vote in votes])
    found = answer(folder, *BOTH, "--votes-table", "strangers.csv")
    assert not any("people see all pairs" in note for note in found["notes"]), found["notes"]
    write(folder / "bad.csv", [{"thing": 1, "b": 2}])
    assert "item, rater and score" in refusal(folder, *BOTH, "--votes-table", "bad.csv")


def test_a_measure_of_the_catalog_brings_direction_and_licence(folder: Path):
    rows = [row | {"blockiness": row["niqe"]} for row in rows_of()]
    write(folder / "blocky.csv", rows)
    found = answer(folder, "blocky.csv", "--score", "blockiness", *FAST)
    assert found["scores"][0]["better"] == "lower"
    assert found["scores"][0]["licence"] == "no weights"
    assert any("as the catalog of measures says" in note for note in found["notes"])
    other = answer(folder, "blocky.csv", "--score", "blockiness", "--higher", "blockiness", *FAST)
    assert other["scores"][0]["better"] == "higher"


RECIPE = """
name: small
steps:
  - source: {folder: photos}
    name: photos
  - measure: [sharpness, {table: scores.csv, key: uri}]
    name: values
  - measure: [blockiness]
    name: blocks
"""


def test_the_columns_of_a_run_are_compared_and_its_images_are_on_the_page(tmp_path: Path):
    make_photos(tmp_path / "photos")
    random = np.random.default_rng(0)
    names = [*(f"{at:02}.png" for at in range(14)), "broken.png"]
    write(
        tmp_path / "scores.csv",
        [
            {"uri": name, "mos": round(float(random.uniform(1, 5)), 2), "scene": f"s{at % 5}"}
            for at, name in enumerate(names)
        ],
    )
    (tmp_path / "small.yaml").write_text(RECIPE)
    assert groundglass(tmp_path, "run", "small.yaml").returncode == 0
    words = ("small", "--score", "sharpness.tenengrad", "--score", "blockiness", "--mos", "scores.mos", *FAST)
    found = answer(tmp_path, *words, "--content", "scene", "--report", "page.html")
    assert found["images"] == 15
    assert {row["score"]: (row["n"], row["failed"]) for row in found["scores"]} == {
        "sharpness.tenengrad": (14, 1), "blockiness": (14, 1),
    }  # fmt: skip
    ms = {row["score"]: row["ms"] for row in found["scores"]}
    assert ms["blockiness"] > 0
    assert ms["sharpness.tenengrad"] is None
    assert found["contents"] == 5
    assert "data:image/jpeg;base64," in (tmp_path / "page.html").read_text()
    assert "'tenengrad' looks like it" in refusal(tmp_path, "small", "--score", "tenengrat", "--mos", "mos")
    assert not any("tiles" in note for note in found["notes"])


def test_the_tiles_of_a_run_are_left_out_with_a_note(tmp_path: Path):
    make_photos(tmp_path / "photos")
    rows = [{"uri": f"{at:02}.png", "mos": 1 + at % 5} for at in range(14)]
    write(tmp_path / "scores.csv", rows)
    (tmp_path / "small.yaml").write_text(f"{RECIPE}  - transform: {{tile: 32}}\n  - measure: [sharpness]\n")
    assert groundglass(tmp_path, "run", "small.yaml").returncode == 0
    found = answer(tmp_path, "small", "--score", "blockiness", "--mos", "scores.mos", *FAST)
    assert found["scores"][0]["n"] == 14
    assert any(note.startswith("tiles and resized images are left out (") for note in found["notes"])


def test_a_page_never_overwrites_another_file(folder: Path):
    (folder / "mine.html").write_text("<p>mine</p>")
    said = refusal(folder, *BOTH, "--report", "mine.html")
    assert "nothing is overwritten" in said
    assert (folder / "mine.html").read_text() == "<p>mine</p>"
    for _ in range(2):
        assert groundglass(folder, "benchmark", "iqa", *BOTH, "--report", "page.html").returncode == 0


@pytest.fixture
def challenge(folder: Path) -> Path:
    """A folder of teams, whose scores are better and worse, with every fault that a submission has."""
    random = np.random.default_rng(2)
    rows = rows_of()
    write(folder / "hidden.csv", [{"name": row["name"], "mos": row["mos"]} for row in rows])
    teams = folder / "teams"
    (teams / "anna").mkdir(parents=True)

    def submit(
        name: str, noise: float, sign: int = 1, day: int = 1, cut: slice = slice(None)
    ) -> list[dict[str, Any]]:
        scores = [
            {"name": row["name"], "score": sign * row["mos"] + random.normal(0, noise)} for row in rows
        ][cut]
        path = write(teams / name, scores)
        os.utime(path, (1_700_000_000 + 86_400 * day,) * 2)
        return scores

    submit("anna/first.csv", 0.9)
    submit("anna/second.csv", 0.1, day=2)
    submit("bob.csv", 0.5)
    submit("reversed.csv", 0.5, -1)
    submit("short.csv", 0.1, cut=slice(0, 38))
    twice = submit("twice.csv", 0.1)
    write(teams / "twice.csv", [*twice, twice[0]])
    write(teams / "unknown.csv", [{"name": "00.pngg", "score": 1}, *twice[1:]])
    write(teams / "nan.csv", [twice[0] | {"score": "nan"}, *twice[1:]])
    write(teams / "text.csv", [twice[0] | {"score": "good"}, *twice[1:]])
    write(teams / "words.csv", [{"image": row["name"], "quality": row["score"]} for row in twice])
    write(teams / "flat.csv", [row | {"score": 2} for row in twice])
    (teams / "empty.csv").write_text("")
    return folder


def test_submissions_are_scored_ranked_and_refused_with_line_and_reason(challenge: Path):
    found = answer(challenge, "--submissions", "teams", "--hidden", "hidden.csv", *FAST)
    assert [(row["rank"], row["team"], row["file"]) for row in found["ranking"]] == [
        (1, "anna", "anna/second.csv"), (2, "bob", "bob.csv"), (3, "reversed", "reversed.csv"),
    ]  # fmt: skip
    for row in found["ranking"]:
        assert row["score"] == pytest.approx((row["srcc"] + row["plcc"]) / 2)
        assert row["ci95"][0] < row["score"] < row["ci95"][1]
    assert found["ranking"][2]["score"] < -0.5
    assert [row["rank_group"] for row in found["ranking"]] == [1, 2, 3]
    refused = {
        row["team"]: (row["line"], row["reason"]) for row in found["submissions"] if row["state"] == "refused"
    }
    assert refused["short"] == (None, "'38.png' and 1 more has no score")
    assert refused["twice"] == ("line 42", "'00.png' appears twice, first in line 2")
    assert refused["unknown"] == ("line 2", "'00.pngg' is not an image of the split; '00.png' looks like it")
    assert refused["nan"] == ("line 2", "the score is empty or NaN")
    assert refused["text"] == ("line 2", "the score 'good' is not a number")
    assert refused["words"] == ("line 1", "the column 'name' is missing; the columns are image, quality")
    assert refused["flat"][1] == "all scores are 2: a constant cannot be ranked"
    assert "empty" in refused["empty"][1]


def test_only_so_many_a_day_are_scored(challenge: Path):
    teams = challenge / "teams/anna"
    os.utime(teams / "second.csv", (1_700_000_000 + 86_400 + 60,) * 2)
    (teams / "zero.csv").write_text("name,score\n")
    os.utime(teams / "zero.csv", (1_700_000_000 + 86_400 - 60,) * 2)
    words = ("--submissions", "teams", "--hidden", "hidden.csv", "--per-day", "1", *FAST)
    found = answer(challenge, *words)
    anna = {row["file"]: row["state"] for row in found["submissions"] if row["team"] == "anna"}
    assert anna == {
        "anna/zero.csv": "refused", "anna/first.csv": "scored", "anna/second.csv": "over the limit",
    }  # fmt: skip
    done = groundglass(challenge, "benchmark", "iqa", *words, COLUMNS="80")
    assert "✕ anna/second.csv: over the limit" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1])


def test_no_file_of_a_team_is_trusted(challenge: Path):
    """A link to the hidden split, a copy of it, and a date in the future would all win the challenge."""
    teams = challenge / "teams"
    best = (teams / "anna/second.csv").read_text()
    hidden = (challenge / "hidden.csv").read_text().replace("mos", "score", 1)
    (challenge / "hidden.csv").write_text(hidden)
    (teams / "copy.csv").write_text(hidden)
    (teams / "link.csv").symlink_to(challenge / "hidden.csv")
    (teams / "folder").symlink_to(teams / "anna")
    os.mkfifo(teams / "pipe.csv")
    (teams / "late.csv").write_text(best)
    os.utime(teams / "late.csv", (4_000_000_000,) * 2)
    (teams / "large.csv").write_text(best + " " * 2_000_000)
    (teams / "anna/table.tsv").write_text(best)
    (teams / "anna/old").mkdir()
    (teams / "anna/old/deep.csv").write_text(best)
    words = ("--submissions", "teams", "--hidden", "hidden.csv", "--mos", "score", *FAST)
    found = answer(challenge, *words)
    assert [row["team"] for row in found["ranking"]] == ["anna", "bob", "reversed"]
    refused = {row["file"]: row["reason"] for row in found["submissions"] if row["state"] == "refused"}
    assert refused["copy.csv"].startswith("it is the hidden split")
    assert refused["link.csv"].startswith("it is a link")
    assert refused["pipe.csv"] == "it is not a file"
    assert refused["late.csv"].startswith("its date is in the future")
    assert refused["large.csv"] == "it is too large for 40 images"
    assert found["notes"] == [
        "3 files are not submissions (TEAM.csv or TEAM/ANY_NAME.csv): anna/old/deep.csv, anna/table.tsv, folder"
    ]


def test_the_next_line_of_a_challenge_gives_the_same_ranking(challenge: Path):
    words = ("--submissions", "teams", "--hidden", "hidden.csv", "--per-day", "1", *FAST)
    said = groundglass(challenge, "benchmark", "iqa", *words).stdout.splitlines()[-1]
    again = shlex.split(said.partition("benchmark iqa ")[2])
    assert "--per-day" in again
    assert answer(challenge, *again[:-1])["ranking"] == answer(challenge, *words)["ranking"]


def test_a_team_name_that_is_not_utf8_is_written_out(challenge: Path):
    try:
        (challenge / "teams/bob.csv").rename(challenge / "teams" / os.fsdecode(b"b\xff.csv"))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    words = ("--submissions", "teams", "--hidden", "hidden.csv", "--csv", "out.csv", *FAST)
    assert answer(challenge, *words)["ranking"][1]["team"] == r"b\xff"
    assert r"b\xff" in (challenge / "out.csv").read_text(encoding="utf-8")


def test_images_of_the_split_without_a_mos_may_be_submitted(challenge: Path):
    rows = rows_of()
    write(
        challenge / "hidden.csv",
        [{"name": row["name"], "mos": row["mos"] if at else ""} for at, row in enumerate(rows)],
    )
    found = answer(challenge, "--submissions", "teams", "--hidden", "hidden.csv", *FAST)
    assert (found["images"], len(found["ranking"])) == (39, 5)  # "nan" and "text" are bad only there
    assert "1 image has no MOS and does not count" in found["notes"]


def test_the_table_of_a_challenge_is_never_a_submission(challenge: Path):
    words = ("--submissions", "teams", "--hidden", "hidden.csv", "--csv")
    assert "would be taken for one" in refusal(challenge, *words, "teams/ranking.csv")
    (challenge / "mine.csv").write_text("mine")
    assert "nothing is overwritten" in refusal(challenge, *words, "mine.csv")
    assert "nothing is overwritten" in refusal(challenge, *BOTH, "--csv", "mine.csv")
    assert (challenge / "mine.csv").read_text() == "mine"
    for _ in range(2):
        answer(challenge, *words, "ranking.csv", *FAST)


def test_tables_as_other_programs_write_them(folder: Path):
    expected = answer(folder, *BOTH)["scores"]
    text = (folder / "scores.csv").read_text()
    other = text.replace("name,mos,good", 'Image Name,Mean Opinion,"good; higher is better"', 1)
    (folder / "other.csv").write_text(other)
    assert "--mos 'Mean Opinion'" in refusal(folder, "other.csv", "--score", "niqe")
    words = ("--mos", "Mean Opinion", "--score", "good; higher is better", "niqe")
    found = answer(folder, "other.csv", *words, *FAST)
    assert [row["srcc"] for row in found["scores"]] == [row["srcc"] for row in expected]
    assert found["gallery"][0]["overrated"][0]["image"].endswith(".png")
    assert "before the scores: benchmark iqa scores.csv" in refusal(
        folder, "--score", "good", "niqe", "scores.csv"
    )
    assert "has no column" in refusal(folder, *BOTH, "--sd", "sd", "--votes", "²")


def test_huge_and_tiny_scores_have_the_same_correlations(folder: Path):
    rows = [row | {"good": row["good"] * 1e300, "niqe": row["niqe"] * 1e-300} for row in rows_of()]
    write(folder / "huge.csv", rows)
    done = groundglass(folder, "benchmark", "iqa", "huge.csv", *BOTH[1:], "--json")
    assert done.stderr == ""
    expected = {row["score"]: row for row in answer(folder, *BOTH)["scores"]}
    for row in json.loads(done.stdout)["scores"]:
        for key in ("srcc", "plcc", "plcc_4", "plcc_5", "srcc_ci95", "plcc_ci95"):
            assert row[key] == pytest.approx(expected[row["score"]][key], abs=1e-6), key


def test_a_team_cannot_put_a_formula_into_the_table(challenge: Path):
    (challenge / "teams/bob.csv").rename(challenge / "teams/=1+1.csv")
    answer(challenge, "--submissions", "teams", "--hidden", "hidden.csv", "--csv", "out.csv", *FAST)
    with (challenge / "out.csv").open(newline="") as file:
        rows = {row["team"]: row["state"] for row in csv.DictReader(file)}
    assert rows["'=1+1"] == "scored"
    assert "=1+1" not in rows


def test_a_challenge_without_a_sound_submission_ends_with_4(challenge: Path):
    (challenge / "bad").mkdir()
    (challenge / "bad/a.csv").write_text("name,score\nx,1\n")
    assert "no submission could be scored" in refusal(
        challenge, "--submissions", "bad", "--hidden", "hidden.csv", code=4
    )
    (challenge / "none").mkdir()
    assert "holds no CSV file" in refusal(challenge, "--submissions", "none", "--hidden", "hidden.csv")
    assert "belong together" in refusal(challenge, "--submissions", "teams")
    assert "cannot be used with --submissions" in refusal(
        challenge, "--submissions", "teams", "--hidden", "hidden.csv", "--score", "x"
    )
    assert "--per-day is for" in refusal(challenge, *BOTH, "--per-day", "2")


def test_the_help_fits_into_80_columns(folder: Path):
    said = groundglass(folder, "benchmark", "iqa", "--help", COLUMNS="80").stdout
    assert "--score" in said
    assert all(len(line) <= 80 for line in said.splitlines()), said


PAGE = Path(__file__).parents[2] / "docs/how-to/benchmark-quality-measures.md"


def test_the_page_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    text = PAGE.read_text(encoding="utf-8")
    table, code = (re.search(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("csv", "python"))
    assert table
    assert code
    (tmp_path / "rated.csv").write_text(table[1])
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], PAGE.name, "exec"), {})
    said = re.search(r"```text\n(.*?)```", text[code.end() :], re.S)
    assert said
    assert capsys.readouterr().out == said[1]


def test_scores_that_may_be_chance_are_not_advised_to_be_turned_round(tmp_path: Path):
    random = np.random.default_rng(1)
    rows = [
        {"name": f"{at}.png", "mos": at, "noise": float(random.random()), "half": at % 2 or ""}
        for at in range(60)
    ]
    write(tmp_path / "t.csv", [row | {"against": -row["mos"]} for row in rows])
    found = answer(tmp_path, "t.csv", "--score", "noise", "half", "against", *FAST)
    low, high = next(row["srcc_ci95"] for row in found["scores"] if row["score"] == "noise")
    assert low < 0 < high
    turned = [note for note in found["notes"] if "against its direction" in note]
    assert [note.partition(":")[0] for note in turned] == ["against"]
    assert "half: it is 1 on all 30 images that have it: a constant cannot be correlated" in found["notes"]
    said = groundglass(
        tmp_path, "benchmark", "iqa", "t.csv", "--score", "against", "noise", *FAST, "--lower", "noise"
    )
    assert "not shown to be worse" not in said.stdout or "agrees best" in said.stdout


def test_strata_with_empty_cells_wide_letters_and_the_name_of_the_quarters(tmp_path: Path):
    rows = [
        row | {"kind": ("", "写真", "painting")[at % 3], "mos_quartile": "x"}
        for at, row in enumerate(rows_of(60))
    ]
    write(tmp_path / "t.csv", rows)
    words = ("t.csv", "--score", "good", *FAST, "--strata", "kind", "--strata", "mos_quartile")
    said = groundglass(tmp_path, "benchmark", "iqa", *words).stdout
    lines = {
        line.split()[0]: line
        for line in said.splitlines()
        if line.strip().startswith(("(empty)", "写真", "painting"))
    }
    assert set(lines) == {"(empty)", "写真", "painting"}
    assert len({terminal_cells(line) for line in lines.values()}) == 1
    found = answer(tmp_path, *words)
    assert {row["stratum"] for row in found["strata"] if row["by"] == "mos_quartile"} == set("1234")
    assert any(note.startswith("mos_quartile is the name of the quarters") for note in found["notes"])
