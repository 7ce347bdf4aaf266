"""Every kind of step, written out. Planning, running and forecasting a recipe all use this list."""

from __future__ import annotations

from groundglass.recipes.model import Kind
from groundglass.steps.annotate.step import ANNOTATE
from groundglass.steps.audit.step import AUDIT
from groundglass.steps.benchmark.step import BENCHMARK_STEP
from groundglass.steps.hold_out import HOLD_OUT
from groundglass.steps.kind import StepKind
from groundglass.steps.measure.step import MEASURE
from groundglass.steps.prove.step import PROVE
from groundglass.steps.release_kind import RELEASE
from groundglass.steps.select.step import SELECT
from groundglass.steps.source.step import SOURCE
from groundglass.steps.split import SPLIT
from groundglass.steps.study import STUDY
from groundglass.steps.transform import TRANSFORM

STEPS: dict[Kind, StepKind] = {
    "source": SOURCE,
    "measure": MEASURE,
    "annotate": ANNOTATE,
    "select": SELECT,
    "hold_out": HOLD_OUT,
    "transform": TRANSFORM,
    "split": SPLIT,
    "release": RELEASE,
    "audit": AUDIT,
    "prove": PROVE,
    "study": STUDY,
    "benchmark": BENCHMARK_STEP,
}
"""Kinds of steps by their keys in a recipe."""
