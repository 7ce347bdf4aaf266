"""Settings of generated images in a run: a planted effect is found in the command, the report and the card."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from flow_tools import groundglass, picture, run_json

from groundglass.plans.run_folder import RunFolder
from groundglass.reports.read_run import read_facts
from groundglass.studies.open_study import open_study
from vote_tools import vote_all

RECIPE = """
name: generated
steps:
  - source: {table: images.csv, path: file, licence: CC0-1.0}
    name: images
  - measure: [{prompt: {text: meta.prompt}}]
  - study: {protocol: acr, votes: 3, content: meta.prompt_id, prompt: meta.prompt, checks: {training: 0}}
    name: rating
"""
PROMPTS = 12


def rows() -> list[dict[str, object]]:
    """Two generators, each with its own range of guidance: within both, more guidance lowers the score, but the
    generator with the higher guidance is the better one."""
    random = np.random.default_rng(3)
    found: list[dict[str, object]] = []
    for number in range(2 * 2 * PROMPTS):
        prompt, second = number % PROMPTS, number >= 2 * PROMPTS
        guidance = (8 if second else 1) + 4 * float(random.random())
        found.append(
            {
                "file": f"photos/{number:02d}.png",
                "generator": "new" if second else "old",
                "prompt": f"a photo of subject {prompt}" + " and a tree" * (prompt % 2),
                "prompt_id": str(prompt),
                "guidance": round(guidance, 3),
                "steps": int(random.integers(10, 50)),
                "scheduler": "euler",
                "seed": number,
            }
        )
    return found


def quality(row: dict[str, object]) -> float:
    new = row["generator"] == "new"
    return (4.5 if new else 3) - 0.5 * (float(str(row["guidance"])) - (8 if new else 1))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("settings")
    (place / "photos").mkdir()
    table = rows()
    for number, row in enumerate(table):
        (place / str(row["file"])).write_bytes(picture(64, 64, number))
    with (place / "images.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    (place / "recipe.yaml").write_text(RECIPE)
    first = groundglass(place, "run", "recipe.yaml")
    assert "waits for people" in first.stderr, first.stderr
    by_file = {Path(str(row["file"])).stem: row for row in table}
    study = open_study(place / "runs/generated/0001", "rating")
    with study.store:
        vote_all(
            study,
            3,
            lambda rater, _trial, shown: (
                1
                if shown["single"]["damaged"]
                else int(
                    np.clip(
                        round(
                            quality(by_file[Path(shown["single"]["name"]).stem]) + 0.2 * int(rater[1:]) - 0.4
                        ),
                        1,
                        5,
                    )
                )
            ),
        )
    assert run_json(place, "recipe.yaml")["state"] == "done"
    return place


def test_the_command_finds_the_effect_within_generators_and_says_that_it_is_reversed_over_all(made: Path):
    done = groundglass(made, "benchmark", "settings", "generated", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["score"], found["images"], found["contents"], found["grouped"]) == (
        "rating.score", 48, PROMPTS, "meta.generator",
    )  # fmt: skip
    by_name = {row["setting"]: row for row in found["settings"]}
    guidance = by_name["meta.guidance"]
    assert (guidance["equal"]["verdict"], guidance["all"]["verdict"], guidance["reverses"]) == (
        "falls",
        "rises",
        True,
    )
    assert guidance["equal"]["srcc"] < -0.8
    assert [row["scope"] for row in guidance["groups"] if row["srcc"] < -0.8] == ["new", "old"]
    assert by_name["meta.steps"]["equal"]["verdict"] == "none_shown"
    assert by_name["prompt_words"]["equal"]["verdict"] == "none_shown"
    assert by_name["meta.scheduler"]["all"]["reason"] == "all images have 'euler'"
    assert "meta.seed" not in by_name
    said = groundglass(made, "benchmark", "settings", "generated", "--by", "meta.guidance").stdout
    assert "It falls with guidance" in said
    assert "Over all images it rises with guidance" in " ".join(said.split())


def test_the_report_has_the_settings_that_vary(made: Path):
    (found,) = read_facts(RunFolder(made / "runs/generated/0001")).settings
    assert [row.setting for row in found.settings if row.main.verdict == "falls"] == ["meta.guidance"]
    assert "meta.scheduler" not in [row.setting for row in found.settings]
    page = (made / "runs/generated/0001/report/index.html").read_text()
    assert "It falls with guidance" in page
    assert 'data-tab="settings"' in page


def test_the_card_ranks_the_generators_beside_published_sets(made: Path):
    done = groundglass(
        made, "study", "release", "generated", "rating", "-o", "set", "--stratify", "meta.generator"
    )
    assert done.returncode == 0, done.stderr
    card = (made / "set/README.md").read_text()
    assert "| AIGIQA-20K, mos | 14,000 | 3.86 |" in card
    rank = [
        line.split(" | ")[0].strip("| ") for line in card.splitlines() if line.startswith(("| new", "| old"))
    ]
    assert rank == ["new", "old"]


def test_a_run_without_settings_has_no_such_part(made: Path):
    (made / "plain.yaml").write_text(RECIPE.replace("name: generated", "name: plain").split("  - measure")[0])
    assert run_json(made, "plain.yaml")["state"] == "done"
    assert read_facts(RunFolder(made / "runs/plain/0001")).settings == ()
    refused = groundglass(made, "benchmark", "settings", "plain")
    assert refused.returncode == 2
    assert "has no score of a study" in refused.stderr


def test_a_table_with_hostile_cells_gives_reasons(made: Path):
    lines = ["mos,one,none,text,mixed,prompt"]
    lines += [
        f"{1 + number % 5},7,,word{number},{'x' if number == 3 else number},{'p' * 2000}{number}"
        for number in range(50)
    ]
    (made / "odd.csv").write_text("\n".join([*lines, ",7,,w,1,p"]) + "\n")
    done = groundglass(
        made, "benchmark", "settings", "odd.csv", "--by", "one", "--by", "none", "--by", "text", "--by", "mixed",
        "--content", "prompt", "--json",
    )  # fmt: skip
    (found,) = json.loads(done.stdout)
    reasons = {row["setting"]: row["all"]["reason"] for row in found["settings"]}
    assert reasons["one"] == "all images have 7"
    assert reasons["none"] == "no image has a value"
    assert "names, not settings" in reasons["text"]
    assert found["notes"] == ["1 image without mos does not count"]
    assert done.returncode == 4
    said = groundglass(
        made, "benchmark", "settings", "odd.csv", "--by", "one", "--by", "none", "--bootstrap", "0"
    )
    *_, again = said.stdout.split("groundglass benchmark settings ")
    assert again.split() == ["odd.csv", "--by", "one", "--by", "none", "--bootstrap", "0", "--json"]
    wrong = groundglass(made, "benchmark", "settings", "odd.csv", "--score", "text", "--by", "one")
    assert wrong.returncode == 2
    assert "holds a text" in wrong.stderr
