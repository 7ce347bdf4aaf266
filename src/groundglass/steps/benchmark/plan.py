"""Planning the benchmark step: its columns exist, hold numbers, and have a direction; there are opinions before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from groundglass.benchmarks.score_columns import names_in, path_in
from groundglass.measures.catalog import MEASURES
from groundglass.plans.planner import PlannedStep, Planner, find_column
from groundglass.recipes.benchmark_model import BenchmarkStep
from groundglass.recipes.model import Step
from groundglass.recipes.split_model import SplitStep
from groundglass.releases.split_names import TRAIN
from groundglass.steps.benchmark.columns import NUMBERS, Compared, compared_columns
from groundglass.tables.columns import ColumnPath
from groundglass.text.format import some
from groundglass.text.suggest import did_you_mean, nearest

Keys = tuple[str | int, ...]


def plan_benchmark(planner: Planner, planned: PlannedStep, body: BenchmarkStep) -> PlannedStep:
    """The step as it will be done, with the columns that it compares."""
    before = planner.loaded.recipe.steps[: planner.index]
    _check_mos(planner, body, before)
    for place, name in enumerate(body.asked):
        _check_score(planner, body, name, ("benchmark", "iqa", place))
    for key, names in (("lower", body.lower), ("higher", body.higher)):
        for place, name in enumerate(names):
            where = ("benchmark", key, place)
            if body.asked and name not in body.asked:
                planner.fail(where, f"'{name}' is not in `iqa`", "name it there too", body.asked, name)
            _numbers(planner, name, where)
    if body.content is not None:
        _path(planner, body.content, ("benchmark", "content"))
    for place, name in enumerate(body.strata):
        _path(planner, name, ("benchmark", "strata", place))
    if body.split is not None:
        _check_split(planner, body.split, before)
    found = compared_columns(planned.scope, before, body)
    if not found.scores:
        planner.fail(
            ("benchmark", "iqa"),
            "no column before this step has a direction that is better",
            "measure the images first, for example: - measure: [naturalness, sharpness]",
        )
    return replace(planned, paths=tuple(dict.fromkeys(found.paths.values())), notes=_notes(found))


def _notes(found: Compared) -> tuple[str, ...]:
    mos = next(iter(found.mos))
    content = next(iter(found.content), "the photo")
    return (f"compares {some(len(found.scores), 'columns')} with {mos}; a content is {content}",)


def _check_mos(planner: Planner, body: BenchmarkStep, before: Sequence[Step]) -> None:
    if body.mos is None:
        if not compared_columns(planner.scope, before, body).mos:
            planner.fail(
                (),
                "there are no opinions of people before this benchmark",
                "put a `study` step before it, or name a column with them: mos: scores.mos",
            )
        return
    keys = ("benchmark", "mos")
    column = planner.scope.find(_numbers(planner, body.mos, keys))
    if column is not None and column.better == "lower":
        say = f"of '{body.mos}' lower is better, and of opinions higher is"
        planner.fail(keys, say, "name the column with people's opinions", word=body.mos)


def _check_score(planner: Planner, body: BenchmarkStep, name: str, keys: Keys) -> None:
    column = planner.scope.find(_numbers(planner, name, keys))
    if (column is None or column.better == "neither") and name not in (*body.lower, *body.higher):
        planner.fail(
            keys,
            f"neither direction of '{name}' is better in general",
            f"say which: lower: [{name}], or higher: [{name}]",
            word=name,
        )


def _numbers(planner: Planner, name: str, keys: Keys) -> ColumnPath:
    """The path of a column of numbers."""
    path = _path(planner, name, keys)
    column = planner.scope.find(path)
    kind = planner.scope.types().get(".".join(path), "VARCHAR") if column is None else column.sql_type
    if kind not in NUMBERS:
        planner.fail(keys, f"'{name}' holds {kind}, not numbers", "name a column of numbers", word=name)
    return path


def _path(planner: Planner, name: str, keys: Keys) -> ColumnPath:
    """The path of a column. A name that is none is refused with the nearest one."""
    path = path_in(planner.scope, name)
    if path is not None:
        return path
    known = names_in(planner.scope)
    if name not in MEASURES and nearest(name, known):
        shown = ", ".join(sorted({*known.values()}))
        planner.fail(
            keys,
            f"there is no column '{name}' here.{did_you_mean(name, known)}",
            f"one of: {shown}",
            word=name,
        )
    return find_column(planner, name, keys)


def _check_split(planner: Planner, name: str, before: Sequence[Step]) -> None:
    keys = ("benchmark", "split")
    bodies = [step.body for step in before if isinstance(step.body, SplitStep)]
    if not bodies:
        hint = "add a `split` step before this one, or leave `split` out"
        planner.fail(keys, f"no step before this one puts images into the split '{name}'", hint)
    made = [one for one in (TRAIN, "validation", "test") if one == TRAIN or getattr(bodies[-1], one)]
    if name not in made:
        planner.fail(
            keys, f"the split step makes no split '{name}'", f"it makes {', '.join(made)}", made, name
        )
