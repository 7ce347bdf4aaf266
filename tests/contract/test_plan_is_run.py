"""`plan` is the run without work: a count that it calls exact is the run's, and the run has no more than its "at most".

Recipes are generated over every kind of step that changes rows, with `if`, `hold_out`, cascades and searched limits.
Each is planned before anything is known, run, and planned once more when everything is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from groundglass import testing
from groundglass.engines.progress import Silent
from groundglass.engines.shards import ENGINE
from groundglass.errors import RecipeError
from groundglass.recipes.load import load_recipe
from groundglass.runs.forecast import Forecast, make_forecast
from groundglass.runs.make_plan import make_plan
from groundglass.runs.run import RunOptions, Talk, run_plan

SOURCE = {"source": {"folder": "photos", "licence": "CC0-1.0"}}
MEASURE = {"measure": ["header", "blockiness", "sharpness"]}
LEVELS = st.sampled_from([50, 200, 800, 3000, 20_000])
IF = st.sampled_from(["width < 100", "width >= 100", "height > 90", "tenengrad > 1000", "width < 9000"])
RANKED = st.fixed_dictionaries({"by": st.sampled_from(["tenengrad", "blockiness"])})


def one(kind: str, body: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A step of a kind, now and then with an `if`."""
    plain = body.map(lambda found: {kind: found})
    return st.one_of(plain, st.tuples(plain, IF).map(lambda pair: {**pair[0], "if": pair[1]}))


def with_more(key: str, values: st.SearchStrategy[Any], more: st.SearchStrategy[dict[str, Any]]) -> Any:
    return st.tuples(values, more).map(lambda pair: {key: pair[0], **pair[1]})


SELECTS = st.one_of(
    LEVELS.map(lambda level: {"where": f"tenengrad > {level}"}),
    st.sampled_from([5, 20, 60]).map(lambda level: {"where": f"blockiness < {level} and width > 40"}),
    with_more("top_k", st.integers(1, 12), RANKED),
    with_more("top_k", st.integers(1, 3), st.just({"by": "tenengrad", "per": "source"})),
    with_more("quantile", st.sampled_from(["20%", "50%", "90%"]), RANKED),
    st.sampled_from(["exact", "pixels", "near"]).map(lambda how: {"deduplicate": how}),
    st.just({"where": "tenengrad > 800", "cascade": {"by": "blockiness", "recall": 0.5}}),
    st.just({"where": "tenengrad > {theta}", "theta": {"choose_by": "proof", "from": [50, 800, 3000]}}),
    st.just({"decontaminate": "set5"}),
    st.just({"intersect": [{"where": "width > 40"}, {"quantile": "50%", "by": "tenengrad"}]}),
    st.just({"intersect": [{"deduplicate": "near"}, {"top_k": 6, "by": "tenengrad", "order": "lower"}]}),
    with_more(
        "quota",
        st.integers(0, 3).map(lambda n: {"photos": n}),
        st.just({"by": "width", "order": "higher", "per": "source"}),
    ),
    st.just({"drop": "list.txt"}),
)
TRANSFORMS = st.one_of(
    st.sampled_from([32, 48, 64]).map(lambda side: {"tile": side}),
    st.just({"tile": 48, "stride": 30, "edges": "shift"}),
    st.just({"multiscale": [1.0, 0.5]}),
    st.just({"best_tile": 48}),
    st.just({"downscale": 2}),
    st.just({"degrade": "realesrgan-x2plus"}),
    st.just({"degrade": [{"jpeg": {"quality": [20, 90]}}]}),
)
HOLD_OUTS = st.one_of(
    with_more("count", st.integers(1, 3), st.just({})),
    st.just({"count": 2, "by": "width", "order": "higher"}),
    st.sampled_from(["10%", "50%", "90%"]).map(lambda share: {"share": share}),
    st.just({"share": "30%", "by": "tenengrad", "pick": 1}),
).map(lambda who: {"validation": who})
SPLITS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(["20%", 1, 4, 30]) for name in ("validation", "test")}
)
BENCHMARKS = st.sampled_from(["all", "blockiness"]).map(
    lambda iqa: {"iqa": iqa, "mos": "root.laplacian_variance", "bootstrap": 0, "lower": ["blockiness"]}
)
NEXT = st.tuples(st.integers(1, 3), st.booleans()).map(
    lambda pair: {"hold_out": {"test": {"next": pair[0], **({"of": "first"} if pair[1] else {})}}}
)


@st.composite
def recipes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps of a recipe: measured, selected, held out, transformed, measured again, selected, split, released."""
    steps: list[dict[str, Any]] = [SOURCE, MEASURE]
    steps += draw(st.lists(one("select", SELECTS), max_size=2))
    ranked = [step for step in steps if "top_k" in step.get("select", {})]
    if ranked and draw(st.booleans()):
        ranked[0]["name"] = "first"
        steps += draw(
            st.lists(one("select", LEVELS.map(lambda x: {"where": f"tenengrad > {x}"})), max_size=1)
        )
        steps.append(draw(NEXT))
    elif draw(st.booleans()):
        steps.append({"hold_out": draw(HOLD_OUTS)})
        steps += draw(st.lists(one("select", SELECTS), max_size=1))
    if draw(st.booleans()):
        steps.append(draw(one("transform", TRANSFORMS)))
        if "if" not in steps[-1]:
            steps.append(draw(one("measure", st.just(["sharpness", "complexity"]))))
            steps += draw(
                st.lists(one("select", LEVELS.map(lambda x: {"where": f"tenengrad > {x}"})), max_size=1)
            )
    if draw(st.booleans()):
        steps.append({"split": draw(SPLITS)})
    steps += draw(st.lists(one("benchmark", BENCHMARKS), max_size=1))
    return [*steps, {"release": {"format": "folder", "card": False}}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of several sizes: sharp and soft, blocky, doubled, mirrored, broken, and none."""
    folder = tmp_path_factory.mktemp("plan_is_run")
    photos = folder / "photos"
    photos.mkdir()
    for seed in range(7):
        (photos / f"{seed}.png").write_bytes(testing.png(testing.photo(96 + 24 * (seed % 3), 80, seed)))
    (photos / "blocky.jpg").write_bytes(testing.jpeg(testing.photo(120, 96, 20), quality=15))
    (photos / "twice.png").write_bytes((photos / "1.png").read_bytes())
    (photos / "mirrored.png").write_bytes(testing.png(testing.photo(96, 80, 3)[:, ::-1]))
    (photos / "flat.png").write_bytes(testing.png(testing.flat(100, 100)))
    (photos / "tiny.png").write_bytes(testing.png(testing.photo(30, 30, 5)))
    (photos / "broken.png").write_bytes((photos / "2.png").read_bytes()[:4000])
    (photos / "notes.txt").write_text("no image")
    (folder / "list.txt").write_text("1.png\ntwice.png\nnobody.png\n")
    return folder


def counted(forecast: Forecast, steps: dict[str, int]) -> list[str]:
    """Where a forecast and a run disagree."""
    return [
        f"{step.name} ({step.label}): planned {step.into}, {step.exact=}, the run had {steps[step.name]}"
        for step in forecast.steps
        if (step.into != steps[step.name] if step.exact else step.into < steps[step.name])
    ]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(steps=recipes(), number=st.integers(0, 10**9))
def test_what_plan_calls_exact_is_the_run_s_and_at_most_is_no_less(
    folder: Path, steps: list[dict[str, Any]], number: int, monkeypatch_module: None
) -> None:
    compare(folder, steps, f"r{number}")


MET_ONCE = {
    "a hold-out of an empty set takes what a ranking dropped": [
        MEASURE,
        {"select": {"top_k": 3, "by": "tenengrad"}, "name": "best"},
        {"select": {"where": "tenengrad > 99999"}},
        {"hold_out": {"test": {"next": 2, "of": "best"}}},
    ],
    "the best by a ranking may be the largest, of which the most tiles are cut": [
        MEASURE,
        {"select": {"top_k": 1, "by": "width", "order": "higher"}},
        {"transform": {"tile": 32}},
    ],
    "a threshold that is searched may be any of its candidates": [
        MEASURE,
        {
            "select": {
                "where": "width > {theta}",
                "theta": {"choose_by": "proof", "from": [1, 90], "score_on": "photos", "images": 8},
            }
        },
    ],
    "a held-out image is released though no tile fits into it": [
        {"select": {"where": "width <= 30 or width > 130"}},
        MEASURE,
        {"hold_out": {"validation": {"count": 1, "by": "width", "order": "lower"}}},
        {"transform": {"tile": 48}},
    ],
    "a held-out image is released besides those that a later ranking keeps": [
        MEASURE,
        {"hold_out": {"validation": {"count": 2}}},
        {"select": {"top_k": 2, "by": "tenengrad"}},
    ],
    "those that an if holds for may stay or become tiles": [
        MEASURE,
        {"select": {"top_k": 2, "by": "tenengrad"}},
        {"transform": {"tile": 32}, "if": "width > 100"},
    ],
}


@pytest.mark.parametrize("name", MET_ONCE)
def test_recipes_of_which_a_plan_was_wrong_once(folder: Path, name: str, monkeypatch_module: None) -> None:
    steps = [SOURCE, *MET_ONCE[name], {"release": {"format": "folder", "card": False}}]
    compare(folder, steps, f"once-{list(MET_ONCE).index(name)}")


def compare(folder: Path, steps: list[dict[str, Any]], recipe: str) -> None:
    path = folder / "recipe.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"name": recipe, "steps": steps}, file)
    runs = folder / "runs"
    try:
        plan = make_plan(load_recipe(path))
    except RecipeError:  # such as a condition on a column that these rows do not have
        return
    before = make_forecast(plan, runs)
    try:
        _, record = run_plan(plan, RunOptions(runs, workers=1), Talk(lambda _title: Silent()))
    except RecipeError:
        assume("cascade" not in path.read_text(encoding="utf-8"))  # so few rows may not show its recall
        raise
    had = {step.step: step.into for step in record.steps}
    assert counted(before, had) == []
    after = make_forecast(plan, runs)
    assert counted(after, had) == []
    assert [step.name for step in after.steps if not step.exact] == []


@pytest.fixture(scope="module")
def monkeypatch_module(folder: Path) -> Any:
    """The recipes' paths are taken from the working folder; jobs are done in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(ENGINE, "inline")
        yield
