"""`groundglass plan`: check a recipe and show what it would do."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import print_next, print_table, print_wrapped, program, shorten
from groundglass.cli.options import as_json, recipe_argument, recipe_options, runs_folder
from groundglass.errors import RecipeError
from groundglass.recipes.shipped import recipe_path
from groundglass.text.format import duration, percent, size, thousands

if TYPE_CHECKING:
    from groundglass.runs.forecast import Forecast
    from groundglass.runs.threshold_advice import ThresholdAdvice


@click.command()
@recipe_argument
@recipe_options
@runs_folder
@as_json
def command(
    recipe: str, overrides: tuple[str, ...], profile: str | None, limit: int | None, runs: Path, as_json: bool
) -> None:
    """Check RECIPE and show what a run of it would do.

    RECIPE is a file (faceup.yaml) or the name of a shipped recipe (quickstart). For each step you see how many images
    come in, how many must still be measured, and how many have values from an earlier run; then the time and the space
    that the run needs.

    If the recipe has run before, you also see how many images other thresholds would have kept. If that run was
    audited, you see the knee: the threshold that finds most defects for the fewest good images lost.

    Nothing is measured and nothing is written, except the photos of a `sample` source.
    """
    from groundglass.recipes.load import load_recipe
    from groundglass.runs.forecast import make_forecast
    from groundglass.runs.make_plan import make_plan, with_limit
    from groundglass.runs.threshold_advice import threshold_advice

    plan = make_plan(with_limit(load_recipe(recipe_path(recipe), overrides, profile), limit))
    forecast = make_forecast(plan, runs)
    advice = threshold_advice(plan, runs)
    if as_json:
        shown = forecast.plain() | {"thresholds": [asdict(gate) for gate in advice]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print_steps(forecast)
        _print_thresholds(advice)
    if forecast.releases_nothing:
        raise RecipeError(forecast.releases_nothing, "loosen that step, or give the recipe more images")
    if not as_json:
        _print_end(forecast, _words(recipe, overrides, profile, limit, runs))


def _words(
    recipe: str, overrides: tuple[str, ...], profile: str | None, limit: int | None, runs: Path
) -> list[str]:
    """The words to type after `run`, so that it does what was planned."""
    words = [recipe, *(word for override in overrides for word in ("--set", override))]
    words += ["--profile", profile] if profile else []
    words += ["--limit", str(limit)] if limit else []
    return words + ([] if runs == Path("runs") else ["--runs", str(runs)])


def _print_steps(forecast: Forecast) -> None:
    click.echo(f"{forecast.name} · {'goes on with' if forecast.resumes else 'would be'} {forecast.folder}\n")
    rows = [
        (
            step.kind,
            step.name,
            shorten(step.label),
            ("" if step.exact else "≤ ") + thousands(step.into),
            thousands(step.to_do) if step.to_do is not None else "",
            thousands(step.cached) if step.cached is not None else "",
        )
        for step in forecast.steps
    ]
    print_table(("step", "name", "", "in", "to do", "known"), rows, right=(3, 4, 5), shrink=2)
    click.echo()
    for note in forecast.notes:
        print_wrapped(f"  note: {note}", 4)


def _print_thresholds(advice: tuple[ThresholdAdvice, ...]) -> None:
    """How many images other limits of each gate would have kept in the last run, and what its audit found."""
    if not advice:
        return
    run = Path(advice[0].run)
    click.echo(f"  on the values of run {int(run.name)}:")
    rows = [row for gate in advice for row in _curve(gate)]
    print_table(("gate", "threshold", "keeps", "share", ""), rows, right=(2, 3))
    for gate in advice:
        if gate.audited:
            print_wrapped(f"  {gate.gate}: audit of run {int(run.name)}: {_knee(gate)}", 4)
    if not any(gate.audited for gate in advice):
        click.echo(f"  to find the knee of each: {program()} audit {shlex.quote(str(run))}")
    click.echo()


def _curve(gate: ThresholdAdvice) -> list[tuple[str, ...]]:
    return [
        (
            gate.gate if place == 0 else "",
            f"{gate.column} {gate.op} {point.limit:.6g}",
            f"{thousands(point.kept)} of {thousands(gate.pool)}",
            percent(point.share),
            "now" if point.limit == gate.now else "",
        )
        for place, point in enumerate(gate.curve)
    ]


def _knee(gate: ThresholdAdvice) -> str:
    """The knee that an audit found for a gate, next to the limit that was audited."""
    if gate.knee is None or gate.then is None:
        return f"{gate.column} detects none of the defects"
    now, knee = gate.then, gate.knee
    said = (
        f"the knee is {gate.column} {gate.op} {knee.limit:.6g}: it finds {percent(knee.recall)} of the defects it "
        f"can detect, and costs {percent(knee.clean_lost)} of the clean images"
    )
    word = "now" if now.limit == gate.now else "then"
    return f"{said} ({word}: {gate.op} {now.limit:.6g}, {percent(now.recall)}, {percent(now.clean_lost)})"


def _print_end(forecast: Forecast, words: list[str]) -> None:
    unknown = [step.name for step in forecast.steps if step.untimed]
    about = f"{'at least' if unknown else 'about'} {duration(forecast.seconds)} on this machine"
    lines = {"time": f"{about}; unknown for {', '.join(unknown)}" if unknown else about}
    if forecast.bytes:
        lines["space"] = f"about {size(forecast.bytes)} for the release at most"
    lines["next"] = f"{program()} run {shlex.join(words)}"
    print_next(lines)
