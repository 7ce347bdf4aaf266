"""Planning the audit step: its defects are known, and there are gates before it."""

from __future__ import annotations

from dataclasses import replace

from groundglass.audits.defects import DEFECTS
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.recipes.audit_model import AuditStep


def plan_audit(planner: Planner, planned: PlannedStep, body: AuditStep) -> PlannedStep:
    """The step as it will be done, with the gates that it looks at."""
    if planned.step.only_if is not None:
        planner.fail(
            ("if",), "an audit takes no `if`", "it looks at the gates as they stand; delete the line"
        )
    for place, name in enumerate(body.defects):
        if name not in DEFECTS:
            where = ("audit", "defects", place)
            planner.fail(where, f"there is no defect '{name}'", "", DEFECTS, name)
    before = planner.loaded.recipe.steps[: planner.index]
    gates = [step.name for step in before if step.kind == "select"]
    if not gates:
        planner.fail(
            (), "there is no gate before this audit", "put it after the select steps that it is to look at"
        )
    return replace(planned, notes=(f"looks at {', '.join(gates)}",))
