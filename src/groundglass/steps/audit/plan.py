"""Planning the audit step: check its defects, and that there are gates before it."""

from __future__ import annotations

from dataclasses import replace

from groundglass.audits.defects import DEFECTS
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.recipes.audit_model import AuditStep


def plan_audit(planner: Planner, planned: PlannedStep, body: AuditStep) -> PlannedStep:
    """The planned step, with a note that names the gates that it audits."""
    if planned.step.only_if is not None:
        planner.fail(("if",), "an audit takes no `if`", "it audits the gates for all images; delete the line")
    for place, name in enumerate(body.defects):
        if name not in DEFECTS:
            where = ("audit", "defects", place)
            planner.fail(where, f"there is no defect '{name}'", "", DEFECTS, name)
    before = planner.loaded.recipe.steps[: planner.index]
    gates = [step.name for step in before if step.kind == "select"]
    if not gates:
        planner.fail(
            (), "there is no gate before this audit", "put it after the select steps that it should audit"
        )
    return replace(planned, notes=(f"audits {', '.join(gates)}",))
