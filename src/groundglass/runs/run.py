"""Run a plan. Killed at any moment and started again, it ends with the same tables.

All heavy results are in the store or in the release's journal; everything else is computed again from the start.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from groundglass.engines.interrupts import terminated_as_interrupted
from groundglass.engines.progress import Progress
from groundglass.engines.run import check_engine, warm_up
from groundglass.errors import (
    GroundglassError,
    Interrupted,
    NothingProduced,
    TooManyFailed,
    UnreachableError,
    Waiting,
    cannot_write,
)
from groundglass.files.atomic import write_bytes, write_text
from groundglass.files.folder_lock import only_one
from groundglass.plans.lock import lock_text, recipe_key
from groundglass.plans.measure_missing import forget_failed
from groundglass.plans.networks import fetch_networks
from groundglass.plans.planner import Plan, PlannedStep
from groundglass.plans.run_folder import (
    RunFolder,
    RunRecord,
    RunState,
    choose_folder,
    load_record,
)
from groundglass.plans.state import State, make_state, store_path
from groundglass.steps.catalog import STEPS
from groundglass.tables.step_record import StepRecord


@dataclass(frozen=True)
class RunOptions:
    """Options of a run; none of them changes its result.

    runs         the folder of all runs
    workers      processes; 0 for one per core
    max_failed   share of the images that may fail before the run ends with an error (exit code 4)
    retry        images that failed before are tried again
    """

    runs: Path = Path("runs")
    workers: int = 0
    max_failed: float | None = None
    retry: bool = False


@dataclass(frozen=True)
class Talk:
    """Functions that report what happens: a progress bar for each heavy step, each step's record when it is done, and
    a line for each file of weights that is fetched.
    """

    progress: Callable[[str], Progress]
    done: Callable[[StepRecord], None] = field(default=lambda _: None)
    fetching: Callable[[str], None] = field(default=lambda _: None)
    opened: Callable[[RunFolder, bool], None] = field(default=lambda _folder, _resumed: None)


def run_plan(plan: Plan, options: RunOptions, talk: Talk) -> tuple[RunFolder, RunRecord]:
    """Run a plan to its end in the next folder, or in the last one if that holds the same recipe unfinished.

    Raises Interrupted and UnreachableError; finished work is saved in both cases. `check_outcome` checks whether too
    many images failed.
    """
    check_engine()
    key = recipe_key(plan)
    folder, resumed = choose_folder(options.runs, plan.recipe.name, key)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder.path, error) from error
    # Two programs on one run would overwrite each other's tables.
    with only_one(folder.path, f"run {folder.number}"), terminated_as_interrupted():
        warm_up()
        talk.opened(folder, resumed)
        record = _open_record(plan, folder, key, resumed)
        state = make_state(plan, folder, options.workers, talk.progress, options.retry)
        forget_failed(state, plan)
        with _ending(folder, record) as ends:
            # Before the first step: missing weights must stop the run now, not after hours of measuring.
            fetch_networks(plan, talk.fetching)
            for planned in plan.steps:
                state, ends.record = _do_step(state, planned, ends.record, talk)
        record = _finish(state, ends.record)
    return folder, record


RESERVE = 1 << 16
"""Bytes that a run reserves on the disk and frees when the disk is full, so that run.json can say how it ended."""


def _reserve(folder: RunFolder) -> Path:
    return folder.path / ".reserve"


def _open_record(plan: Plan, folder: RunFolder, key: str, resumed: bool) -> RunRecord:
    """Write the recipe and the record before any step runs."""
    started = load_record(folder).started if resumed else time.time()
    columns = tuple(column.plain() for column in plan.columns)
    record = RunRecord(
        plan.recipe.name,
        folder.number,
        "running",
        started,
        key,
        store_path(plan),
        columns,
        seed=plan.recipe.seed,
        recipe_file=plan.file,
        reported=False,
    )
    write_text(plan.text, folder.path / "recipe.yaml")
    record.save(folder)
    with suppress(UnreachableError):  # without it, only the report of a full disk is worse
        write_bytes(os.urandom(RESERVE), _reserve(folder))
    folder.log("resumed" if resumed else "started", recipe=key)
    return record


@dataclass
class _Ending:
    record: RunRecord


@contextmanager
def _ending(folder: RunFolder, record: RunRecord) -> Generator[_Ending]:
    """Record in the run's folder how it ended, whatever stopped it."""
    ends = _Ending(record)
    try:
        yield ends
    except BaseException as error:
        stopped = isinstance(error, (KeyboardInterrupt, Interrupted))
        said, hint = _said(error)
        how: RunState = "interrupted" if stopped else "waiting" if isinstance(error, Waiting) else "failed"
        ends.record = replace(
            ends.record, state=how, error="" if stopped else said, hint="" if stopped else hint
        )
        with suppress(UnreachableError, OSError):  # if this fails too, the first error counts
            _reserve(folder).unlink(missing_ok=True)
            ends.record.save(folder)
            folder.log(how, error=said)
        raise


def _said(error: BaseException) -> tuple[str, str]:
    """An error's sentence and its hint."""
    if isinstance(error, GroundglassError):
        return error.message, error.hint
    return f"{type(error).__name__}: {error}", ""


def _do_step(state: State, planned: PlannedStep, record: RunRecord, talk: Talk) -> tuple[State, RunRecord]:
    """Run one step, and record it with its time."""
    start = time.perf_counter()
    state, done = STEPS[planned.step.kind].run(state, planned)
    done = replace(done, seconds=round(time.perf_counter() - start, 3))
    state.run.folder.log(
        "step", step=done.step, out=done.out, dropped=done.dropped, failed=done.failed, seconds=done.seconds
    )
    state = replace(state, records=(*state.records, done))
    record = replace(record, steps=state.records)
    record.save(state.run.folder)
    talk.done(done)
    return state, record


def _finish(state: State, record: RunRecord) -> RunRecord:
    write_text(lock_text(state), state.run.folder.path / "recipe.lock")
    record = replace(record, state="done")
    record.save(state.run.folder)
    _reserve(state.run.folder).unlink(missing_ok=True)
    state.run.folder.log("done")
    return record


def check_outcome(plan: Plan, record: RunRecord, options: RunOptions, show: str) -> None:
    """Raise TooManyFailed or NothingProduced if a finished run did not give the result that was asked for.

    ``show`` is the command that shows what each step did.
    """
    check_failed(plan, record, options, show)
    valueless = [
        f"at {step.step} {sentence}"
        for step in record.steps
        for sentence in step.facts.get("valueless", {}).values()
    ]
    if valueless:
        raise NothingProduced(f"the run is done, but {'; '.join(valueless)}")
    releases = [step for step in record.steps if step.kind == "release"]
    held = sum(step.held_out for step in record.steps)
    if releases and all(step.facts.get("folder") is None for step in releases):
        raise NothingProduced(f"the run is done, but nothing was released: {_last_exit(record)}")
    if not releases and not record.steps[-1].out and not held:
        raise NothingProduced(f"the run is done, but no image is left: {_last_exit(record)}")


def _last_exit(record: RunRecord) -> str:
    """A sentence that names the step at which the last images left."""
    emptied = next((step for step in record.steps if step.into and step.out == 0), None)
    if emptied is None:
        return "the sources contain no image"
    left = {"dropped": emptied.dropped, "failed": emptied.failed, "held out": emptied.held_out}
    words = " and ".join(f"{count:,} {how}" for how, count in left.items() if count)
    return f"the last {emptied.into:,} left at {emptied.step}, {emptied.label} ({words})"


def check_failed(plan: Plan, record: RunRecord, options: RunOptions, show: str) -> None:
    """Raise TooManyFailed if more images of a finished run failed than the recipe or the options allow.

    Up to the first transform, rows are the sources' files, and all steps count together. After it, rows are tiles or
    scales, and one file has many, so each step counts separately.
    """
    allowed = options.max_failed if options.max_failed is not None else plan.recipe.limits.failed
    hint = f"{show} says why; --retry failed tries them again"
    kinds = [step.kind for step in record.steps]
    whole = kinds.index("transform") if "transform" in kinds else len(kinds)
    files = sum(step.into for step in record.steps if step.kind == "source")
    failed = sum(step.failed for step in record.steps[:whole])
    groups = [(failed, files, "images failed")]
    groups += [(step.failed, step.into, f"rows failed at {step.step}") for step in record.steps[whole:]]
    for bad, of, what in groups:
        if of and bad / of > allowed:
            share = f"{bad / of:.1%}, allowed {allowed:.1%}"
            raise TooManyFailed(f"the run is done, but {bad:,} of {of:,} {what} ({share})", hint)
