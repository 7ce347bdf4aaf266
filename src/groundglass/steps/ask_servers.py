"""The part of a transform that asks servers for its images: in threads of this process, before workers read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from groundglass.engines.cores import cores
from groundglass.image.region import made_in
from groundglass.made_images.makes import makes_of
from groundglass.made_images.records import FOLDER
from groundglass.measures.measure_job import Ask, Photograph, open_photograph
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.plans.measure_missing import measure_rows, photographs_to_measure
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.steps.kind import Walk
from groundglass.tables.columns import pool
from groundglass.tables.parquet import only, without
from groundglass.tables.verdicts import values
from groundglass.transforms.transform import Preparing, ToPrepare, Transform

if TYPE_CHECKING:
    from groundglass.image.frame import Pixels


def texts_of(state: State, planned: PlannedStep, rows: pa.Table) -> pa.Table | None:
    """The texts of rows, in their order, as the column ``text``; None if the step names no column of texts."""
    if not planned.paths:
        return None
    (path,) = planned.paths
    found = pool(rows, planned.paths, planned.scope, state.tables, errors=False)
    return pa.table({"text": values(found, path).cast(pa.string())})


def prepared(
    state: State, planned: PlannedStep, body: Transform, chosen: pa.Table, made: pa.Table
) -> tuple[str, ...]:
    """Ask for the images ``made`` of the rows ``chosen`` that the store lacks; returns notes.

    A worker process decodes each incoming image first, so that a file that kills the decoder never reaches the threads.
    Raises Interrupted and UnreachableError; what arrived is kept either way.
    """
    incoming = only(chosen, made["parent"])
    failed = measure_rows(state, incoming, (fingerprint_ask(),), f"decode for {planned.step.name}").failed
    sound = without(made, failed["id"], "parent")
    return body.prepare(
        images_of(sound), texts_of(state, planned, chosen), preparing_of(state, planned, sound)
    )


def calls_left(
    walk: Walk, planned: PlannedStep, body: Transform, rows: pa.Table, made: pa.Table
) -> tuple[float, str]:
    """The seconds of the calls that a run still makes, and a sentence on them. Nothing is asked."""
    if walk.exact:
        state = walk.state
        texts, preparing = texts_of(state, planned, rows), preparing_of(state, planned, made)
        seconds, said = body.left_to_ask(images_of(made), texts, preparing)
    else:
        seconds, said = body.most_calls(min(walk.count, made.num_rows))
    # Undoes the later division: the calls do not depend on the cores.
    return seconds * cores(), f"{said}; nothing is asked before the run"


def images_of(made: pa.Table) -> list[ToPrepare]:
    """The images that a step makes, each once."""
    pairs = dict.fromkeys(zip(made["sha256"].to_pylist(), made["region"].to_pylist(), strict=True))
    found: list[ToPrepare] = []
    for sha256, region in pairs:
        last = made_in(region)
        assert last is not None
        found.append(ToPrepare(sha256, last[0], last[1]))
    return found


def preparing_of(state: State, planned: PlannedStep, made: pa.Table) -> Preparing:
    """The means of a step to ask for its images: the ledger is of the recipe and the step, in all runs."""
    folder = state.run.store_folder / FOLDER
    listed = photographs_to_measure(state, {Ask("", ""): made.select(["sha256", "region"])})
    return Preparing(
        folder,
        folder / "calls" / f"{state.run.plan.recipe.name}.{planned.step.name}.jsonl",
        state.run.retry,
        _Opens(state, {one.sha256: one for one in listed}),
        lambda title: state.run.progress(f"{planned.step.name}: {title}"),
    )


class _Opens:
    """Opens the image that another one is made from."""

    def __init__(self, state: State, photographs: Mapping[str, Photograph]) -> None:
        self._photographs, self._limits = photographs, state.run.limits
        self._makes = makes_of(state.run.store_folder)

    def __call__(self, image: ToPrepare) -> Pixels:
        photograph = open_photograph(self._photographs[image.sha256], self._limits, self._makes)
        return photograph.at(image.region).rgb
