"""Which engine does a job: the one place that chooses."""

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
    """What does jobs.

    run_job  does every item of a job, as `run_job` of this module
    warm_up  begins what takes long at the first job, and does not wait for it
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
    """Do every item of a job with the engine that ``settings`` name; the rows are in the files it saved.

    Raises what the engine raises, and RecipeError where there is no such engine.
    """
    return _engine(settings).run_job(job, items, settings, progress, stop)


def warm_up() -> None:
    """Begin what takes long at the first job. Raises RecipeError where there is no such engine."""
    _engine(Settings()).warm_up()


def check_engine() -> None:
    """Raises RecipeError where the engine that is asked for is none, before anything is begun."""
    _engine(Settings())


def _engine(settings: Settings) -> Engine:
    if settings.engine not in ENGINES:
        near = did_you_mean(settings.engine, ENGINES)
        raise RecipeError(
            f"there is no engine '{settings.engine}'.{near}", f"{ENGINE} may be {' or '.join(ENGINES)}"
        )
    return ENGINES[settings.engine]
