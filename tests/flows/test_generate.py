"""A recipe whose images pipelines of diffusers make: planned, made, grown, killed, continued, released."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, run_json_process, steps

from groundglass.generators.made import MadeFolder
from patience import STOPS_A_HANG, wait_until

pytest.importorskip("diffusers", reason="needs the extra 'generate'")

RECIPE = """
name: made
seed: 5
steps:
  - source:
      generate: prompts.csv
      licence: CC0-1.0
      generators:
        unet:
          diffusers: {pipeline}
          licence: LicenseRef-Mine
          images: 4
          settings:
            guidance: {{from: 1, to: 12}}
            steps: {{from: 2, to: 3}}
            size: [64x64, 32x64]
            scheduler: [ddim, euler]
    name: images
  - release: {{format: folder}}
    name: out
"""
PROMPTS = "prompt,category\na red cat,animals\na lighthouse,places\na bowl of ramen,food\na red cat,animals\n"


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny_generators

    return tiny_generators.unet(tmp_path_factory.mktemp("pipelines") / "unet")


def prepared(folder: Path, pipeline: Path, **changes: str) -> Path:
    (folder / "prompts.csv").write_text(PROMPTS, encoding="utf-8")
    text = RECIPE.format(pipeline=pipeline)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "made.yaml").write_text(text, encoding="utf-8")
    return folder / "runs" / "made"


def rows(runs: Path, number: int = 1) -> dict[str, dict[str, Any]]:
    table = pq.read_table(runs / f"{number:04d}" / "images" / "images" / "part-0.parquet")
    return {row["uri"]: row for row in table.to_pylist()}


def made(runs: Path) -> MadeFolder:
    return MadeFolder(runs / "generated" / "images")


def test_a_recipe_from_its_plan_to_its_release(tmp_path: Path, unet: Path):
    runs = prepared(tmp_path, unet)
    planned = groundglass(tmp_path, "plan", "made.yaml")
    assert planned.returncode == 0, planned.stderr
    said = " ".join(planned.stdout.split())
    assert "1 row with the prompt of an earlier row" in said
    assert "unet: 4 images of 4 prompts, 1 of each; guidance from 1 to 12, steps from 2 to 3, whole" in said
    assert "at most 4 images to make; how long that takes is unknown" in said
    assert "on this machine; unknown for images space" in said
    assert not runs.exists(), "plan makes nothing"

    done = steps(run_json_process(tmp_path, "made.yaml"))
    assert (done["images"]["in"], done["images"]["out"]) == (4, 4)
    first = rows(runs)
    assert {row["meta.prompt"] for row in first.values()} == {"a red cat", "a lighthouse", "a bowl of ramen"}
    assert {row["meta.category"] for row in first.values()} == {"animals", "places", "food"}
    assert len({row["sha256"] for row in first.values()}) == 4
    for row in first.values():
        assert row["meta.size"] == f"{row['width']}x{row['height']}"
        assert row["licence"] == "LicenseRef-Mine"
        assert row["meta.model"] == "unet"
        assert row["meta.prompt_cut"] == 0
    manifest = pq.read_table(runs / "0001" / "release" / "manifest.parquet").to_pylist()
    assert {row["meta.seed"] for row in manifest} == {row["meta.seed"] for row in first.values()}
    assert not any("meta.author" in row or "meta.licence" in row for row in manifest)
    card = (runs / "0001" / "release" / "README.md").read_text(encoding="utf-8")
    assert "| unet | 4 | unet | " in card
    assert str(unet.parent) not in card
    uri, row = next(iter(first.items()))
    why = groundglass(tmp_path, "why", "made", uri)
    assert why.returncode == 0, why.stderr
    assert str(row["meta.seed"]) in why.stdout
    assert row["meta.prompt"] in why.stdout
    page = (runs / "0001" / "report").rglob("*")
    assert any(row["meta.prompt"].encode() in file.read_bytes() for file in page if file.is_file())

    # A larger design: what exists is neither made again nor changed.
    times = {path.name: path.stat().st_mtime_ns for path in (made(runs).path / "unet").iterdir()}
    prepared(tmp_path, unet, **{"images: 4": "images: 6"})
    again = groundglass(tmp_path, "plan", "made.yaml")
    said = " ".join(again.stdout.split())
    assert "at most 2 images to make, 4 are there already; about" in said
    assert "unknown for" not in said, "the first images gave the speed"
    assert steps(run_json_process(tmp_path, "made.yaml"))["images"]["out"] == 6
    after = rows(runs, 2)
    assert {uri: after[uri]["sha256"] for uri in first} == {uri: row["sha256"] for uri, row in first.items()}
    assert {uri: after[uri]["id"] for uri in first} == {uri: row["id"] for uri, row in first.items()}
    assert (
        times.items()
        <= {path.name: path.stat().st_mtime_ns for path in (made(runs).path / "unet").iterdir()}.items()
    )

    # The same recipe elsewhere gives the same images, bit for bit.
    (tmp_path / "elsewhere").mkdir()
    other = prepared(tmp_path / "elsewhere", unet)
    run_json_process(tmp_path / "elsewhere", "made.yaml")
    assert {uri: row["sha256"] for uri, row in rows(other).items()} == {
        uri: row["sha256"] for uri, row in first.items()
    }


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, unet: Path, how: signal.Signals):
    runs = prepared(tmp_path, unet, **{"images: 4": "images: 24", "{from: 2, to: 3}": "{from: 20, to: 30}"})
    program = subprocess.Popen(
        command("run", "made.yaml", "--json", "--workers", "1"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )
    wait_until(lambda: len(made(runs).outcomes()) >= 3)
    program.send_signal(how)
    program.communicate(timeout=STOPS_A_HANG)
    if how == signal.SIGINT:
        assert program.returncode == 130
    there = {path.name: path.stat().st_mtime_ns for path in (made(runs).path / "unet").glob("*.png")}
    assert 3 <= len(there) < 24
    assert steps(run_json_process(tmp_path, "made.yaml"))["images"]["out"] == 24
    files = {path.name: path.stat().st_mtime_ns for path in (made(runs).path / "unet").glob("*.png")}
    assert len(files) == 24
    assert there.items() <= files.items()


WRONG = [
    ("size: [64x64, 32x64]", "size: [64x60]", "multiples of 8, so not 64x60", "the nearest size is 64x64"),
    ("size: [64x64, 32x64]", "size: 64", "`size` cannot be '64'", "width x height"),
    (
        "scheduler: [ddim, euler]",
        "scheduler: [ddimm]",
        "there is no scheduler 'ddimm'",
        "did you mean `ddim`",
    ),
    ("guidance: {{", "guidence: {{", "takes no `guidence`", "did you mean `guidance`"),
    (
        "{{from: 1, to: 12}}",
        "{{from: 12, to: 1}}",
        "the range from 12 to 1 is empty",
        "`from` is the smaller",
    ),
    ("{{from: 1, to: 12}}", "{{from: 1, too: 12}}", "`too` is not a key of a range", ""),
    ("{{from: 1, to: 12}}", "[]", "`guidance` is empty", ""),
    ("{{from: 1, to: 12}}", "{{from: 1}}", "a range needs `to`", "{{from: 1, to: 20}}"),
    ("{{from: 1, to: 12}}", "{{from: a, to: 12}}", "`from` of a range cannot be 'a'", ""),
    ("{{from: 1, to: 12}}", "[high]", "`guidance` cannot be 'high'", "write a number"),
    ("{{from: 2, to: 3}}", "2.5", "`steps` cannot be '2.5'", "a whole number from 1"),
    ("{{from: 2, to: 3}}", "{{from: 0, to: 3}}", "`steps` cannot be a range from 0 to 3", "from 1"),
    ("{{from: 2, to: 3}}", "2\n            seed: abc", "`seed` cannot be 'abc'", "a whole number from 0"),
    ("{{from: 2, to: 3}}", f"2\n            seed: {10**20}", "`seed` cannot be '1000", "to 2^63 - 1"),
    ("{{from: 2, to: 3}}", "2\n            prompt_id: x", "`prompt_id` cannot be a setting", ""),
    (
        "diffusers: {pipeline}",
        "openai: m\n          base_url: http://localhost:1\n          settings: {{n: 4}}\n        other:"
        "\n          diffusers: {pipeline}",
        "`n` cannot be a setting",
        "the number of images",
    ),
    ("        unet:", "        made.jsonl:", "cannot be the name of a generator", ""),
    ("images: 4", "images: 0", "`images` must be", ""),
    ("images: 4", "price: 0.1", "`price` has no meaning with `diffusers`", "`openai` and `google`"),
    ("        unet:", "        a/b:", "cannot be the name of a generator", ""),
    ("generate: prompts.csv", "generate: none.csv", "there is no file of prompts", ""),
    (
        "generate: prompts.csv",
        "generate: prompts.csv\n      prompt: catgory",
        "has no column 'catgory'",
        "category",
    ),
    ("generate: prompts.csv", "generate: prompts.csv\n      sampling: gird", "`sampling` cannot be", "grid"),
    (
        "generate: prompts.csv",
        "generate: prompts.csv\n      sampling: grid",
        "a grid needs lists",
        "write a list",
    ),
    ("generate: prompts.csv", "generate: prompts.csv\n      budget: {{}}", "`budget` holds no limit", ""),
    ("diffusers: ", "diffusers: /none", "there are no weights", ""),
    ("diffusers: {pipeline}", "openai: m\n          base_url: ftp://x", "is not an address", ""),
    (
        "diffusers: {pipeline}",
        "google: imagen-4\n          base_url: http://localhost:1",
        "take no `size`",
        "",
    ),
    ("diffusers: {pipeline}", "openai: m\n          diffusers: n", "cannot go together", ""),
]


@pytest.mark.parametrize(("old", "new", "message", "hint"), WRONG)
def test_a_wrong_recipe_stops_in_the_plan_with_its_place(
    tmp_path: Path, unet: Path, old: str, new: str, message: str, hint: str
):
    old, new, hint = (text.format(pipeline=unet) for text in (old, new, hint))
    runs = prepared(tmp_path, unet, **{old: new})
    done = groundglass(tmp_path, "plan", "made.yaml")
    assert done.returncode == 2, done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    assert said.startswith("made.yaml:"), said
    assert message in said
    assert hint in said
    assert not runs.exists()
