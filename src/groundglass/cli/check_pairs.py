"""`groundglass check-pairs`: check captured or generated pairs of LQ and HQ images."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path

import click

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress
from groundglass.errors import NothingProduced, TooManyFailed
from groundglass.text.format import some


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
@workers
@as_json
def command(lq: Path, hq: Path, against: str, workers: int, as_json: bool) -> None:
    """Check pairs of LQ and HQ images: are they aligned, of one colour, and faithful?

    \b
    groundglass check-pairs RealSR/LR RealSR/HR
    groundglass check-pairs lq generated --json

    LQ and HQ are two folders or two files. Files of one name belong together; an ending such as _x4, _LR or _HR may
    differ. Each pair is accepted, rejected or unknown; a reason names the gate, its value, its limit and the place.

    The gates: geometry (shift, turn, local shifts, another scene), cast (colour), local (HQ shows what LQ does not),
    copy, identical, duplicate, leak, names, size. Their limits were fitted on captured pairs at a scale of 4.

    The exit code is 4 if a file has no partner or cannot be judged. Rejected pairs do not change it.
    """
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
