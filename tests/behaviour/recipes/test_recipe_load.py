"""A recipe file becomes the records it means, and its canonical text means the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_files import WHOLE, load, write

from groundglass.errors import RecipeError
from groundglass.recipes.hold_out_model import HoldOutStep, NextBest
from groundglass.recipes.load import LoadedRecipe, load_recipe, recipe_error
from groundglass.recipes.measure_model import MeasureStep, ScoreTable
from groundglass.recipes.model import Limits
from groundglass.recipes.split_model import SplitStep
from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.writer import LowResolution, Release
from groundglass.selections.intersect import Intersect
from groundglass.selections.quantile import Quantile
from groundglass.selections.quota import Quota
from groundglass.selections.where import Where
from groundglass.settings.measure_request import MeasureRequest
from groundglass.sources.archive import Archive
from groundglass.sources.folder import Folder
from groundglass.sources.source import Source
from groundglass.sources.table import Table
from groundglass.transforms.tile import Tile

SHORT = "name: x\nsteps:\n  - source: {folder: a}\n"


@pytest.fixture
def whole(tmp_path: Path) -> LoadedRecipe:
    return load(tmp_path, WHOLE)


def body(loaded: LoadedRecipe, name: str) -> object:
    return next(step.body for step in loaded.recipe.steps if step.name == name)


def test_every_key_reaches_its_record(whole: LoadedRecipe) -> None:
    recipe = whole.recipe
    assert (recipe.name, recipe.seed, recipe.store) == ("whole", 7, "measures")
    assert recipe.limits == Limits(pixels=100e6, failed=0.05)
    assert body(whole, "photos") == Folder(
        folder=("a/", "b c/"), glob=("*.jpg",), licence="CC-BY-4.0", author="Ada, Bob", limit=100
    )
    assert body(whole, "scores") == MeasureStep(
        measures=(
            MeasureRequest(measure="header"),
            MeasureRequest(measure="blockiness", parameters={"search_phases": True}, prefix="b_"),
            ScoreTable(table="scores.csv", key="sha256", columns=("mos",), prefix="t_"),
        )
    )
    assert body(whole, "select-2") == Quantile(quantile=0.2, by="tenengrad", order="higher", per="source")
    assert body(whole, "select-4") == Quota(
        quota={"people": 500, "no": 0}, per="meta.category", by="tenengrad"
    )
    assert body(whole, "select-8") == Intersect(
        intersect=(Where(where="entropy > 6"), Quantile(quantile=0.25, by="entropy"))
    )
    assert body(whole, "hold_out-1") == HoldOutStep(
        splits={
            "validation": NextBest(next=100, by="tenengrad", pick=4),
            "test": NextBest(list="test.txt"),
            "other": NextBest(count=10, pick=("a", "1")),
        }
    )
    assert body(whole, "tiles") == Tile(tile=512, stride=256, edges="shift")
    assert body(whole, "split-1") == SplitStep(
        validation=0.05, test=0.1, stratify="source", group="meta.scene"
    )
    release = body(whole, "release-1")
    assert isinstance(release, Release)
    assert release.validation_lr == LowResolution(scales=(3,), kernel="area")
    assert (release.format, release.lr_scales, release.image, release.archive) == (
        "paired",
        (2, 4),
        "webp",
        "7z",
    )


def test_default_names_count_each_kind_from_one(whole: LoadedRecipe) -> None:
    names = [step.name for step in whole.recipe.steps]
    assert names[:5] == ["photos", "scores", "select-1", "select-2", "select-3"]
    assert "transform-1" in names
    assert "transform-2" not in names, "the second transform has a name of its own"
    assert "transform-3" in names


def test_condition_and_note_belong_to_the_step(whole: LoadedRecipe) -> None:
    step = whole.recipe.steps[2]
    assert step.only_if == "width > 512"
    assert step.note == "two lines\nof reasons: # no comment\n"


SOURCES = [
    (
        "archive: [a.zip, 'b/*.tar'], glob: 'x/*', columns: {caption: TEXT}, where: caption is not null",
        Archive(
            archive=("a.zip", "b/*.tar"),
            glob=("x/*",),
            columns={"caption": "TEXT"},
            where="caption is not null",
        ),
    ),
    (
        "table: list.csv, path: file, columns: {w: INTEGER, hdr: BOOLEAN}",
        Table(table=("list.csv",), path="file", columns={"w": "INTEGER", "hdr": "BOOLEAN"}),
    ),
    ("table: a.parquet, bytes: image", Table(table=("a.parquet",), bytes="image")),
]


@pytest.mark.parametrize(("said", "meant"), SOURCES)
def test_every_place_of_a_source_reaches_its_record(tmp_path: Path, said: str, meant: Source):
    loaded = load(tmp_path, f"name: x\nsteps:\n  - source: {{{said}}}\n")
    assert loaded.recipe.steps[0].body == meant
    assert load(tmp_path, loaded.text).recipe == loaded.recipe


def test_what_is_not_said_takes_its_default(tmp_path: Path) -> None:
    recipe = load(tmp_path, SHORT + "  - release: {}\n").recipe
    assert (recipe.seed, recipe.store, recipe.limits) == (0, None, Limits())
    assert recipe.steps[1].body == FolderRelease()


@pytest.mark.parametrize(
    ("one", "listed"),
    [
        ("measure: header", "measure: [header]"),
        ("measure: {header: }", "measure: [header]"),
        ("measure: {blockiness: {as: b_}}", "measure: [{blockiness: {as: b_}}]"),
        ("source: {folder: a, glob: b}", "source: {folder: [a], glob: [b]}"),
        ("transform: {multiscale: 0.5}", "transform: {multiscale: [0.5]}"),
        ("release: {format: paired, lr_scales: 4}", "release: {format: paired, lr_scales: [4]}"),
        ("select: {quantile: 12.5%, by: a}", "select: {quantile: 0.125, by: a}"),
    ],
)
def test_a_single_value_may_stand_for_a_list(tmp_path: Path, one: str, listed: str) -> None:
    first = load(tmp_path, f"{SHORT}  - {one}\n").recipe
    assert first == load(tmp_path, f"{SHORT}  - {listed}\n").recipe


def test_whole_numbers_are_numbers_and_dates_are_texts(tmp_path: Path) -> None:
    text = SHORT + "    note: 2024-01-01\nlimits: {seconds_per_image: 5, pixels: 1_000, side: 0x100}\n"
    recipe = load(tmp_path, text).recipe
    assert recipe.steps[0].note == "2024-01-01"
    assert (recipe.limits.seconds_per_image, recipe.limits.pixels, recipe.limits.side) == (5.0, 1000.0, 256)


def test_parameters_keep_their_types(tmp_path: Path) -> None:
    loaded = load(tmp_path, SHORT + "  - measure: [{m: {a: 1, b: 1.0, c: true, d: yes, e: ~, f: '1'}}]\n")
    measures = loaded.recipe.steps[1].body
    assert isinstance(measures, MeasureStep)
    request = measures.measures[0]
    assert isinstance(request, MeasureRequest)
    assert [repr(value) for value in request.parameters.values()] == [
        "1",
        "1.0",
        "True",
        "'yes'",
        "None",
        "'1'",
    ]


def test_the_text_loads_to_an_equal_recipe(tmp_path: Path, whole: LoadedRecipe) -> None:
    again = load_recipe(write(tmp_path, whole.text, "again.yaml"))
    assert again.recipe == whole.recipe
    assert again.text == whole.text


def test_the_text_says_the_defaults_and_not_the_way_it_was_written(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, "steps: [{release: , source: {folder: a}}]".replace("release: , ", "") + "\nname: x"
    )
    assert loaded.text == (
        "name: x\nseed: 0\nlimits:\n  pixels: 150000000.0\n  side: 65500\n  unknown_colour: keep\n  frames: 1\n"
        "  seconds_per_image: 60.0\n  failed: 1.0\n"
        "steps:\n- name: source-1\n  source:\n    folder:\n    - a\n"
    )
    assert loaded.text == load(tmp_path, "# why\nname:   'x'\nsteps:\n  - source:\n      folder: [a]\n").text


@pytest.mark.parametrize(
    ("where", "line", "text"),
    [
        ((None, "seed"), 2, "7"),
        ((None, "limits", "failed"), 3, "5%"),
        (("photos",), 9, "source"),
        (("photos", "folder", 1), 9, '"b c/"'),
        (("tiles", "stride"), 36, "256"),
        (("tiles", "transform", "stride"), 36, "256"),
        (("tiles", "kernel"), 36, "transform"),
        ((1, 1, "search_phases"), 13, "true"),
        ((1, "measure", 1, "blockiness", "as"), 13, "b_"),
        ((2, "if"), 17, "width > 512"),
        (("select-8", "intersect", 1, "by"), 30, "entropy"),
        (("hold_out-1", "validation", "next"), 32, "100"),
    ],
)
def test_marks_find_what_was_written(
    whole: LoadedRecipe, where: tuple[str | int | None, ...], line: int, text: str
) -> None:
    mark = whole.mark(*where)  # pyright: ignore[reportArgumentType]
    assert (mark.line, mark.text[mark.column - 1 :][: mark.length]) == (line, text)


def test_a_mark_of_a_single_measure(tmp_path: Path) -> None:
    loaded = load(tmp_path, SHORT + "  - measure: {blockiness: {as: b_}}\n  - measure: header\n")
    assert loaded.mark(1, "measure", 0, "blockiness", "as").column == 32
    assert loaded.mark(2, "measure", 0).column == 14


def test_an_error_after_loading_points_at_the_word(whole: LoadedRecipe) -> None:
    error = recipe_error(
        whole, (2, "select", "where"), "there is no column `t_mos`", word="t_mos", valid=["t_moss", "entropy"]
    )
    first, shown, carets = error.message.split("\n")
    assert first == f"{whole.files[0]}:16:44: there is no column `t_mos`; did you mean `t_moss`?"
    assert shown[carets.index("^") :][: carets.count("^")] == "t_mos"
    assert error.hint == "one of: entropy, t_moss"
    assert isinstance(error, RecipeError)


def test_an_error_after_loading_may_bring_its_own_hint(whole: LoadedRecipe) -> None:
    error = recipe_error(whole, ("tiles",), "too many tiles", hint="write a larger stride")
    assert error.hint == "write a larger stride"
    assert error.message.startswith(f"{whole.files[0]}:36:5: too many tiles\n")


@pytest.mark.parametrize(
    ("said", "means"),
    [("2000", 2000), ("1", 1), ("1.0", 1.0), ("100%", 1.0), ("0.1", 0.1), ("0", 0), ("5%", 0.05)],
)
def test_a_whole_number_of_a_split_is_a_count(tmp_path: Path, said: str, means: float) -> None:
    path = tmp_path / "recipe.yaml"
    train = "train: 0, " if means == 1.0 and isinstance(means, float) else ""
    path.write_text(
        f"name: a\nsteps:\n  - source: {{folder: photos}}\n  - split: {{{train}validation: {said}}}\n"
    )
    step = load_recipe(path).recipe.steps[1].body
    assert isinstance(step, SplitStep)
    assert (step.validation, type(step.validation)) == (means, type(means))
