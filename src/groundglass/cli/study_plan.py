"""`groundglass study plan`: what a study needs, and how exact its scores will be, before anyone rates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli import completion
from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json
from groundglass.text.format import command as command_line
from groundglass.text.format import duration, some

if TYPE_CHECKING:
    from groundglass.studies.simulate import StudyPlan, Width

UNITS = {"pairwise": "images", "pair_accept": "pairs"}
"""The units that are rated, by protocol; all others rate images. Comparisons of folders rate pairs."""
MORE = {
    "error": "95 % of errors",
    "covered": "right",
    "connected": "on one scale",
    "found": "random raters found",
    "wronged": "others left out",
}
MEANING = {
    "acr": "on the scale 1 to 5",
    "slider": "on the scale 0 to 100",
    "accept": "of the share of keep",
    "pair_accept": "of the share of keep",
}


@click.command()
@click.argument("where", metavar="[RUN] STUDY", nargs=-1, required=True, shell_complete=completion.runs)
@click.option("--raters", type=click.IntRange(min=1), metavar="N", help="Plan with this many raters.")
@click.option(
    "--votes", type=click.IntRange(min=1), metavar="N", help="Plan with this many votes for each image."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    metavar="S",
    help="Seconds of a trial.  [default: by protocol]",
)
@click.option(
    "--random",
    "at_random",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Let N of the simulated raters vote at random, to see whether the scores leave them out.",
)
@click.option(
    "--simulations",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How often each number of votes is simulated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every random choice.")
@as_json
def command(
    where: tuple[str, ...],
    raters: int | None,
    votes: int | None,
    seconds: float | None,
    at_random: int,
    simulations: int,
    seed: int,
    as_json: bool,
) -> None:
    """Plan a study before anyone rates: trials, minutes, and the width of the intervals.

    \b
    groundglass study plan study.yaml
    groundglass study plan faceup study.yaml --raters 12

    STUDY is a study.yaml, or a study of RUN. RUN is a run's folder or a recipe's name; without it, study.yaml says by
    `items` or `folders` how many images are rated. Nothing is written.

    The intervals come from simulated raters with the biases and inconsistencies of three studies that published their
    votes: Netflix Public, VQEG HD3 and AGH TV 2017.
    """
    from groundglass.studies.open_study import left_out_notes, look_at_study
    from groundglass.studies.simulate import plan_study

    *before, study = where
    if len(before) > 1:
        raise click.UsageError("give one RUN and one STUDY")
    run = Path(before[0]) if before else None
    name, body, units, left_out = look_at_study(run, study)
    if at_random and body.protocol not in ("acr", "slider"):
        raise click.UsageError(f"--random: with {body.protocol}, the scores leave no rater out")
    plan = plan_study(name, body, units, raters, votes, simulations, seed, seconds, at_random)
    if as_json:
        plain = plan.plain() | {"left_out": left_out.to_pylist()}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    _print_plan(plan, "pairs" if body.folders else UNITS.get(body.protocol, "images"), bool(body.folders))
    for note in left_out_notes(left_out):
        print_wrapped(f"  note: {plain_line(note)}", 4)
    again = command_line("study", "serve", str(run) if run else "RUN", study)
    click.echo()
    print_next({"next": f"{program()} {again}"})


def _print_plan(plan: StudyPlan, units: str, folders: bool) -> None:
    click.echo(f"{plan.name} · {plan.protocol} · {some(plan.units, units)} · {some(plan.raters, 'raters')}\n")
    checks = " + ".join(f"{count:,} {kind}" for kind, count in plan.checks.items())
    print_next(
        {
            "votes": f"{plan.counted:,}, {plan.votes} for each {units[:-1]}",
            "checks": f"{sum(plan.checks.values()):,}{f': {checks}' if checks else ''}",
            "each rater": f"{plan.trials:,.0f} trials on average, {plan.training} of them to train; "
            f"{plan.minutes:,.0f} min with {plan.seconds:g} s a trial",
            "all raters": duration(60 * plan.minutes * plan.raters),
        }
    )
    click.echo()
    about = (
        "of a win rate"
        if folders and plan.protocol == "pairwise"
        else MEANING.get(plan.protocol, "of a score")
    )
    if plan.widths:  # fewer raters than votes leave nothing to simulate; a note says so
        inside = (
            " (right: intervals that contain the true quality)" if plan.widths[0].covered is not None else ""
        )
        print_wrapped(f"  Simulated, {about}{inside}:", 2)
        more = [name for name in MORE if getattr(plan.widths[0], name) is not None]
        head = ("votes each", "95 % interval", *(MORE[name] for name in more), "")
        print_table(head, [_line(width, plan.votes, more) for width in plan.widths], right=(0,), shrink=1)
    for note in plan.notes:
        click.echo()
        print_wrapped(f"  note: {note}", 4)


def _line(width: Width, votes: int, more: list[str]) -> tuple[str, ...]:
    form = {
        "error": "± {:.2f}",
        "covered": "{:.0%}",
        "connected": "{:.0%}",
        "found": "{:.0%}",
        "wronged": "{:.0%}",
    }
    found = {name: getattr(width, name) for name in more}
    return (
        str(width.votes),
        "–" if width.width is None else f"± {width.width / 2:.2f}",
        *("–" if value is None else form[name].format(value) for name, value in found.items()),
        "planned" if width.votes == votes else "",
    )
