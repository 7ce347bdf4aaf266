"""The choice of the engine that does a job, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundglass.engines import inline, local, process
from groundglass.engines.progress import Progress
from groundglass.engines.shards import ENGINE, Job, Settings, Stop, Totals
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class Engine:
    """A way to do jobs.

    run_job  does every item of a job, as `run_job` of this module
    warm_up  starts slow preparations of the first job, and does not wait for them
    """

    run_job: Callable[[Job, Sequence[Any], Settings, Progress, Stop | None], Totals]
    warm_up: Callable[[], None] = lambda: None


ENGINES: Mapping[str, Engine] = {
    "local": Engine(local.run_job, process.warm_up),
    "inline": Engine(inline.run_job),
}
"""Worker processes on this machine, or the program's own process."""


def run_job(
    job: Job, items: Sequence[Any], settings: Settings, progress: Progress, stop: Stop | None = None
) -> Totals:
    """Do every item of a job with the engine that ``settings`` names; the rows are in the files that the job saved.

    Raises the engine's errors, and RecipeError if there is no such engine.
    """
    return _engine(settings).run_job(job, items, settings, progress, stop)


def warm_up() -> None:
    """Start slow preparations of the first job. Raises RecipeError if there is no such engine."""
    _engine(Settings()).warm_up()


def check_engine() -> None:
    """Raises RecipeError if the requested engine does not exist, before any work starts."""
    _engine(Settings())


def _engine(settings: Settings) -> Engine:
    if settings.engine not in ENGINES:
        near = did_you_mean(settings.engine, ENGINES)
        raise RecipeError(
            f"there is no engine '{settings.engine}'.{near}", f"{ENGINE} may be {' or '.join(ENGINES)}"
        )
    return ENGINES[settings.engine]
