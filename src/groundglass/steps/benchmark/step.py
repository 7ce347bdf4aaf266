"""The step `benchmark`: compare measures of the current set with people's opinions; no row leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from groundglass.benchmarks.compare import OF_RECIPE, compare
from groundglass.benchmarks.result_folder import BENCHMARK, keep_benchmark
from groundglass.benchmarks.score_columns import distinct_names, facts_of, numbers_of, read_cells, words_of
from groundglass.plans.current_rows import applies
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.ratings.benchmark import Benchmark
from groundglass.ratings.benchmark_sentences import headline
from groundglass.ratings.rated_images import RatedImages, rated_images
from groundglass.ratings.scale_methods import CannotScore
from groundglass.recipes.benchmark_model import BenchmarkStep
from groundglass.releases.split_names import TRAIN
from groundglass.steps.benchmark.columns import Compared, compared_columns, studies_before
from groundglass.steps.benchmark.plan import plan_benchmark
from groundglass.steps.benchmark.votes import votes_behind
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.tables.parquet import compute, find_keys
from groundglass.text.format import some

SCORE_SECONDS = 1e-4
"""To compare one score with the MOS, for each image, one core: curves, random splits and pairs of images."""
RESAMPLE_SECONDS = 1e-7
"""To resample one image for one score once; measured .2e-7 to 1e-7 on 2,000 and 10,000 images with 5 and 10 scores."""


def run(state: State, planned: PlannedStep) -> Done:
    """Compare the scores; too few rated images are a note, not an error."""
    body = body_of(planned)
    columns = columns_of(state, planned)
    rows = _rows(state, planned, body)
    images, cells = _images(state, planned, rows, columns)
    mos = next(iter(columns.mos))
    try:
        found = _compared(state, planned, rows, images, columns)
    except CannotScore as error:
        notes = (f"nothing is compared: {error.message}", *images.notes)
        facts = {"benchmark": {"mos": mos, "images": len(images.mos), "scores": [], "reason": error.message}}
        return done(state, state, planned, notes=notes, facts=facts)
    if not state.run.dry:
        rated = [key for key, value in zip(rows["id"].to_pylist(), cells[mos], strict=True) if value == value]
        keep_benchmark(state.run.folder.path / BENCHMARK / planned.step.name, found, rated, mos)
    return done(
        state, state, planned, notes=_notes(found), facts={"benchmark": facts_of_benchmark(found, mos)}
    )


def body_of(planned: PlannedStep) -> BenchmarkStep:
    """The settings of a benchmark step."""
    body = planned.step.body
    assert isinstance(body, BenchmarkStep)
    return body


def columns_of(state: State, planned: PlannedStep) -> Compared:
    """The columns that a planned benchmark compares."""
    steps = state.run.plan.steps
    before = [one.step for one in steps[: steps.index(planned)]]
    return compared_columns(planned.scope, before, body_of(planned))


def _rows(state: State, planned: PlannedStep, body: BenchmarkStep) -> pa.Table:
    """The rows that `if` holds for, of the split that is asked for."""
    rows, _ = applies(state, planned)
    if body.split is None or state.splits is None:
        return rows
    split = state.splits["split"].take(find_keys(rows["id"], state.splits["id"]))
    return rows.filter(compute.equal(compute.coalesce(split, TRAIN), body.split))


def _images(
    state: State, planned: PlannedStep, rows: pa.Table, columns: Compared
) -> tuple[RatedImages, Mapping[str, Sequence[Any]]]:
    """The rated images with the scores, and the cells of the MOS as numbers."""
    mos = next(iter(columns.mos))
    cells, wrong = read_cells(rows, columns.paths, planned.scope, state.tables)
    # A value that is not a number in a table of scores is not an opinion: the image does not count.
    opinions = numbers_of(mos, cells[mos])
    content = next((words_of(cells[name]) for name in columns.content), rows["root"].to_pylist())
    images = rated_images(
        opinions,
        {name: _scores(cells[name]) for name in columns.scores},
        distinct_names(rows),
        content,
        {name: words_of(cells[name]) for name in columns.strata},
    )
    kept = [at for at, value in enumerate(opinions) if value == value]
    reasons = {
        name: dict(Counter(_reason(wrong[name][at]) for at in kept if cells[name][at] is None))
        for name in columns.scores
        if name in wrong
    }
    images = replace(
        images,
        failures={name: reasons.get(name, counts) for name, counts in images.failures.items()},
        grouped=bool(columns.content),
    )
    return images, {mos: opinions}


def _scores(cells: Sequence[Any]) -> list[float | None]:
    return [None if cell is None else float(cell) for cell in cells]


def _reason(error: str | None) -> str:
    return error or "empty"


def _compared(
    state: State, planned: PlannedStep, rows: pa.Table, images: RatedImages, columns: Compared
) -> Benchmark:
    body, mos = body_of(planned), next(iter(columns.mos))
    steps = [one.step for one in state.run.plan.steps]
    votes = None
    if columns.study:
        names = dict(zip(rows["id"].to_pylist(), distinct_names(rows), strict=True))
        score = mos.removeprefix("root.").removeprefix(f"{columns.study}.")
        votes = votes_behind(state, columns.study, studies_before(steps)[columns.study], score, names)
    measures = {
        name: facts
        for name, path in columns.scores.items()
        if (facts := facts_of(planned.scope.find(path), planned.scope.columns, state.records))
    }
    # Planning knows each direction, also of columns that no measure of the catalog brought.
    higher = columns.scores.keys() - columns.lower
    return compare(images, measures, columns.lower, higher, votes, body.bootstrap, state.run.seed, OF_RECIPE)


def _notes(found: Benchmark) -> tuple[str, ...]:
    failed = [
        f"{some(row.failed, 'images')} failed in {row.score} ({_counts(row.failures)})"
        for row in found.scores
        if row.failed
    ]
    return (headline(found).rstrip("."), *failed, *found.images.notes)


def _counts(failures: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {many:,}" for reason, many in failures.items())


def facts_of_benchmark(found: Benchmark, mos: str) -> dict[str, Any]:
    """The part of a benchmark that `run.json` and a card hold."""
    names = ("score", "n", "failed", "better", "srcc", "srcc_ci95", "krcc", "plcc_4", "rmse_4", "rank_group")
    rows = [row.plain() for row in found.scores]
    return {
        "mos": mos,
        "images": len(found.images.mos),
        "contents": found.contents,
        "scores": [{name: row[name] for name in names} for row in rows],
        "ceiling": found.ceiling.get("split_half_srcc"),
    }


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The images that are compared, at most, and how long the resamples take."""
    body = body_of(planned)
    scores = len(columns_of(walk.state, planned).scores)
    strata = 2 + len(body.strata)  # each image is in one stratum of each column, and in a quarter of the MOS
    each = SCORE_SECONDS + body.bootstrap * strata * RESAMPLE_SECONDS
    return replace(walk.step(planned), seconds=walk.count * scores * each)


def label(body: BenchmarkStep) -> str:
    many = "all measures" if not body.asked else some(len(body.asked), "measures")
    return f"{many} against {body.mos or 'people'}{f', {body.split}' if body.split else ''}"


BENCHMARK_STEP = StepKind(plan_benchmark, run, forecast, label)
