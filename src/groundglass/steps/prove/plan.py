"""Planning the prove step: its arms are known, their columns exist, and there is a gate before it."""

from __future__ import annotations

from dataclasses import replace

from groundglass.plans.planner import PlannedStep, Planner, better_way, check_readable, find_column
from groundglass.recipes.prove_model import ProveStep
from groundglass.selections.ranking import Order
from groundglass.sources.folder import existing_folder
from groundglass.steps.prove.recipe_arms import BY_COLUMN, WORDS
from groundglass.tables.columns import ColumnPath


def plan_prove(planner: Planner, planned: PlannedStep, body: ProveStep) -> PlannedStep:
    """The step as it will be done, with the columns that its arms name."""
    if planned.step.only_if is not None:
        planner.fail(("if",), "a proof takes no `if`", "it compares whole selections; delete the line")
    before = planner.loaded.recipe.steps[: planner.index]
    gates = [step.name for step in before if step.kind == "select"]
    if not gates:
        planner.fail(
            (), "there is no gate before this proof", "put it after the select steps that it is about"
        )
    paths: list[ColumnPath] = []
    orders: dict[str, Order] = {}
    for place, word in enumerate(body.arms):
        where = ("prove", "arms", place)
        name, _, column = word.partition(":")
        if word in WORDS:
            continue
        if name not in BY_COLUMN or not column:
            valid = (*WORDS, *(f"{kind}:COLUMN" for kind in BY_COLUMN))
            planner.fail(where, f"there is no arm '{word}'", f"one of {', '.join(valid)}", WORDS, word)
        path = find_column(planner, column, where)
        paths.append(path)
        if name == "best":
            orders[column] = better_way(
                planner, path, where, "name a column with one: groundglass measures lists them"
            )
    if body.start is not None:
        check_readable(planner, body.start, ("prove", "start"))
    for folder in body.score_on:
        existing_folder(folder)
    return replace(planned, paths=tuple(paths), orders=orders, notes=(f"compares {', '.join(gates)}",))
