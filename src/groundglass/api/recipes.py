"""Recipes planned and run from Python, as the commands `plan` and `run` do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from groundglass.api.hints import shows_hints
from groundglass.api.runs import Run
from groundglass.engines.progress import choose_progress
from groundglass.errors import Interrupted, RecipeError, UnreachableError
from groundglass.notices import notice
from groundglass.plans.lock import recipe_key
from groundglass.plans.planner import Plan
from groundglass.plans.run_folder import choose_folder, mark_reported
from groundglass.recipes.given_recipe import IN_MEMORY, Given, load_given
from groundglass.reports.read_run import write_report
from groundglass.runs.forecast import Forecast, make_forecast
from groundglass.runs.make_plan import make_plan, with_limit
from groundglass.runs.run import RunOptions, Talk, check_outcome, run_plan
from groundglass.runs.threshold_advice import ThresholdAdvice, threshold_advice


@dataclass(frozen=True)
class RecipePlan(Forecast):
    """The effect of a run of a recipe: the record of ``groundglass plan --json``.

    name        the recipe's name
    folder      the run's folder, and whether the run ``resumes`` there
    steps       a record for each step: step, kind, name, label, into, to_do, cached, exact …
    notes       what to know before the run, a sentence each
    seconds     the time on this machine, and ``bytes`` of the release at most
    thresholds  for each gate, how many images other limits would have kept in the last run of this recipe
    """

    thresholds: tuple[ThresholdAdvice, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The record as plain values: the object of ``groundglass plan --json``."""
        return asdict(self)


@shows_hints
def plan(
    recipe: Given,
    *,
    overrides: Mapping[str, Any] | None = None,
    profile: str | None = None,
    limit: int | None = None,
    runs: str | Path = "runs",
) -> RecipePlan:
    """Check a recipe, and say what a run of it would do; nothing is measured.

    ``recipe`` is a path (`Path`, or text such as ``"faces.yaml"``), the name of a shipped recipe, YAML text (of several
    lines, or in braces), or a dict with the recipe's keys. Paths in it are taken from the working folder, as always.
    ``overrides`` change single values, such as ``{"steps.tiles.transform.tile": 128}``; ``limit`` takes only so many
    files of each source.

    Raises RecipeError with the line and the nearest valid word for a wrong recipe, and if nothing would be released.

    >>> import tempfile
    >>> from groundglass import testing
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     _ = Path(photos, "a.png").write_bytes(testing.png(testing.photo(64, 48)))
    ...     found = plan({"name": "tiny", "steps": [{"source": {"folder": photos}}, {"measure": ["noise"]}]})
    >>> [(step.kind, step.into, step.to_do) for step in found.steps]
    [('source', 1, 1), ('measure', 1, 1)]
    """
    folder = _runs(runs)
    found = make_plan(with_limit(load_given(recipe, overrides, profile), _limit(limit)))
    forecast = make_forecast(found, folder)
    if forecast.releases_nothing:
        raise RecipeError(forecast.releases_nothing, "loosen that step, or give the recipe more images")
    facts = {field.name: getattr(forecast, field.name) for field in fields(Forecast)}
    return RecipePlan(**facts, thresholds=threshold_advice(found, folder))


@shows_hints
def run(
    recipe: Given,
    *,
    overrides: Mapping[str, Any] | None = None,
    profile: str | None = None,
    limit: int | None = None,
    runs: str | Path = "runs",
    workers: int = 0,
    max_failed: float | None = None,
    retry: Literal["failed"] | None = None,
    progress: bool = False,
) -> Run:
    """Run a recipe to its end, write its report, and open the run: what ``groundglass run`` does.

    ``recipe``, ``overrides``, ``profile`` and ``limit`` are those of `plan`. The run is in ``runs``/NAME/NUMBER; the
    same recipe goes on if it was stopped, and an edited one gets the next number and measures only what is new.
    ``workers`` processes measure, one for each core by default; no ``if __name__ == "__main__"`` is needed for them.
    ``max_failed`` is the share of images that may fail (.05), and ``retry="failed"`` tries those again that failed.
    Nothing is printed; ``progress`` shows bars, or lines, on stderr.

    Raises RecipeError for a wrong recipe; Interrupted after Ctrl-C, and UnreachableError if a source, a server or the
    disk fails: all that was finished is saved. TooManyFailed and NothingProduced are raised when the run is done, and
    `open_run` opens it.

    >>> import tempfile
    >>> from groundglass import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.png").write_bytes(testing.png(testing.flat(64, 48)))
    ...     steps = [{"source": {"folder": folder}}, {"measure": ["noise"]}]
    ...     done = run({"name": "tiny", "steps": steps}, runs=Path(folder, "runs"))
    ...     done.rows("measure-1").select(["uri", "noise_sigma"]).to_pylist()
    [{'uri': 'a.png', 'noise_sigma': 0.0}]
    """
    planned = make_plan(with_limit(load_given(recipe, overrides, profile), _limit(limit)))
    options = RunOptions(_runs(runs), workers, max_failed, retry == "failed")
    talk = Talk(
        lambda title: choose_progress(title, quiet=not progress), fetching=notice if progress else _quiet
    )
    try:
        folder, record = run_plan(_findable(planned, options), options, talk)
    except KeyboardInterrupt as stop:
        raise Interrupted("stopped; what was finished is saved", "the same call goes on from here") from stop
    write_report(folder)
    mark_reported(folder, record)
    check_outcome(planned, record, options, f"groundglass.open_run({str(folder.path)!r}).steps")
    return Run(folder)


def _quiet(_: str) -> None:
    """Say nothing."""


def _findable(planned: Plan, options: RunOptions) -> Plan:
    """The plan with a file that its report can name: a recipe in no file is kept in the run's folder."""
    if planned.file != IN_MEMORY:
        return planned
    folder, _ = choose_folder(options.runs, planned.recipe.name, recipe_key(planned))
    return replace(planned, file=str(folder.path / "recipe.yaml"))


def _runs(runs: str | Path) -> Path:
    folder = Path(runs).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UnreachableError(
            f"{folder} is a file", "name a folder for the runs; it is made if it is not there"
        )
    return folder


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise RecipeError(f"the limit is {limit}, but must be at least 1", "leave it out to take all files")
    return limit
