"""`groundglass audit`: put known defects into your own passing images, and see which gates catch them."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli import completion
from groundglass.cli.funnel import print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, runs_folder, workers
from groundglass.engines.progress import choose_progress
from groundglass.plans.run_folder import RunFolder
from groundglass.text.format import duration, percent, thousands

if TYPE_CHECKING:
    from groundglass.audits.scorecard import Advice, Cell, Reach, Scorecard


@click.command()
@click.argument("what", metavar="RECIPE|RUN", shell_complete=completion.recipes_or_runs)
@click.option("--defects", metavar="NAMES", help="Use only these defects, such as jpeg,blur.  [default: all]")
@click.option(
    "--sample",
    default=40,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="How many photos get defects.",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="The seed of the random draw of photos and defects.  [default: the recipe's seed]",
)
@click.option(
    "--study",
    metavar="STUDY",
    help="Compare the gates with the verdicts of this study of the run instead; no defects are made.",
)
@click.option(
    "--bad-below",
    type=float,
    metavar="SCORE",
    help="With --study, for votes on a scale: people drop an image with a score below this.",
)
@workers
@runs_folder
@as_json
def command(
    what: str,
    defects: str | None,
    sample: int,
    seed: int | None,
    study: str | None,
    bad_below: float | None,
    workers: int,
    runs: Path,
    as_json: bool,
) -> None:
    """Put known defects into photos that passed every gate, and count which gates catch them.

    A gate is a step of the recipe that drops images. RECIPE|RUN is a run's folder (runs/faceup/0003), a recipe's name
    (faceup: its last run) or a recipe's file. The defective versions are made in memory; your photos are only read.
    The result is added to the run's folder and to its report.

    With --study, people are the ground truth: of the images that they rated, the command shows which share of the bad
    ones each gate dropped (recall), which share of the good ones (false alarms), and which share of the dropped ones is
    bad (precision). The table is added to the run's report too.
    """
    if study is not None:
        _by_people(what, runs, study, bad_below, as_json)
        return
    if bad_below is not None:
        raise click.UsageError("--bad-below goes with --study")
    from groundglass.audits.run_audit import AuditOptions
    from groundglass.runs.audit_run import audit, names_of

    begun = time.perf_counter()
    options = AuditOptions(tuple(names_of(defects)), sample, seed, workers)
    card = audit(what, runs, options, choose_progress)
    page = _report(Path(card.run)) if card.run else None
    if as_json:
        click.echo(json.dumps(card.plain() | {"report": page and str(page)}, indent=2, ensure_ascii=False))
    else:
        _print_card(card, page, time.perf_counter() - begun)


def _by_people(what: str, runs: Path, study: str, below: float | None, as_json: bool) -> None:
    """Compare the gates of a run with human verdicts."""
    from groundglass.audits.result_folder import keep_people
    from groundglass.plans.run_folder import find_run
    from groundglass.studies.gate_agreement import audit_by_people
    from groundglass.studies.open_study import open_study

    run = find_run(what, runs).path
    found = audit_by_people(open_study(run, study), below)
    keep_people(run, found.study, found.plain())
    page = _report(run)
    if as_json:
        click.echo(json.dumps(found.plain() | {"report": str(page)}, indent=2, ensure_ascii=False))
        return
    click.echo(
        f"{study} · {thousands(found.rated)} images with a verdict of people, {thousands(found.bad)} of them bad · "
        f"{thousands(found.undecided)} undecided\n"
    )
    rows = [
        (
            gate.gate,
            thousands(gate.judged),
            *_share(gate.recall, gate.recall_ci95),
            *_share(gate.false_alarm, gate.false_alarm_ci95),
            *_share(gate.precision, gate.precision_ci95),
            gate.label,
        )
        for gate in found.gates
    ]
    head = ("gate", "judged", "recall", "95 %", "false alarms", "95 %", "precision", "95 %", "")
    print_table(head, rows, right=(1, 2, 4, 6))
    for note in found.notes:
        click.echo()
        print_wrapped(f"  note: {note}", 4)
    click.echo()
    print_next({"report": str(page), "next": f"{program()} why {shlex.quote(str(run))} IMAGE"})


def _share(share: float | None, ends: tuple[float, float] | None) -> tuple[str, str]:
    return ("–", "–") if share is None or ends is None else (percent(share), _span(ends))


def _report(run: Path) -> Path:
    """Write the run's report, now with the audit's page."""
    from groundglass.reports.read_run import write_report

    folder = RunFolder(run)
    for image in folder.report.glob("audit-[0-9]*.jpg"):  # of an earlier audit
        image.unlink()
    return write_report(folder).with_name("audit.html")


def _print_card(card: Scorecard, page: Path | None, seconds: float) -> None:
    drawn = f"{thousands(card.asked)} of {thousands(card.passing)} photos that passed all gates"
    click.echo(
        f"{card.recipe} · {drawn} · {thousands(card.versions)} defective versions · seed {card.seed}\n"
    )
    _print_reaches(card)
    _print_suggestions(card)
    _print_advice(card)
    for name, why in card.closed:
        print_wrapped(f"  {name} is not audited: {why}", 4)
    for note in card.notes:
        print_wrapped(f"  note: {note}", 4)
    lines = {"time": duration(seconds), "slipped": f"{thousands(card.slipped)} versions that no gate caught"}
    if page is not None:
        lines["report"] = str(page)
    if card.run:
        lines["next"] = f"{program()} show {shlex.quote(card.run)}"
    else:
        lines["next"] = f"{program()} run RECIPE"
    click.echo()
    print_next(lines)


def _print_reaches(card: Scorecard) -> None:
    """Print for every severity how much is caught, and by which gates."""
    rows = [
        (r.defect, r.severity, str(r.n), percent(r.recall), _span(r.recall_ci95), _by(card, r))
        for r in card.defects
    ]
    alarm = (
        "nothing wrong",
        "false alarms",
        str(card.asked),
        percent(card.false_alarm),
        _span(card.false_alarm_ci95),
        "",
    )
    print_table(("defect", "severity", "n", "caught", "95 % interval", "by"), [*rows, alarm], right=(2, 3, 4))
    click.echo()


def _by(card: Scorecard, reach: Reach) -> str:
    """The gates that caught any version, the best first."""
    cells = [c for c in card.gates if (c.defect, c.severity) == (reach.defect, reach.severity) and c.recall]
    best = sorted(cells, key=lambda cell: -cell.recall)[:3]
    return ", ".join(f"{cell.gate} {percent(cell.recall)}" for cell in best) or "no gate"


def _print_suggestions(card: Scorecard) -> None:
    """Print thresholds that would reach 95 %, where a gate can detect the defect."""
    cells = [cell for cell in card.gates if cell.suggested is not None]
    if not cells:
        return
    rows = [_suggestion(cell) for cell in cells]
    print_table(("to catch 95 % of", "", "gate", "write", "it costs"), rows, right=())
    click.echo()


def _suggestion(cell: Cell) -> tuple[str, ...]:
    assert cell.suggested is not None
    cost = f"{percent(cell.suggested.clean_lost)} of the clean images"
    return cell.defect, cell.severity, cell.gate, cell.suggested.where, cost


def _print_advice(card: Scorecard) -> None:
    """Print each gate's threshold now and at its knee, with the share that each keeps."""
    rows = [row for advice in card.thresholds for row in _advice(advice)]
    if rows:
        head = ("gate", "threshold", "keeps", "clean lost", "recall", "")
        print_table(head, rows, right=(2, 3, 4))
        click.echo()


def _advice(advice: Advice) -> list[tuple[str, ...]]:
    points = [(advice.now, "now")]
    if advice.knee is not None and advice.knee != advice.now:
        points.append((advice.knee, "knee"))
    seen = bool(advice.defects)
    words = {"now": f"detects {', '.join(advice.defects) or 'none of the defects'}", "knee": "the knee"}
    return [
        (
            advice.gate if which == "now" else "",
            f"{advice.column} {advice.op} {point.limit:.6g}",
            percent(point.kept),
            percent(point.clean_lost),
            percent(point.recall) if seen else "–",
            words[which],
        )
        for point, which in points
    ]


def _span(ends: tuple[float, float]) -> str:
    return f"{100 * ends[0]:.0f}–{100 * ends[1]:.0f} %"
