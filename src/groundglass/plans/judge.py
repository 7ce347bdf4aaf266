"""The input of a planned selection: its rule, its pool, and the profiles and orders that it judges by."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.plans.measure_folders import Workshop, find_reference
from groundglass.plans.planner import PlannedStep
from groundglass.plans.source_quality_reference import photographs_blockiness
from groundglass.plans.state import State
from groundglass.selections.rule import Given, Rule
from groundglass.tables.columns import pool


def rule_of(planned: PlannedStep) -> Rule:
    """The rule of a select step."""
    body = planned.step.body
    assert isinstance(body, Rule)
    return body


def pool_of(state: State, planned: PlannedStep, rows: pa.Table) -> pa.Table:
    """The rows with every column that the rule reads."""
    return pool(rows, planned.paths, planned.scope, state.tables)


def with_profiles(state: State, planned: PlannedStep) -> State:
    """The state with every profile that the step judges sources by. Folders of clean photographs are profiled now."""
    shop = Workshop(state.run.store_folder, state.run.settings, state.run.limits, state.run.progress)
    new = {name: find_reference(name, shop) for name in planned.references if name not in state.profiles}
    return replace(state, profiles={**state.profiles, **new}) if new else state


def given_to(state: State, planned: PlannedStep) -> Given:
    """The orders and profiles that a rule needs besides its pool."""
    if not planned.references:
        return Given(planned.orders)
    return Given(planned.orders, state.profiles, ".".join(photographs_blockiness(planned.scope)))
