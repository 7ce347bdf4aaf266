"""`groundglass check-pairs`: check captured or generated pairs of LQ and HQ images."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress
from groundglass.errors import NothingProduced, RecipeError, TooManyFailed
from groundglass.text.format import duration, percent, some, thousands

if TYPE_CHECKING:
    from groundglass.audits.pairs.scorecard import PairCell, PairScorecard, Share


@click.command()
@click.argument("lq", type=click.Path(path_type=Path))
@click.argument("hq", type=click.Path(path_type=Path))
@click.option(
    "--against",
    default="all",
    show_default=True,
    metavar="SETS",
    help="Test images that no HQ may show: names of test sets or files of fingerprints, commas between; none for none.",
)
@click.option(
    "--audit", is_flag=True, help="Plant known defects into accepted pairs, and show what the gates catch."
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --audit: how many pairs to draw.  [default: 40]",
)
@click.option("--seed", type=int, metavar="N", help="With --audit: the seed of the draw and of the defects.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --audit: also write the result to this file, as JSON.",
)
@workers
@as_json
def command(
    lq: Path,
    hq: Path,
    against: str,
    audit: bool,
    sample: int | None,
    seed: int | None,
    out: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Check pairs of LQ and HQ images: are they aligned, of one colour, and faithful?

    \b
    groundglass check-pairs RealSR/LR RealSR/HR
    groundglass check-pairs lq generated --json

    LQ and HQ are two folders or two files. Files of one name belong together; an ending such as _x4, _LR or _HR may
    differ. Each pair is accepted, rejected or unknown; a reason names the gate, its value, its limit and the place.

    The gates: geometry (shift, turn, local shifts, another scene), cast (colour), local (HQ shows what LQ does not),
    smooth (HQ has no detail beyond LQ), copy, identical, duplicate, leak, names, size. Their limits were fitted on
    captured pairs at a scale of 4.

    The exit code is 4 if a file has no partner or cannot be judged. Rejected pairs do not change it.

    With --audit, a sample of your pairs is judged untouched. Those that are accepted get known defects, in memory: a
    shift, a cast, false texture, over-smoothing and more. A table shows which share of each the gates catch.
    """
    if audit:
        _audit(lq, hq, sample or 40, seed or 0, out, workers, as_json)
        return
    if sample is not None or seed is not None or out is not None:
        raise click.UsageError("--sample, --seed and --out go with --audit")
    from groundglass.runs.check_pairs import check_pairs

    checked = check_pairs(
        lq, hq, "" if against == "none" else against, workers, choose_progress("check", quiet=as_json)
    )
    if as_json:
        click.echo(json.dumps({"pairs": checked.pairs, "notes": checked.notes}, indent=2, ensure_ascii=False))
    else:
        counts = Counter(pair["verdict"] for pair in checked.pairs)
        rows = [(word, f"{counts[word]:,}") for word in ("accepted", "rejected", "unknown")]
        print_table(("verdict", "pairs"), rows, right=(1,))
        click.echo()
        for pair in checked.pairs:
            for said in (*pair["reasons"], *(f"note: {note}" for note in pair["notes"])):
                print_wrapped(f"  {pair['verdict']} {plain_line(pair['name'])}: {plain_line(said)}", 4)
        for note in checked.notes:
            print_wrapped(f"  note: {note}", 8)
        print_next({"next": f"{program()} check-pairs {shlex.join([str(lq), str(hq)])} --json"})
    lost = [pair for pair in checked.pairs if pair["verdict"] == "unknown"]
    if lost:
        first = plain_line(f"{lost[0]['name']}: {lost[0]['reasons'][0]}")
        if len(lost) == len(checked.pairs):
            raise NothingProduced("no pair could be judged", first)
        raise TooManyFailed(
            f"{some(len(lost), 'pairs')} of {len(checked.pairs):,} could not be judged", first
        )


def _audit(lq: Path, hq: Path, sample: int, seed: int, out: Path | None, workers: int, as_json: bool) -> None:
    from groundglass.files.atomic import write_text
    from groundglass.runs.audit_pairs import audit_pairs

    if out is not None and out.exists():
        raise RecipeError(f"{out} exists already, and no file is overwritten", "name another file")
    begun = time.perf_counter()
    card = audit_pairs(lq, hq, sample, seed, workers, choose_progress("audit", quiet=as_json))
    text = json.dumps({"audit": card.plain()}, indent=2, ensure_ascii=False)
    if out is not None:
        write_text(text + "\n", out)
    if as_json:
        click.echo(text)
    else:
        _print_card(card)
        lines = {"time": duration(time.perf_counter() - begun)}
        if out is not None:
            lines["written"] = str(out)
        print_next(lines | {"next": f"{program()} check-pairs {shlex.join([str(lq), str(hq)])}"})


def _print_card(card: PairScorecard) -> None:
    """Print first what slips through, then what each gate catches, then the false alarms."""
    judged, alarms = card.drawn - card.unknown, card.false_alarms
    click.echo(
        f"{thousands(card.drawn)} of {some(card.pairs, 'pairs')} · {thousands(judged - alarms.count)} accepted, "
        f"{thousands(alarms.count)} rejected, {thousands(card.unknown)} unknown · seed {card.seed}\n"
    )
    said = "; ".join(f"{cell.name} ({percent(cell.caught.share)})" for cell in _missed(card))
    print_wrapped(f"  slips through: {said or 'less than half of no planted defect'}", 4)
    click.echo()
    rows = [
        (cell.defect, cell.strength, *_share(cell.caught), _gates(cell))
        for cell in card.cells
        if cell.caught.n
    ]
    print_table(("defect", "strength", "caught", "", "95 %", "by"), rows, right=(2, 3, 4))
    click.echo()
    words = ", ".join(f"{gate.gate} {gate.rejected.count}" for gate in card.alarms)
    count, share, ends = _share(alarms)
    print_wrapped(
        f"  untouched pairs rejected: {count}, {share} (95 %: {ends}){f', by {words}' if words else ''}; false alarms, "
        "if these pairs are sound",
        4,
    )
    for note in card.notes:
        print_wrapped(f"  note: {note}", 4)
    click.echo()


def _missed(card: PairScorecard) -> list[PairCell]:
    by_name = {cell.name: cell for cell in card.cells}
    return [by_name[name] for name in card.missed]


def _share(share: Share) -> tuple[str, str, str]:
    low, high = (round(100 * end) for end in share.ci95)
    return f"{share.count} of {share.n}", percent(share.share), f"{low}-{high}"


def _gates(cell: PairCell) -> str:
    """The gates, each with how many it rejected."""
    return ", ".join(f"{gate.gate} {gate.rejected.count}" for gate in cell.gates) or "no gate"
