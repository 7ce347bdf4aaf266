"""How well captions fit: as transformers says, by the caption of each row, and with no picture looked at again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import tiny_clip
from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.measures.alignment import load
from groundglass.models.scorer import Place
from groundglass.plans.run_folder import RunFolder
from groundglass.reports.read_run import read_facts
from in_process import run_here

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

RECIPE = """
name: pairs
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [{alignment: {weights: network, device: cpu, text: meta.caption}}]
    name: fit
  - select: {where: "alignment >= -1"}
    name: told
  - release: {format: folder}
"""
CAPTIONS = {
    "0": "a red boat",
    "1": "two trees by a lake",
    "2": "a red boat",
    "3": "a " + "very " * 40 + "long walk",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "network").mkdir()
    tiny_clip.clip(tmp_path / "network")
    (tmp_path / "photos").mkdir()
    for name, caption in CAPTIONS.items():
        write(tmp_path, name, int(name), caption)
    write(tmp_path, "4", 4, "   ")
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


def write(folder: Path, name: str, seed: int, caption: str) -> None:
    (folder / f"photos/{name}.png").write_bytes(testing.png(testing.photo(80, 60, seed)))
    (folder / f"photos/{name}.txt").write_text(caption)


def run(folder: Path, number: int = 1) -> dict[str, dict[str, Any]]:
    """The manifest of a run, by the names of the photographs."""
    done = run_here(folder, ("run", "r.yaml"), {})
    assert done.returncode == 0, done.stderr
    table = pq.read_table(folder / f"runs/pairs/{number:04}/release/manifest.parquet")
    return {row["uri"].removesuffix(".png"): row for row in table.to_pylist()}


def by_transformers(folder: Path, name: str, caption: str) -> float:
    frame = open_frame((folder / f"photos/{name}.png").read_bytes())
    pixels = load(folder / "network", Place()).prepare(frame).pixels[None]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "network")
    model = transformers.AutoModel.from_pretrained(folder / "network").eval()
    longest = model.config.text_config.max_position_embeddings
    fill = "max_length" if model.config.model_type == "siglip" else False
    tokens = tokenizer(
        [caption], return_tensors="pt", truncation=True, max_length=longest, padding=fill
    ).input_ids
    with torch.no_grad():
        said = model(pixel_values=torch.from_numpy(pixels), input_ids=tokens)
    return float((said.image_embeds @ said.text_embeds.T)[0, 0])


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_cosine_is_that_of_transformers(folder: Path, kind: str):
    for old in (folder / "network").iterdir():
        old.unlink()
    {"clip": tiny_clip.clip, "siglip": tiny_clip.siglip}[kind](folder / "network")
    rows = run(folder)
    assert rows.keys() == CAPTIONS.keys(), "the one without a caption has no value to pass the rule with"
    for name, caption in CAPTIONS.items():
        assert rows[name]["alignment"] == pytest.approx(by_transformers(folder, name, caption), abs=5e-4)
        assert (rows[name]["alignment_read"] == 1) == (name != "3")
    assert len({rows[name]["alignment"] for name in CAPTIONS}) == 4
    assert 0 < rows["3"]["alignment_read"] < 1


def test_an_image_without_a_caption_leaves_with_its_reason(folder: Path):
    done = run_here(folder, ("run", "r.yaml", "--json"), {})
    assert "1 of 5 images have no text in meta.caption" in done.stdout
    verdicts = pq.read_table(folder / "runs/pairs/0001/selections/told.parquet").to_pylist()
    (gone,) = [row for row in verdicts if not row["kept"]]
    assert "no_text" in gone["reason"]


def parts(folder: Path, begin: str) -> int:
    """How many rows the store has of what begins so."""
    found = (folder / "runs/pairs/store/measures").glob(f"{begin}*/part-*.parquet")
    return sum(pq.read_metadata(part).num_rows for part in found)


def test_one_picture_with_two_captions_and_a_changed_caption(folder: Path):
    """Equal bytes have one vector; each row is judged by its own caption."""
    write(folder, "5", 0, "a sunset over the sea")
    first = run(folder)
    assert first["0"]["sha256"] == first["5"]["sha256"]
    assert first["0"]["alignment"] != first["5"]["alignment"]
    assert (parts(folder, "alignment-1"), parts(folder, "alignment_text-1")) == (5, 4)
    write(folder, "1", 1, "a sunset over the sea")
    second = run(folder, 2)
    assert second["1"]["alignment"] != first["1"]["alignment"]
    assert second["1"]["alignment"] == pytest.approx(
        by_transformers(folder, "1", "a sunset over the sea"), abs=5e-4
    )
    assert (parts(folder, "alignment-1"), parts(folder, "alignment_text-1")) == (5, 4), (
        "nothing new was looked at"
    )


def test_plan_says_what_is_to_do_and_then_that_all_is_known(folder: Path):
    run(folder)
    plan = json.loads(run_here(folder, ("plan", "r.yaml", "--json"), {}).stdout)
    steps = {step["name"]: step for step in plan["steps"]}
    assert steps["fit"]["to_do"] == 0
    assert steps["told"]["exact"]
    write(folder, "2", 2, "something new")
    plan = json.loads(run_here(folder, ("plan", "r.yaml", "--json"), {}).stdout)
    assert {step["name"]: step for step in plan["steps"]}["fit"]["to_do"] == 1


def test_why_tells_the_value(folder: Path):
    rows = run(folder)
    said = json.loads(run_here(folder, ("why", "pairs", "1.png", "--json"), {}).stdout)
    assert f"{rows['1']['alignment']}" in json.dumps(said)


def test_the_report_shows_the_values(folder: Path):
    rows = run(folder)
    facts = read_facts(RunFolder(folder / "runs/pairs/0001"))
    shown = {row["uri"]: row for row in facts.rows.to_pylist()}
    assert {"alignment", "alignment_read"} <= facts.columns.keys()
    assert shown["4.png"]["alignment"] is None
    for name, row in rows.items():
        assert shown[f"{name}.png"]["alignment"] == row["alignment"]
        assert shown[f"{name}.png"]["alignment_read"] == row["alignment_read"]


def test_a_tile_is_compared_to_the_caption_of_its_photograph(folder: Path):
    measure = RECIPE.splitlines()[4]
    (folder / "r.yaml").write_text(
        RECIPE.replace(
            "    name: fit\n", "    name: fit\n  - transform: {tile: 40}\n" + measure + "\n"
        ).replace('"alignment >= -1"', '"alignment >= -1 AND root.alignment >= -1"')
    )
    done = run_here(folder, ("run", "r.yaml"), {})
    assert done.returncode == 0, done.stderr
    release = folder / "runs/pairs/0001/release"
    rows = pq.read_table(release / "manifest.parquet").to_pylist()
    assert rows
    (folder / "photos/tile.png").write_bytes((release / rows[0]["file"]).read_bytes())
    caption = CAPTIONS[rows[0]["uri"].removesuffix(".png")]
    assert rows[0]["alignment"] == pytest.approx(by_transformers(folder, "tile", caption), abs=5e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs `text`"),
        (", text: meta.captoin", "did you mean `meta.caption`"),
        (", text: uri", "is not a column that came with the images"),
    ],
)
def test_a_column_that_is_not_there_stops_in_plan(folder: Path, text: str, words: str):
    (folder / "r.yaml").write_text(RECIPE.replace(", text: meta.caption", text))
    done = run_here(folder, ("plan", "r.yaml"), {})
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert words in said
    assert "r.yaml:5" in said


def test_single_files_have_no_caption(folder: Path):
    done = run_here(folder, ("measure", "alignment", "photos/0.png", "--weights", "network"), {})
    assert done.returncode == 2
    assert "use it in a recipe" in " ".join(done.stderr.split())


def forget(folder: Path, begin: str) -> None:
    """The store has nothing any more of what begins so."""
    for place in (folder / "runs/pairs/store/measures").glob(f"{begin}*"):
        shutil.rmtree(place)


@pytest.mark.parametrize("gone", ["alignment_text-", "alignment-1"])
def test_a_store_that_lost_vectors_stops_neither_plan_nor_audit(folder: Path, gone: str):
    run(folder)
    audited = ("audit", "pairs", "--json", "--defects", "blur")
    right = json.loads(run_here(folder, audited, {}).stdout)
    assert right["false_alarm"] == 0
    forget(folder, gone)
    done = run_here(folder, ("plan", "r.yaml", "--json"), {})
    assert done.returncode == 0, done.stderr
    assert {step["name"]: step for step in json.loads(done.stdout)["steps"]}["fit"]["to_do"] >= 4
    done = run_here(folder, audited, {})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["false_alarm"] == 0, "what is lost is made again, and is no fault of the images"
    shown = [
        [(one["gate"], one["severity"], one["recall"]) for one in card["gates"]] for card in (right, found)
    ]
    assert shown[0] == shown[1]
    forget(folder, gone)
    assert run(folder, 2).keys() == CAPTIONS.keys()


def test_a_plan_with_a_condition_counts_as_the_run_does(folder: Path):
    """Tiles of the images that fit, beside whole images that do not; both are compared to their captions."""
    measure = RECIPE.splitlines()[4]
    middle = (
        f'    name: fit\n  - transform: {{tile: 40}}\n    if: "alignment > -1"\n{measure}\n    name: again\n'
    )
    run(folder)
    (folder / "r.yaml").write_text(RECIPE.replace("    name: fit\n", middle))
    plan = json.loads(run_here(folder, ("plan", "r.yaml", "--json"), {}).stdout)
    forecast = {step["name"]: step for step in plan["steps"]}
    rows = pq.read_table(folder / "runs/pairs/0001/images/source-1/part-0.parquet").num_rows
    assert rows == len(CAPTIONS) + 1
    done = run_here(folder, ("run", "r.yaml", "--json"), {})
    assert done.returncode == 0, done.stderr
    ran = {step["step"]: step for step in json.loads(done.stdout)["steps"]}
    assert forecast["again"]["into"] == ran["again"]["in"] > rows
    assert forecast["again"]["to_do"] == ran["again"]["in"] - 1, (
        "the image without a caption stayed whole: known"
    )
    plan = json.loads(run_here(folder, ("plan", "r.yaml", "--json"), {}).stdout)
    forecast = {step["name"]: step for step in plan["steps"]}
    assert forecast["again"]["to_do"] == 0
    assert forecast["told"]["exact"]
    assert forecast["release-1"]["into"] == ran["release-1"]["in"]
