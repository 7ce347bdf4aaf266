"""What running a plan would do, as far as it can be known without measuring: counts, time and space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.audits.examine import chosen_defects
from groundglass.audits.gates import Gate
from groundglass.kernel.engines.cores import cores
from groundglass.kernel.errors import ImageError
from groundglass.kernel.image.frame import open_frame
from groundglass.kernel.located import read
from groundglass.kernel.table import compute, only, without
from groundglass.recipes.audit_model import AuditStep
from groundglass.recipes.calls import call_seconds, cost_in_words
from groundglass.recipes.cascade_known import known_cascade, most_calls
from groundglass.recipes.cascading import check_size
from groundglass.recipes.columns import ROWS
from groundglass.recipes.deriving import derive_rows
from groundglass.recipes.folder import choose_folder
from groundglass.recipes.gather import (
    believed,
    photographs,
    refused_rows,
    sample_folder,
    unread_files,
    with_headers,
)
from groundglass.recipes.judging import judge_rows
from groundglass.recipes.leaking import photographs_of
from groundglass.recipes.lock import recipe_key
from groundglass.recipes.measuring import count_unknown, failed_rows, missing_of
from groundglass.recipes.model import Cascade, ReleaseStep, SelectStep, SourceStep, TransformStep
from groundglass.recipes.networks import core_seconds
from groundglass.recipes.planner import Plan, PlannedStep
from groundglass.recipes.referring import must_be_profiled
from groundglass.recipes.scores import read_scores
from groundglass.recipes.sourcing import list_source
from groundglass.recipes.state import State, make_state
from groundglass.recipes.steps import applies
from groundglass.releases.patches import Known, small_images_note
from groundglass.sources.scan import known_files
from groundglass.transforms.tile import tile

SCAN_SECONDS = 0.002
"""To read and hash one file, one core."""
MEASURE_SECONDS = 0.008
"""To decode and measure one megapixel, one core."""
AUDIT_SECONDS = 0.15
"""To put a defect into one megapixel and measure it for the gates, one core."""
WRITE_SECONDS = 0.15
"""To cut, encode and verify one megapixel, one core."""
BYTES_PER_PIXEL = 1.7
"""Of a photograph as PNG."""
SAMPLE = 64
"""Files whose headers are read to guess the sizes of those that no run has seen yet."""


@dataclass(frozen=True)
class StepForecast:
    """One step. ``into`` is exact, or the most there can be; ``to_do`` and ``cached`` only where work is done."""

    name: str
    kind: str
    label: str
    into: int
    exact: bool
    to_do: int | None = None
    cached: int | None = None
    seconds: float = 0.0
    bytes: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """The whole recipe. Seconds on all cores of this machine; bytes of the release, at most."""

    name: str
    folder: str
    resumes: bool
    steps: tuple[StepForecast, ...]
    notes: tuple[str, ...]
    seconds: float
    bytes: float

    @property
    def releases_nothing(self) -> str:
        """Why no release would get an image, as a sentence; "" where one may. Images held out are released too."""
        kinds = [step.kind for step in self.steps]
        if "release" not in kinds or "hold_out" in kinds or self.steps[kinds.index("release")].into:
            return ""
        emptied = [step for step, after in pairwise(self.steps) if step.into and not after.into]
        if not emptied:
            return "nothing would be released: the sources hold no image"
        last = emptied[0]
        return f"nothing would be released: {last.name}, {last.label}, leaves none of {last.into:,} images"

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def make_forecast(plan: Plan, runs: Path) -> Forecast:
    """Walk through the plan on what is known; from the first unknown on, counts are upper bounds."""
    folder, resumes = choose_folder(runs, plan.recipe.name, recipe_key(plan))
    state = make_state(plan, folder)
    walk = _Walk(state)
    steps = tuple(walk.step(planned) for planned in plan.steps)
    seconds = sum(step.seconds for step in steps) / cores()
    return Forecast(
        plan.recipe.name,
        str(folder.path),
        resumes,
        steps,
        (*plan.notes, *walk.notes),
        seconds,
        sum(step.bytes for step in steps),
    )


class _Walk:
    """The tables as they would stand, whether they are exact so far, and whether the sizes in them are guessed."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.exact = True
        self.guessed = False
        self.notes: list[str] = []

    def step(self, planned: PlannedStep) -> StepForecast:
        into = self.state.rows.num_rows
        forecast = StepForecast(planned.step.name, planned.step.kind, planned.label, into, self.exact)
        do: Mapping[str, Callable[[PlannedStep, StepForecast], StepForecast]] = {
            "source": self._source,
            "measure": self._measure,
            "annotate": self._annotate,
            "select": self._select,
            "transform": self._transform,
            "audit": self._audit,
            "release": self._release,
        }
        return do.get(planned.step.kind, lambda _planned, same: same)(planned, forecast)

    def _source(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        """List it; files that no run has read yet are guessed from a sample of their headers."""
        body = planned.step.body
        assert isinstance(body, SourceStep)
        listing = list_source(body, sample_folder(self.state))
        known = believed(known_files(self.state.files), retry=False)
        unread = unread_files(listing, known)
        images = with_headers(planned.step.name, listing, known)
        self.state.add_images(images)
        new = only(images.filter(images["error"].is_valid()), unread["path"], "path")
        rows = pa.concat_tables([photographs(images), guessed_rows(new)])
        self.state.rows = pa.concat_tables([self.state.rows, rows])
        self.state.add_rows(rows)
        self.exact = self.exact and not unread.num_rows
        self.guessed = self.guessed or unread.num_rows > SAMPLE
        to_do = unread.num_rows
        readable = listing["error"].null_count
        cached = readable - to_do - refused_rows(images["id"], listing).num_rows
        return replace(
            forecast,
            into=listing.num_rows,
            exact=True,
            to_do=to_do,
            cached=cached,
            seconds=to_do * SCAN_SECONDS,
        )

    def _measure(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        """What the store lacks; where nothing is lacking, the values decide what follows exactly."""
        for request in planned.scores:
            self.state.scores[request.table] = read_scores(request)
        rows = self.state.rows
        known = rows.filter(rows["sha256"].is_valid())
        missing = [missing_of(self.state, ask, known) for ask in planned.asks]
        to_do = count_unknown(missing) + rows.num_rows - known.num_rows
        if to_do:
            self.exact = False
        else:
            self._without(failed_rows(self.state, rows, planned.asks))
        share = to_do / rows.num_rows if rows.num_rows else 0.0
        seconds = share * megapixels(rows) * MEASURE_SECONDS
        unread = rows.num_rows - known.num_rows
        for ask, table in zip(planned.asks, missing, strict=True):
            seconds += core_seconds(ask) * (table.num_rows + unread)
        return replace(forecast, to_do=to_do, cached=rows.num_rows - to_do, seconds=seconds)

    def _annotate(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        """The answers that the store lacks, and what they may cost; nobody leaves for want of an answer."""
        rows = self.state.rows
        known = rows.filter(rows["sha256"].is_valid())
        missing = [missing_of(self.state, ask, known) for ask in planned.asks]
        unread = rows.num_rows - known.num_rows
        to_do = count_unknown(missing) + unread
        lacking = [table.num_rows + unread for table in missing]
        self.exact = self.exact and not to_do
        self.notes.append(f"{planned.step.name}: {cost_in_words(planned, lacking, rows.num_rows)}")
        seconds = call_seconds(planned, sum(lacking)) * cores()  # no core is busy with it
        return replace(forecast, to_do=to_do, cached=rows.num_rows - to_do, seconds=seconds)

    def _select(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        body = planned.step.body
        assert isinstance(body, SelectStep)
        if body.cascade:
            return self._cascade(planned, forecast, body.cascade)
        rows = self.state.rows
        if not rows.num_rows:  # nothing to judge, and the store may not know the columns yet
            return forecast
        asked = photographs_of(rows, self.state.seen) if body.decontaminate else rows
        unknown = any(missing_of(self.state, ask, asked).num_rows for ask in planned.asks)
        if self.exact and not unknown and not must_be_profiled(body):
            self._without(judge_rows(self.state, planned, applies(self.state, planned)[0]).verdicts)
        else:
            self.exact = False
            most = body.top_k if not body.per and planned.step.only_if is None else None
            if most and most < self.state.rows.num_rows:
                self.guessed = self.guessed or len(compute.unique(self.state.rows["width"])) > 1
                self.state.rows = self.state.rows.slice(0, most)
        return forecast

    def _cascade(self, planned: PlannedStep, forecast: StepForecast, wish: Cascade) -> StepForecast:
        """Exact where all that it would measure is known already; else at most what its budget allows."""
        chosen = applies(self.state, planned)[0] if self.exact else self.state.rows
        check_size(planned, wish, chosen.num_rows)
        judged = known_cascade(self.state, planned, chosen) if self.exact else None
        if judged is not None:
            self._without(judged.verdicts)
            return replace(forecast, to_do=0)
        self.exact = False
        to_do = most_calls(self.state, planned, wish, chosen)
        share = to_do / chosen.num_rows if chosen.num_rows else 0.0
        return replace(forecast, to_do=to_do, seconds=share * megapixels(chosen) * MEASURE_SECONDS)

    def _transform(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        """Where the best tiles lie is not known yet: any of the same size counts the same. Nor is what was enlarged."""
        body = planned.step.body
        assert isinstance(body, TransformStep)
        if body.best_tile:
            derived = tile(self.state.rows, body.best_tile, stride=1_000_000)
        elif body.to_effective_resolution:
            self.guessed = True
            return forecast
        else:
            derived = derive_rows(self.state, planned, self.state.rows)
        self.state.rows = derived.rows.select(ROWS.names)
        self.state.add_rows(derived.rows)
        return forecast

    def _audit(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        """The defective versions that it makes, and how long the gates' measures take of them."""
        before = self.state.plan.steps[: self.state.plan.steps.index(planned)]
        gates = [Gate(step) for step in before if step.step.kind == "select"]
        known = {ask.key: ask for step in before for ask in step.asks}
        asks = {ask for gate in gates for _, ask in gate.asks(known)}
        photos = photographs_of(self.state.rows, self.state.seen)
        versions = most_versions(planned, gates, photos)
        each = megapixels(photos) / max(1, photos.num_rows) * AUDIT_SECONDS + sum(map(core_seconds, asks))
        self.notes.append(
            f"{planned.step.name}: at most {versions:,} versions of photographs are made and judged"
        )
        return replace(forecast, seconds=versions * each)

    def _release(self, planned: PlannedStep, forecast: StepForecast) -> StepForecast:
        body = planned.step.body
        assert isinstance(body, ReleaseStep)
        pixels = megapixels(self.state.rows)
        sides = compute.min_element_wise(self.state.rows["width"], self.state.rows["height"]).to_numpy()
        known = self._known_before(planned)
        self.notes += [f"{planned.step.name}: {note}" for note in small_images_note(sides, body, known)]
        low = sum(1 / scale**2 for scale in body.lr_scales)
        archived = 2 if body.archive else 1
        return replace(
            forecast,
            seconds=pixels * WRITE_SECONDS,
            bytes=pixels * 1e6 * BYTES_PER_PIXEL * (1 + low) * archived,
        )

    def _known_before(self, planned: PlannedStep) -> Known:
        """How well the images that are released for training are known: some may go to another split before."""
        if self.guessed:
            return "about"
        before = self.state.plan.steps[: self.state.plan.steps.index(planned)]
        taken = any(step.step.kind in ("hold_out", "split") for step in before)
        return "exactly" if self.exact and not taken else "at most"

    def _without(self, verdicts: pa.Table) -> None:
        gone = verdicts["id"].filter(compute.invert(verdicts["kept"]))
        self.state.rows = without(self.state.rows, gone)


def most_versions(planned: PlannedStep, gates: Sequence[Gate], photos: pa.Table) -> int:
    """How many versions an audit makes: each photograph drawn as it is, and with every severity of every defect."""
    body = planned.step.body
    assert isinstance(body, AuditStep)
    sources = len(compute.unique(photos["source"]))
    defects = chosen_defects(body.defects, gates)
    single = sum(len(defect.severities) for defect in defects if defect.kind != "source")
    whole = sum(len(defect.severities) for defect in defects if defect.kind == "source")
    drawn = min(body.sample, photos.num_rows)
    of_each = min(body.sample * sources, photos.num_rows)
    judges = sum(gate.kind == "source" for gate in gates) if whole else 0
    return drawn * (1 + single) + judges * of_each * (1 + whole)


def megapixels(rows: pa.Table) -> float:
    return float(compute.sum(compute.multiply(rows["width"], rows["height"])).as_py() or 0) / 1e6


def guessed_rows(unread: pa.Table) -> pa.Table:
    """Rows for files that were never read, with the sizes of a sample of them."""
    sizes = sampled_sizes(unread["path"])
    if not sizes:
        return ROWS.empty_table()
    count = unread.num_rows
    chosen = [sizes[index % len(sizes)] for index in range(count)]
    empty = pa.nulls(count, pa.string())
    columns = [
        unread["id"],
        empty,
        unread["id"],
        unread["source"],
        unread["uri"],
        empty,
        pa.array([""] * count),
    ]
    return pa.table(
        [
            *columns,
            pa.array([w for w, _ in chosen], pa.int64()),
            pa.array([h for _, h in chosen], pa.int64()),
        ],
        schema=ROWS,
    )


def sampled_sizes(paths: pa.ChunkedArray) -> list[tuple[int, int]]:
    """Widths and heights of every k-th file's picture; what is no picture is left out."""
    step = max(1, len(paths) // SAMPLE)
    found: list[tuple[int, int]] = []
    for locator in paths[::step].to_pylist()[:SAMPLE]:
        with suppress(ImageError):
            header = open_frame(read(locator)).header
            found.append((header.width, header.height))
    return found
