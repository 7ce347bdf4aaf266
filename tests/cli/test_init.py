"""`groundglass init`: what a look at a folder says, and the recipe that it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import ENVIRONMENT, fingerprint_of, groundglass, make_photos

from groundglass import testing
from groundglass.drafts.adapt_shipped import Flow, as_written, fit, sampled_rows
from groundglass.drafts.first_recipe import step_lines
from groundglass.drafts.look_at_folder import Look
from groundglass.drafts.start_recipe import Choice
from groundglass.recipes.load import load_recipe, load_text
from groundglass.recipes.shipped import shipped, shipped_names


def begin(folder: Path, *words: str) -> dict[str, Any]:
    """`groundglass init … --json`, whose recipe must be one that `plan` takes."""
    done = groundglass(folder, "init", *words, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    planned = groundglass(folder, "plan", answer["recipe"])
    assert planned.returncode == 0, planned.stderr
    return answer


def steps_of(recipe: Path) -> dict[str, Any]:
    return {step.name: step.body for step in load_recipe(recipe).recipe.steps}


def said_of(answer: dict[str, Any], topic: str) -> str:
    return " ".join(noticed["said"] for noticed in answer["noticed"] if noticed["topic"] == topic)


def write_pngs(folder: Path, count: int, width: int, height: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        picture = testing.photo(width, height, seed)
        (folder / f"{width}x{height}-{seed}.png").write_bytes(testing.png(picture))
    return folder


def test_what_is_noticed_stands_in_the_recipe_and_on_the_screen(tmp_path: Path):
    photos = make_photos(tmp_path / "photos", 20)
    before = fingerprint_of(photos)
    shown = groundglass(tmp_path, "init", "mine", "photos", COLUMNS="80")
    assert shown.returncode == 0, shown.stderr
    assert fingerprint_of(photos) == before
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "groundglass plan mine.yaml" in shown.stdout
    text = (tmp_path / "mine.yaml").read_text()
    flat = " ".join(text.replace("#", " ").split())
    for words in (
        "2 of 25 cannot be used: truncated 1, not an image 1",
        "1 of 23 is blocky",
        "2 of 23 repeat another one, nearly or exactly",
        "None of 23 shows a known test image",
        "None of 23 is under 128 px on the short side",
    ):
        assert words in flat
        assert words in " ".join(shown.stdout.split())
    assert list(steps_of(tmp_path / "mine.yaml")) == [
        "photos", "scores", "unblocked", "clean-of-tests", "unique", "tiles", "split", "release",
    ]  # fmt: skip


def test_the_recipe_runs(tmp_path: Path):
    make_photos(tmp_path / "photos", 20)
    begin(tmp_path, "mine", "photos")
    done = groundglass(tmp_path, "run", "mine.yaml", "--json")
    assert done.returncode == 0, done.stderr
    pictures = json.loads(done.stdout)["steps"][-1]["facts"]["pictures"]
    assert pictures["train"] > 10


def test_a_gate_stands_only_where_there_is_something_to_drop(tmp_path: Path):
    write_pngs(tmp_path / "clean", 4, 200, 160)
    clean = begin(tmp_path, "clean-ones", "clean")
    assert "no gate" in said_of(clean, "JPEG")
    assert "no gate" in said_of(clean, "sharpness")
    assert not {"unblocked", "sharp", "unframed"} & steps_of(tmp_path / "clean-ones.yaml").keys()

    mixed = write_pngs(tmp_path / "mixed", 4, 200, 160)
    (mixed / "blocky.jpg").write_bytes(testing.jpeg(testing.photo(200, 160, 50), quality=20))
    (mixed / "soft.png").write_bytes(testing.png(smooth(200, 160)))
    (mixed / "framed.png").write_bytes(
        testing.png(np.pad(testing.photo(200, 120, 9), ((20, 20), (0, 0), (0, 0))))
    )
    begin(tmp_path, "mixed-ones", "mixed")
    assert {"unblocked", "sharp", "unframed"} <= steps_of(tmp_path / "mixed-ones.yaml").keys()


def test_a_gate_that_would_drop_most_is_left_to_the_user(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(6):
        (photos / f"{seed}.jpg").write_bytes(testing.jpeg(testing.photo(200, 160, seed), quality=20))
    answer = begin(tmp_path, "mine", "photos")
    assert "left to you" in said_of(answer, "JPEG")
    assert "unblocked" not in steps_of(tmp_path / "mine.yaml")
    text = (tmp_path / "mine.yaml").read_text()
    assert '  # - select: {where: "blockiness < 30"}' in text
    (tmp_path / "mine.yaml").write_text(
        text.replace("  # - select", "  - select").replace("  #   name", "    name")
    )
    assert "unblocked" in steps_of(
        tmp_path / "mine.yaml"
    )  # as a comment it is a step that only needs its # removed


@pytest.mark.parametrize(
    ("sizes", "tile"),
    [
        ([(600, 520)] * 5 + [(300, 260)], 512),
        ([(600, 520)] * 2 + [(300, 260)] * 4, 256),
        ([(160, 130)] * 5, 128),
        ([(100, 90)] * 5, None),
        ([(256, 256)] * 5, None),
    ],
)
def test_tiles_are_of_a_size_that_most_images_hold(
    tmp_path: Path, sizes: list[tuple[int, int]], tile: int | None
):
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed, (width, height) in enumerate(sizes):
        (photos / f"{seed}.png").write_bytes(testing.png(testing.photo(width, height, seed)))
    answer = begin(tmp_path, "mine", "photos")
    steps = steps_of(tmp_path / "mine.yaml")
    assert (steps["tiles"].tile if "tiles" in steps else None) == tile
    if tile == 256:
        assert "of 512 px it would be 4" in said_of(answer, "size")


def test_a_sample_is_the_same_each_time_and_says_how_large_it_is(tmp_path: Path):
    make_photos(tmp_path / "photos", 30)
    first = begin(tmp_path, "one", "photos", "--sample", "10")
    second = begin(tmp_path, "two", "photos", "--sample", "10")
    assert (first["files"], first["sampled"]) == (35, 10)
    assert first["noticed"] == second["noticed"]
    text = " ".join((tmp_path / "one.yaml").read_text().replace("#", " ").split())
    assert "a look at 10 of its 35 files" in text
    assert "may still be in up to 30 % of the folder" in text
    assert "A sample rarely contains both of two copies" in text


def test_many_broken_files_raise_what_may_fail(tmp_path: Path):
    photos = write_pngs(tmp_path / "photos", 8, 160, 130)
    for number in range(2):
        (photos / f"{number}.jpg").write_text("no picture")
    begin(tmp_path, "mine", "photos")
    assert load_recipe(tmp_path / "mine.yaml").recipe.limits.failed == 0.4
    assert groundglass(tmp_path, "run", "mine.yaml").returncode == 0


def test_nothing_is_overwritten(tmp_path: Path):
    write_pngs(tmp_path / "photos", 2, 160, 130)
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    for name in ("mine", "mine.yaml"):
        done = groundglass(tmp_path, "init", name, "photos")
        assert done.returncode == 2
        assert "mine.yaml exists already" in done.stderr
    assert (tmp_path / "mine.yaml").read_text() == "name: mine\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mine", "nowhere"), 2, "there is no folder"),
        (("mine", "file.txt"), 2, "is a file, not a folder"),
        (("photos", "mine"), 2, "groundglass init mine photos"),
        (("mine", "empty"), 2, "holds no files"),
        (("mine", "broken"), 4, "not an image 1, truncated 1"),
        (("a b", "photos"), 2, "cannot be the name of a recipe"),
        (("faceup", "photos"), 2, "give yours another name"),
        (("no/such/mine", "photos"), 2, "mkdir -p no/such"),
        (("mine", "photos", "--like", "facup"), 2, "did you mean `faceup`?"),
        (("mine", "photos", "--like", "aigiqa"), 2, "groundglass plan aigiqa"),
        (("mine", "."), 2, "cd .."),
    ],
)
def test_wrong_words_say_the_way_out_and_write_nothing(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
):
    write_pngs(tmp_path / "photos", 1, 160, 130)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_text("no picture")
    whole = testing.png(testing.photo(160, 130))
    (tmp_path / "broken" / "b.png").write_bytes(whole[: len(whole) // 2])
    done = groundglass(tmp_path, "init", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.yaml"))


@pytest.mark.parametrize("name", ['it\'s "odd": {a}, #1', "two\nlines", "日本"])
def test_names_do_not_matter(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "a\nb #.png").write_bytes(testing.png(testing.photo(160, 130)))
    (folder / "c\nd: .txt").write_text("no picture")
    begin(tmp_path, "mine", name)
    assert steps_of(tmp_path / "mine.yaml")["photos"].folder == (name,)


@pytest.mark.parametrize("like", sorted(set(shipped_names()) - {"quickstart", "aigiqa"}))
def test_a_shipped_recipe_is_made_to_fit(tmp_path: Path, like: str):
    write_pngs(tmp_path / "photos", 6, 320, 300)
    answer = begin(tmp_path, "mine", "photos", "--like", like)
    loaded = load_recipe(tmp_path / "mine.yaml")
    assert [step.name for step in loaded.recipe.steps] == [
        step.name for step in load_recipe(loaded.files[1]).recipe.steps
    ]
    steps = steps_of(tmp_path / "mine.yaml")
    assert steps["photos"].folder == ("photos",)
    strange = {noticed["topic"] for noticed in answer["noticed"] if not noticed["fits"]}
    assert "networks" in strange  # their weights are not here
    if "tiles" in steps:
        assert steps["tiles"].tile == 256
        assert "6 of 6 are under 512 px" in said_of(answer, "size")
    if like == "faceup":
        assert steps["best"].top_k == 3
        assert steps["scales"].shortest_edge == 256
        assert (steps["tiles"].stride, steps["tiles"].edges) == (
            120,
            "shift",
        )  # half of 240, as 256 is of 512
    if like == "diverseg":
        assert "judging a whole source takes 30 images" in said_of(answer, "source")


def test_tiles_are_counted_as_a_run_cuts_them():
    rows = tuple({"uri": f"{number}.png", "width": 1024, "height": 1024} for number in range(3))
    flow = flow_of(rows, files=700)
    for step in load_recipe(shipped("faceup")).recipe.steps:
        if step.kind == "transform":
            assert list(fit(step, flow)) == []
    assert flow.count == 700 * (16 + 9 + 1)  # the guide's 26 of a photo of 1024 px


def test_a_changed_step_keeps_its_condition_and_its_note():
    text = (
        "name: mine\nsteps:\n  - source: {folder: photos}\n  - transform: {tile: 512, stride: 240}\n"
        "    name: tiles\n    if: width > 600\n    note: 'small ones: whole'\n"
    )
    step = load_text(text, "mine.yaml").recipe.steps[1]
    lines = step_lines(Choice("", "", as_written(step, tile=256, stride=120)))
    again = load_text(
        "\n".join(["name: mine", "steps:", "  - source: {folder: photos}", *lines]), "again.yaml"
    )
    changed = again.recipe.steps[1]
    assert (changed.name, changed.only_if, changed.note) == (step.name, step.only_if, step.note)
    assert (changed.body.tile, changed.body.stride) == (256, 120)  # type: ignore[union-attr]


def test_a_shell_can_run_the_next_line(tmp_path: Path):
    write_pngs(tmp_path / "photos", 2, 160, 130)
    (tmp_path / "my recipes").mkdir()
    words = [sys.executable, "-m", "groundglass", "init", "my recipes/mine", "photos"]
    shown = subprocess.run(words, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    word, line = shown.stdout.splitlines()[-1].split(maxsplit=1)
    assert word == "next"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def flow_of(rows: tuple[dict[str, Any], ...], files: int) -> Flow:
    look = Look("photos", files, rows, {}, {})
    return Flow(look, look.usable, sampled_rows(look), least=0)


def test_a_recipe_like_a_shipped_one_runs(tmp_path: Path):
    write_pngs(tmp_path / "photos", 12, 320, 300)
    begin(tmp_path, "mine", "photos", "--like", "faceup")
    done = groundglass(tmp_path, "run", "mine.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"][-1]["facts"]["pictures"]["train"] > 0


def smooth(width: int, height: int) -> np.ndarray[Any, Any]:
    """A slow wave of light, with no fine detail and some noise-free texture."""
    x = np.linspace(0, 6, width)[None, :, None]
    y = np.linspace(0, 4, height)[:, None, None]
    return np.broadcast_to(128 + 60 * np.sin(x) * np.cos(y), (height, width, 3)).astype(np.uint8)
