"""Parents, profiles and `--set`: what replaces what, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recipe_files import WHOLE, load, refusal, write

from groundglass.errors import RecipeError
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.shipped import shipped

PARENT = """\
name: parent
seed: 3
limits: {side: 1000}
profiles:
  small: {tiles: {transform: {tile: 64}}}
  other: {tiles: {transform: {tile: 32}}}
steps:
  - source: {folder: photos}
  - select: {where: a > 1}
  - transform: {tile: 512}
    name: tiles
  - select: {where: b > 1}
"""


def joined(folder: Path, child: str) -> LoadedRecipe:
    write(folder, PARENT, "parent.yaml")
    return load(folder, child)


def names(loaded: LoadedRecipe) -> list[str]:
    return [step.name for step in loaded.recipe.steps]


def rule(loaded: LoadedRecipe, index: int) -> object:
    return loaded.recipe.steps[index].body


def test_a_child_takes_what_it_does_not_say_from_its_parent(tmp_path: Path) -> None:
    loaded = joined(tmp_path, "extends: parent.yaml\nname: child\nlimits: {frames: 1}\n")
    assert (loaded.recipe.name, loaded.recipe.seed) == ("child", 3)
    assert loaded.recipe.limits.side == 65_500, "a top-level key is replaced as a whole"
    assert names(loaded) == ["source-1", "select-1", "tiles", "select-2"]
    assert loaded.files == (tmp_path / "r.yaml", tmp_path / "parent.yaml")


def test_a_shipped_recipe_is_a_parent_by_its_name(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, "extends: faceup\nname: child\nsteps:\n  - transform: {tile: 64}\n    name: tiles\n"
    )
    parent = load_recipe(shipped("faceup"))
    assert names(loaded) == names(parent)
    assert loaded.files[1] == shipped("faceup")
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, "extends: facup\n")
    assert "did you mean `faceup`?" in caught.value.message


def test_named_steps_replace_in_place_and_others_are_appended(tmp_path: Path) -> None:
    child = (
        "extends: parent.yaml\nsteps:\n  - transform: {best_tile: 64}\n    name: tiles\n"
        "  - select: {where: c > 1}\n  - select: {where: d > 1}\n    name: select-1\n  - release: {}\n    name: out\n"
    )
    loaded = joined(tmp_path, child)
    assert names(loaded) == ["source-1", "select-1", "tiles", "select-2", "select-3", "out"]
    wheres = [getattr(step.body, "where", None) for step in loaded.recipe.steps]
    assert wheres == [None, "d > 1", None, "b > 1", "c > 1", None]


def test_a_replaced_step_of_another_kind_moves_no_names(tmp_path: Path) -> None:
    loaded = joined(tmp_path, "extends: parent.yaml\nsteps:\n  - transform: {tile: 8}\n    name: select-1\n")
    assert names(loaded) == ["source-1", "select-1", "tiles", "select-2"]


def test_profiles_are_joined_by_name(tmp_path: Path) -> None:
    child = "extends: parent.yaml\nprofiles:\n  small: {tiles: {transform: {tile: 16}}}\n"
    joined(tmp_path, child)
    sides = [load(tmp_path, child, (), profile).recipe.steps[2].body for profile in ("small", "other")]
    assert [getattr(side, "tile", None) for side in sides] == [16, 32]


def test_parents_may_have_parents_in_other_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", "extends: ../base.yaml\nseed: 5\n", "middle.yaml")
    write(tmp_path, PARENT, "base.yaml")
    loaded = load(tmp_path, "extends: deep/middle.yaml\nname: child\n")
    assert (loaded.recipe.name, loaded.recipe.seed, len(loaded.files)) == ("child", 5, 3)


def test_a_fault_in_the_parent_is_told_in_the_parent(tmp_path: Path) -> None:
    parent = write(tmp_path, PARENT.replace("tile: 512", "tyle: 512"), "parent.yaml")
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, "extends: parent.yaml\n")
    assert caught.value.message.startswith(
        f"{parent}:10:17: `tyle` is not a key of `transform`; did you mean `tile`?"
    )


@pytest.mark.parametrize(
    ("value", "says", "hint"),
    [
        (
            "parnt.yaml",
            "there is no file {0}/parnt.yaml; did you mean `parent.yaml`?",
            "recipes in {0}: parent.yaml",
        ),
        ("[parent.yaml]", "`extends` must name one recipe file", "write for example `extends: faceup.yaml`"),
        ("r.yaml", "this recipe extends itself", "remove `extends` from one of the recipes"),
    ],
)
def test_parents_that_cannot_be(tmp_path: Path, value: str, says: str, hint: str) -> None:
    write(tmp_path, PARENT, "parent.yaml")
    found = refusal(write(tmp_path, f"extends: {value}\n"))
    assert (found.at, found.says, found.hint) == ("1:10", says.format(tmp_path), hint.format(tmp_path))


def test_a_circle_of_parents_is_refused_where_it_closes(tmp_path: Path) -> None:
    last = write(tmp_path, "extends: r.yaml\n", "b.yaml")
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, "extends: ./b.yaml\n")
    assert caught.value.message.startswith(f"{last}:1:10: this recipe extends itself\n")


def test_a_profile_replaces_steps_and_keeps_names_and_places(tmp_path: Path) -> None:
    loaded = load(tmp_path, WHOLE, (), "offline")
    plain = load(tmp_path, WHOLE)
    assert names(loaded) == names(plain)
    changed = [
        i for i, (a, b) in enumerate(zip(loaded.recipe.steps, plain.recipe.steps, strict=True)) if a != b
    ]
    assert changed == [1]
    assert loaded.mark("scores", 0).line == 7


def test_an_unknown_profile_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, (), "ofline")
    assert caught.value.message == (
        "--profile: this recipe has no profile `ofline`; did you mean `offline`?\n"
        "  --profile ofline\n"
        "            ^^^^^^"
    )
    assert caught.value.hint == "profiles: offline"


SETS: list[tuple[str, Callable[[Any], object], object]] = [
    ("seed=3", lambda recipe: recipe.seed, 3),
    ("seed=", lambda recipe: recipe.seed, 0),
    ("limits.failed=50%", lambda recipe: recipe.limits.failed, 0.5),
    ("limits={side: 9}", lambda recipe: recipe.limits.side, 9),
    ("store=", lambda recipe: recipe.store, None),
    ("store=null", lambda recipe: recipe.store, None),
    ("store='null'", lambda recipe: recipe.store, "null"),
    ("steps.tiles.transform.tile=128", lambda recipe: step(recipe, "tiles").body.tile, 128),
    ("steps.tiles.transform={best_tile: 64}", lambda recipe: step(recipe, "tiles").body.best_tile, 64),
    ("steps.1.source.folder=/a b/c=d", lambda recipe: recipe.steps[0].body.folder, ("/a b/c=d",)),
    ("steps.photos.source.folder=[a, b]", lambda recipe: recipe.steps[0].body.folder, ("a", "b")),
    (
        "steps.scores.measure.1=sharpness",
        lambda recipe: recipe.steps[1].body.measures[0].measure,
        "sharpness",
    ),
    ("steps.scores.measure.2.blockiness.as=q_", lambda recipe: recipe.steps[1].body.measures[1].prefix, "q_"),
    ("steps.select-1.if=", lambda recipe: recipe.steps[2].only_if, None),
    (
        "steps.select-1.select.where=blockiness < 20",
        lambda recipe: recipe.steps[2].body.where,
        "blockiness < 20",
    ),
    (
        "steps.release-1.release.validation_lr.scales=[2, 4]",
        lambda r: r.steps[-1].body.validation_lr.scales,
        (2, 4),
    ),
    ("steps.tiles.name=cut", lambda recipe: step(recipe, "cut").body.tile, 512),
]


def step(recipe: Any, name: str) -> Any:
    return next(step for step in recipe.steps if step.name == name)


@pytest.mark.parametrize(("typed", "look", "value"), SETS, ids=[typed for typed, _, _ in SETS])
def test_set_changes_one_value(tmp_path: Path, typed: str, look: Any, value: object) -> None:
    assert look(load(tmp_path, WHOLE, [typed]).recipe) == value


def test_the_last_set_wins_and_comes_after_the_profile(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE, ["seed=1", "seed=2"]).recipe.seed == 2
    loaded = load(tmp_path, WHOLE, ["steps.scores.measure=header"], "offline")
    assert loaded.recipe.steps[1].body.measures[0].measure == "header"  # pyright: ignore


def test_one_key_replaces_another_in_two_sets(tmp_path: Path) -> None:
    sets = ["steps.photos.source={}", "steps.photos.source.sample=skimage"]
    assert load(tmp_path, WHOLE, sets).recipe.steps[0].body.sample == "skimage"  # pyright: ignore


REFUSED = [
    ("seed", "this is not of the form KEY=VALUE", "seed"),
    ("=3", "this is not of the form KEY=VALUE", "=3"),
    ("sed=3", "`sed` cannot be set; did you mean `seed`?", "sed"),
    ("extends=a.yaml", "`extends` cannot be set", "extends"),
    ("steps.tile.transform.tile=8", "no step is called `tile`; did you mean `tiles`?", "tile"),
    ("steps.99.x=8", "there is no step 99: this recipe has 19 steps", "99"),
    ("steps.20.x=8", "there is no step 20: this recipe has 19 steps", "20"),
    ("steps.0.source.folder=x", "steps are counted from 1; step 1 is `photos` (source)", "0"),
    ("steps.000000000000.x=8", "steps are counted from 1; step 1 is `photos` (source)", "000000000000"),
    ("steps.scores.measure.0=x", "this is a list: it has no item `0`", "0"),
    ("steps.tiles.transform.tyle=8", "`tyle` is not a key of `transform`; did you mean `tile`?", "tyle"),
    (
        "steps.tiles.transfrm.tile=8",
        "`transfrm` is not a key of a step; did you mean `transform`?",
        "transfrm",
    ),
    ("steps.tiles.transform.tile=big", "`tile` must be a whole number of 1 or more, not 'big'", "big"),
    ("steps.tiles.transform.tile.x=3", "there is no `x` below 512", "x"),
    (
        "steps.tiles.transform.tile=",
        "one of `multiscale`, `tile`, `best_tile`, `downscale`, `to_effective_resolution`, `degrade` or `restore` is",
        "transform",
    ),
    ("steps..tile=3", "a key is missing between the dots", "."),
    ("steps.scores.measure.9=x", "this is a list: it has no item `9`", "9"),
    ("limits.sides=3", "`sides` is not a key of `limits`; did you mean `side`?", "sides"),
    ("steps.photos.source.folder=[a", "a bracket is not closed, or a comma is missing", "["),
    ("steps.photos.source.folder=*.jpg", "a text cannot begin with *", "*"),
    (
        "name=a/b",
        "`name` must be a name of letters, digits, -, _ and . without spaces or slashes, not 'a/b'",
        "a/b",
    ),
]


@pytest.mark.parametrize(("typed", "says", "under"), REFUSED, ids=[typed for typed, _, _ in REFUSED])
def test_a_wrong_set_is_told_as_such(tmp_path: Path, typed: str, says: str, under: str) -> None:
    path = write(tmp_path, WHOLE)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, [typed])
    first, shown, carets = caught.value.message.split("\n")
    start = carets.index("^")
    assert says in first
    assert shown[start : start + carets.count("^")] == under
    assert caught.value.hint
    if under != "transform":  # there the step in the file is what lacks something now
        assert (first, shown) == (f"--set: {says}", f"  --set {typed}")


def test_clashing_keys_say_how_to_remove_the_other(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE.replace('folder: [a/, "b c/"], glob: "*.jpg"', "sample: skimage"))
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, ["steps.photos.source.folder=mine"])
    assert caught.value.message.startswith("--set: `folder` and `sample` cannot go together\n")
    assert caught.value.hint == "an empty value removes the other key: --set steps.photos.source.sample="


def test_what_was_set_is_marked_as_such(tmp_path: Path) -> None:
    mark = load(tmp_path, WHOLE, ["steps.tiles.transform.tile=128"]).mark("tiles", "tile")
    assert (str(mark), mark.text[mark.column - 1 :]) == ("--set", "128")
