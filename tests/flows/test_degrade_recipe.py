"""`degrade` in a recipe: LQ as virtual rows, every parameter on record, and pairs in a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, picture, run_json, steps

import groundglass as gg
from groundglass.degradations.plain_chains import read_chain
from groundglass.degradations.record import degraded
from groundglass.errors import GroundglassError
from groundglass.files.hashes import sha256_of
from groundglass.image.frame import open_frame
from groundglass.image.region import made_in
from groundglass.made_images.records import read_record

CHAIN = """
        - gaussian_blur: {sigma: [0.5, 2.0]}
        - maybe: 0.5
          do: [{film_grain: {strength: [2.0, 8.0]}}]
        - resize_by: {factor: 0.5, kernel: {one_of: [area, bicubic]}, of: photo}
        - jpeg: {quality: [20, 60]}
"""
RECIPE = f"""
name: lq
seed: 5
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - transform: {{tile: 64}}
  - transform:
      scale: 2
      degrade: {CHAIN}
    name: worse
  - measure: [sharpness]
  - split: {{validation: 25%}}
  - release: {{format: paired, names: keep}}
"""


def make_photos(folder: Path, count: int = 1) -> None:
    folder.mkdir(parents=True)
    for seed in range(count):
        (folder / f"{seed}.png").write_bytes(picture(151, 130, seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, by worker processes."""
    folder = tmp_path_factory.mktemp("degraded")
    make_photos(folder / "photos", 5)
    (folder / "lq.yaml").write_text(RECIPE)
    run_json(folder, "lq.yaml", "--workers", "2")
    return folder


def manifest_of(release: Path) -> list[dict[str, Any]]:
    return pq.read_table(release / "manifest.parquet").to_pylist()


def file_of(record: dict[str, Any]) -> str:
    return f"{record['folder']}/{record['file']}"


def test_pairs_are_the_image_and_what_the_record_makes_of_it(folder: Path):
    release = folder / "runs" / "lq" / "0001" / "release"
    files = manifest_of(release)
    low = [row for row in files if row["role"] == "lr"]
    high = {row["id"]: row for row in files if row["role"] == "hr"}
    assert len(low) == len(high) == 5 * 4
    made_with = {row["file"]: row["made_with"] for row in low}
    records = [json.loads(line) for line in (release / "parameters.jsonl").read_text().splitlines()]
    assert [file_of(record) for record in records] == sorted(row["file"] for row in low)
    (key,) = {made_in(row["region"])[1].key for row in low}
    settings = json.loads((folder / "runs" / "lq" / "store" / "made" / f"{key}.json").read_text())
    assert (settings["seed"], settings["step"], settings["scale"]) == (5, "worse", 2)
    for row in low:
        assert row["scale"] == 2
        photo = (folder / "photos" / row["uri"]).read_bytes()
        before = made_in(row["region"])[0]
        hq = open_frame(photo).at(before).rgb
        assert (open_frame(release / high[row["id"]]["file"]).rgb == hq).all()
        lq, record = degraded(
            hq,
            read_chain(settings["chain"]),
            seed=5,
            step="worse",
            sha256=sha256_of(photo),
            region=before,
            scale=2,
        )
        assert (open_frame(release / row["file"]).rgb == lq).all()
        (stored,) = [one for one in records if file_of(one) == row["file"]]
        assert stored["applied"] == record["applied"]
        assert "jpeg quality" in made_with[row["file"]]
    assert len({record["applied"][0]["settings"]["sigma"] for record in records}) == 20, "each is drawn"


def test_scores_are_of_the_file_that_was_measured(folder: Path):
    release = folder / "runs" / "lq" / "0001" / "release"
    rows = manifest_of(release)
    assert all((row["tenengrad"] is not None) == (row["role"] == "lr") for row in rows)
    lines = (release / "scores.csv").read_text().splitlines()
    assert all("/lr_x2/" in line for line in lines[1:])
    assert "`groundglass degrade --replay parameters.jsonl" in (release / "README.md").read_text()


def test_the_command_makes_the_release_s_images_again(folder: Path, tmp_path: Path):
    release = folder / "runs" / "lq" / "0001" / "release"
    photos = [str(path) for path in sorted((folder / "photos").iterdir())]
    replay = ["degrade", "--replay", str(release / "parameters.jsonl"), "-o", str(tmp_path / "again")]
    done = groundglass(folder, *replay, *photos)
    assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "again").rglob("*.png"))
    assert len(made) == 20
    for path in made:
        twin = release / path.relative_to(tmp_path / "again")
        assert (open_frame(path).rgb == open_frame(twin).rgb).all()


def test_both_engines_make_the_same_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_photos(tmp_path / "photos", 5)
    (tmp_path / "lq.yaml").write_text(RECIPE)
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inline")
    run_json(tmp_path, "lq.yaml")
    sums = [(one / "runs/lq/0001/release/SHA256SUMS").read_text() for one in (folder, tmp_path)]
    pictures = [[line for line in text.splitlines() if line.endswith(".png")] for text in sums]
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 40


def test_a_second_run_makes_nothing_again_and_plan_says_so(folder: Path):
    planned = json.loads(groundglass(folder, "plan", "lq.yaml", "--json").stdout)
    counts = {step["name"]: (step["into"], step["exact"]) for step in planned["steps"]}
    assert counts["worse"] == (20, True)
    again = run_json(folder, "lq.yaml")
    assert steps(again)["worse"]["out"] == 20
    assert steps(again)["measure-1"]["cached"] == 20


def test_a_made_image_can_be_opened_by_name(folder: Path):
    run = gg.open_run(folder / "runs" / "lq" / "0001")
    row = next(row for row in manifest_of(run.folder / "release") if row["role"] == "lr")
    shown = run.open(f"{row['uri']}#{row['region']}")
    assert (np.asarray(shown.rgb) == open_frame(run.folder / "release" / row["file"]).rgb).all()
    assert "jpeg quality" in json.dumps(run.why(f"{row['uri']}#{row['region']}"))


BAD = {
    "no preset": ("{degrade: realesrgan-x4}", 7, "there is no preset 'realesrgan-x4'"),
    "no degradation": ("{degrade: [jpg]}", 7, "Did you mean 'jpeg'?"),
    "no setting": ("{degrade: [{jpeg: {qualty: 3}}]}", 7, "jpeg has no setting 'qualty'"),
    "a range upside down": ("{degrade: [{jpeg: {quality: [90, 30]}}]}", 7, "from 90 to 30"),
    "out of range": ("{degrade: [{jpeg: {quality: 400}}]}", 7, "quality is 400"),
    "another scale": ("{degrade: camera, scale: 2}", 7, "makes images 1 times smaller, not 2"),
    "a scale that nothing makes": ("{degrade: [jpeg], scale: 4}", 7, "never resizes"),
    "an empty chain": ("{degrade: []}", 7, "degrade"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_chain_that_cannot_be_stops_in_plan_at_its_place(name: str, tmp_path: Path):
    text, line, said = BAD[name]
    make_photos(tmp_path / "photos")
    (tmp_path / "bad.yaml").write_text(
        f"name: bad\nsteps:\n  - source: {{folder: photos, licence: CC0-1.0}}\n\n\n\n  - transform: {text}\n"
    )
    done = groundglass(tmp_path, "plan", "bad.yaml")
    assert done.returncode == 2
    assert f"bad.yaml:{line}:" in done.stderr
    assert said in " ".join(done.stderr.split())


PAIRLESS = {
    "nothing makes pairs": ("  - transform: {tile: 64}\n", "has no pairs"),
    "cut afterwards": ("  - transform: {degrade: camera}\n  - transform: {tile: 64}\n", "has no pairs"),
    "held out before": (
        "  - hold_out: {validation: {count: 1}}\n  - transform: {degrade: camera}\n",
        "hold out after it",
    ),
    "some are not made": ("  - transform: {degrade: camera}\n    if: width > 3\n", "has an `if`"),
}


@pytest.mark.parametrize("name", PAIRLESS)
def test_pairs_that_cannot_be_stop_in_plan(name: str, tmp_path: Path):
    made, said = PAIRLESS[name]
    make_photos(tmp_path / "photos")
    source = "name: bad\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"
    (tmp_path / "bad.yaml").write_text(f"{source}{made}  - release: {{format: paired}}\n")
    done = groundglass(tmp_path, "plan", "bad.yaml")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_an_image_that_comes_out_at_another_size_is_a_row_with_the_reason(tmp_path: Path):
    make_photos(tmp_path / "photos", 2)
    (tmp_path / "odd.yaml").write_text(
        "name: odd\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - transform:\n      scale: 4\n"
        "      degrade: [{resize_by: {factor: 0.5, kernel: area}}]\n  - release: {format: folder}\n"
    )
    done = groundglass(tmp_path, "run", "odd.yaml", "--json")
    assert done.returncode == 4
    record = json.loads((tmp_path / "runs" / "odd" / "0001" / "run.json").read_text())
    (step,) = [one for one in record["steps"] if one["kind"] == "transform"]
    assert (step["out"], step["failed"], step["reasons"]) == (0, 2, {"wrong_size": 2})


def test_a_record_that_is_gone_is_an_error_with_its_name_and_not_another_image(folder: Path, tmp_path: Path):
    make_photos(tmp_path / "photos")
    (tmp_path / "gone.yaml").write_text(
        "name: gone\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - transform: {degrade: camera}\n"
    )
    run_json(tmp_path, "gone.yaml")
    run = tmp_path / "runs" / "gone"
    (record,) = (run / "store" / "made").iterdir()
    record.write_text(record.read_text().replace('"seed":0', '"seed":1'))
    read_record.cache_clear()  # another process would read the file
    opened = gg.open_run(run / "0001")
    (region,) = pq.read_table(run / "0001" / "derived" / "transform-1.parquet")["region"].to_pylist()
    with pytest.raises(GroundglassError, match="not the record that its name states"):
        _ = opened.open(f"0.png#{region}").rgb


def test_an_audit_degrades_its_versions_as_the_photos_were(tmp_path: Path):
    make_photos(tmp_path / "photos", 4)
    (tmp_path / "audited.yaml").write_text(
        "name: audited\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - transform: {degrade: camera}\n"
        "  - measure: [sharpness]\n  - select: {quantile: 75%, by: tenengrad}\n"
        "  - audit: {defects: blur, sample: 3}\n"
    )
    record = run_json(tmp_path, "audited.yaml")
    found = steps(record)["audit-1"]["facts"]["audit"]
    assert found["false_alarm"] == 0, "without a defect, a version is the photo itself"
    assert found["versions"] > 0


def test_images_that_are_made_after_a_split_stay_in_the_split_of_their_photo(tmp_path: Path):
    make_photos(tmp_path / "photos", 8)
    (tmp_path / "early.yaml").write_text(
        "name: early\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - split: {validation: 3}\n"
        "  - transform: {tile: 64}\n  - transform: {degrade: camera}\n  - release: {format: paired}\n"
    )
    run_json(tmp_path, "early.yaml")
    files = manifest_of(tmp_path / "runs" / "early" / "0001" / "release")
    photos = {
        split: {row["uri"] for row in files if row["split"] == split} for split in ("train", "validation")
    }
    assert (len(photos["train"]), len(photos["validation"])) == (5, 3)
    assert not photos["train"] & photos["validation"]


def test_a_release_of_restored_images_of_degraded_ones_replays_the_degraded_ones(tmp_path: Path):
    make_photos(tmp_path / "photos", 2)
    (tmp_path / "both.yaml").write_text(
        "name: both\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - transform: {degrade: camera}\n"
        "  - transform: {restore: bicubic, scale: 2}\n  - release: {format: paired, names: keep}\n"
    )
    run_json(tmp_path, "both.yaml")
    release = tmp_path / "runs" / "both" / "0001" / "release"
    again = ["degrade", "photos", "--replay", str(release / "parameters.jsonl"), "-o", "again"]
    done = groundglass(tmp_path, *again)
    assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "again").rglob("*.png"))
    assert [path.name for path in made] == ["0.png", "1.png"]
    for path in made:
        assert (open_frame(path).rgb == open_frame(release / "lr_x2" / path.name).rgb).all()


@pytest.mark.parametrize(("before", "noted"), [(False, True), (True, False)])
def test_plan_notes_near_duplicates_that_are_looked_for_after_degrading(
    tmp_path: Path, before: bool, noted: bool
):
    make_photos(tmp_path / "photos")
    lines = ["  - transform: {degrade: camera}\n", "  - select: {deduplicate: near}\n"]
    (tmp_path / "near.yaml").write_text(
        "name: near\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"
        + "".join(reversed(lines) if before else lines)
    )
    done = groundglass(tmp_path, "plan", "near.yaml")
    assert done.returncode == 0, done.stderr
    assert ("put it before the step that makes them" in " ".join(done.stdout.split())) is noted
