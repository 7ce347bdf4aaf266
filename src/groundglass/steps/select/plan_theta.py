"""Planning a select step with candidates for its threshold: check the comparison and every candidate."""

from __future__ import annotations

from dataclasses import replace

from groundglass.errors import RecipeError
from groundglass.plans.planner import PlannedStep, Planner, expression_columns
from groundglass.proofs.preset import INSTANT
from groundglass.proofs.trained import check_training
from groundglass.selections.theta import THETA, Theta, from_loose_to_strict, threshold_atom, with_theta
from groundglass.selections.where import Where
from groundglass.sources.folder import existing_folder
from groundglass.tables.expressions import ExpressionError, check, parse
from groundglass.text.format import exact

WHERE = ("select", "where")
KEY = ("select", "theta")


def plan_theta(planner: Planner, planned: PlannedStep, body: Where, theta: Theta) -> PlannedStep:
    """The step with the columns of its rule; every candidate gives a rule that some image can pass."""
    first = with_theta(body.where, theta.candidates[0])
    try:
        check(parse(first), planner.scope.types(), hidden=planner.scope.hidden())
        atom = threshold_atom(body.where)
    except ExpressionError:
        expression_columns(planner, first, WHERE)  # fails, and points at the word
        raise
    if atom is None or not atom.columns:
        planner.fail(
            WHERE,
            f"{THETA} is not compared with a column",
            f'write one comparison, joined to others by AND: "objects_sam >= {THETA}"',
            word=THETA,
        )
    for place, candidate in enumerate(theta.candidates):
        expression_columns(planner, with_theta(body.where, candidate), (*KEY, "from", place))
    for place, folder in enumerate(theta.score_on):
        try:
            existing_folder(folder)
        except RecipeError as error:
            planner.fail((*KEY, "score_on", place), error.message, error.hint)
    if theta.preset != INSTANT.name:
        try:
            check_training()
        except RecipeError as error:
            planner.fail((*KEY, "preset"), error.message, error.hint, lacking=True)
    paths = parse(first).columns
    planner.judged_by |= {path[-1] for path in paths}
    ordered = from_loose_to_strict(body.where, theta.candidates)
    note = (
        f"theta is chosen in the run, from {', '.join(map(exact, ordered))}: the candidate whose images train a "
        f"better upscaler than those of {exact(ordered[0])}; if none is shown to, {exact(ordered[0])} is used"
    )
    return replace(planned, paths=paths, notes=(note,))
