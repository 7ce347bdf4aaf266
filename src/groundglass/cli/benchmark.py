"""`groundglass benchmark`: `benchmark iqa` compares image-quality measures with the opinions of people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundglass.cli.benchmark_data import Asked, Data, read_data, read_votes_behind
from groundglass.cli.benchmark_settings import settings as settings_command
from groundglass.cli.options import again, as_json, runs_folder
from groundglass.errors import NothingProduced, RecipeError

if TYPE_CHECKING:
    from groundglass.ratings.benchmark import Benchmark
    from groundglass.ratings.votes import Votes


@click.group()
def command() -> None:
    """Compare measures with the opinions of people.

    \b
    groundglass benchmark iqa scores.csv --score sharpness --mos mos
    groundglass benchmark settings RUN
    """


command.add_command(settings_command, "settings")


@command.command()
@click.argument("table", required=False, metavar="TABLE|RUN")
@click.argument("further", nargs=-1, metavar="")
@click.option(
    "--score", "scores", multiple=True, metavar="COLUMN…", help="The scores to compare (may be repeated)."
)
@click.option("--mos", metavar="COLUMN", help="The mean opinion score, higher is better.  [default: mos]")
@click.option("--name", metavar="COLUMN", help="The images' names.  [default: name, image, file, uri, …]")
@click.option(
    "--content",
    metavar="COLUMN",
    help="The scene an image shows; a bootstrap draws whole scenes.  [default: the image]",
)
@click.option(
    "--strata", multiple=True, metavar="COLUMN", help="Also compare within each value (may be repeated)."
)
@click.option(
    "--lower", multiple=True, metavar="COLUMN", help="Of this score lower is better (may be repeated)."
)
@click.option(
    "--higher",
    multiple=True,
    metavar="COLUMN",
    help="Higher is better, whatever the catalog of measures says.",
)
@click.option("--sd", metavar="COLUMN", help="The standard deviation of the votes on an image.")
@click.option("--votes", metavar="COLUMN|N", help="The number of votes on an image; with --sd.")
@click.option(
    "--votes-table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The votes behind the MOS (item, rater, score): for the human ceiling.",
)
@click.option(
    "--bootstrap", type=click.IntRange(min=0), default=2_000, show_default=True, metavar="N",
    help="Resamples of the contents for intervals and differences.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every random choice.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the table of scores."
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page: one HTML file."
)
@click.option(
    "--submissions",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Score and rank the files of teams on a hidden split instead.",
)
@click.option(
    "--hidden",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The hidden split: name and MOS; with --submissions.",
)
@click.option(
    "--per-day", type=click.IntRange(min=1), metavar="N", help="Score so many files of a team a day (UTC)."
)
@runs_folder
@as_json
def iqa(
    table: str | None,
    further: tuple[str, ...],
    scores: tuple[str, ...],
    mos: str | None,
    name: str | None,
    content: str | None,
    strata: tuple[str, ...],
    lower: tuple[str, ...],
    higher: tuple[str, ...],
    sd: str | None,
    votes: str | None,
    votes_table: Path | None,
    bootstrap: int,
    seed: int,
    csv_file: Path | None,
    report: Path | None,
    submissions: Path | None,
    hidden: Path | None,
    per_day: int | None,
    runs: Path,
    as_json: bool,
) -> None:
    """Compare image-quality measures with mean opinion scores (MOS).

    \b
    groundglass benchmark iqa scores.csv --score musiq niqe --lower niqe
    groundglass benchmark iqa RUN --score sharpness.tenengrad --mos scores.mos
    groundglass benchmark iqa --submissions teams/ --hidden hidden.csv

    TABLE is a CSV or Parquet file with a row for each image. RUN is a run's folder or a recipe's name.

    Correlations keep their sign. A score ranks by its SRCC in the direction that is better: higher, or lower with
    --lower. Scores share a rank group if they are not shown to differ from its best, at 5 % with Holm's correction.
    """
    if submissions is not None or hidden is not None:
        unused = {"TABLE": table, "--score": scores + further, "--report": report, "--strata": strata, "--sd": sd,
                  "--votes": votes, "--votes-table": votes_table, "--lower": lower, "--higher": higher}  # fmt: skip
        _challenge(
            submissions,
            hidden,
            Asked((), mos, name, content),
            (per_day, bootstrap, seed),
            unused,
            csv_file,
            as_json,
        )
        return
    if per_day is not None:
        raise click.UsageError("--per-day is for --submissions")
    if table is None:
        raise click.UsageError("name a table or a run; or give --submissions and --hidden")
    if not scores:
        raise click.UsageError("name the columns to compare: --score COLUMN…")
    scores += further
    if not Path(table).exists() and (swapped := next((one for one in further if Path(one).exists()), None)):
        raise click.UsageError(f"name the table before the scores: benchmark iqa {swapped} --score COLUMN…")
    _check_csv(csv_file, (table, votes_table, report), "score,n,failed")
    if report is not None:
        from groundglass.reports.output_folder import check_file

        check_file(report, "--report")
    data = read_data(table, Asked(tuple(dict.fromkeys(scores)), mos, name, content, strata, sd, votes), runs)
    behind, notes = read_votes_behind(votes_table)
    found = _compared(data, lower, higher, behind, bootstrap, seed)
    found = replace(found, notes=(*found.notes, *notes))
    if csv_file is not None:
        from groundglass.benchmarks.tables import write_rows

        write_rows([row.plain() for row in found.scores], csv_file)
    if report is not None:
        from groundglass.reports.benchmark_page import write_benchmark_page

        write_benchmark_page(found, data.source, data.sha256, data.thumbnails, report)
    if as_json:
        plain = found.plain() | {"data": {"source": data.source, "sha256": data.sha256}}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        from groundglass.cli.benchmark_text import print_benchmark

        print_benchmark(found, again(table), report)
    if all(row.srcc is None for row in found.scores):
        raise NothingProduced("no score could be compared with the MOS", found.scores[0].notes[0])


def _compared(
    data: Data, lower: Sequence[str], higher: Sequence[str], votes: Votes | None, bootstrap: int, seed: int
) -> Benchmark:
    """The benchmark, with the direction, licence and time of measures that the catalog has."""
    from groundglass.benchmarks.compare import compare
    from groundglass.text.suggest import did_you_mean

    for option, names in (("--lower", lower), ("--higher", higher)):
        for name in names:
            if name not in data.images.scores:
                raise click.UsageError(
                    f"{option} {name}: there is no --score {name}.{did_you_mean(name, data.images.scores)}"
                )
    if both := sorted({*lower} & {*higher}):
        raise click.UsageError(f"{both[0]} cannot be in --lower and in --higher")
    return compare(data.images, data.measures, lower, higher, votes, bootstrap, seed)


def _challenge(
    submissions: Path | None,
    hidden: Path | None,
    asked: Asked,
    how: tuple[int | None, int, int],
    unused: Mapping[str, Any],
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Score and rank submissions."""
    if submissions is None or hidden is None:
        raise click.UsageError("--submissions and --hidden belong together")
    for option, value in unused.items():
        if value:
            raise click.UsageError(f"{option} cannot be used with --submissions")
    from groundglass.benchmarks.tables import write_rows
    from groundglass.files.hashes import file_sha256
    from groundglass.ratings.challenge import run_challenge
    from groundglass.ratings.rated_images import read_rated_images
    from groundglass.ratings.vote_table import read_table

    _check_csv(csv_file, (hidden,), "team,file,written")
    if csv_file is not None and submissions.resolve() in csv_file.resolve().parents:
        raise click.UsageError(
            f"--csv {csv_file} is in the folder of submissions, where it would be taken for one"
        )
    images = read_rated_images(read_table(hidden), (), asked.mos, asked.name, asked.content)
    if not images.named:
        raise RecipeError(f"{hidden} has no column of names", "name it: --name COLUMN")
    found = run_challenge(submissions, images, *how, hidden_file=hidden)
    if csv_file is not None:
        write_rows([one.plain() for one in found.submissions], csv_file)
    if as_json:
        plain = found.plain() | {"data": {"source": str(hidden), "sha256": file_sha256(hidden)}}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        from groundglass.cli.benchmark_text import print_challenge

        print_challenge(found, again(None))
    if not found.ranking:
        raise NothingProduced("no submission could be scored", found.submissions[0].reason or "")


def _check_csv(path: Path | None, others: Sequence[str | Path | None], head: str) -> None:
    """Raise UsageError if the file to write is another file of the command, or exists and does not begin as ours."""
    if path is None:
        return
    if any(one is not None and path.resolve() == Path(one).resolve() for one in others):
        raise click.UsageError(f"{path} is another file of this command, and would be overwritten")
    if path.is_file():
        with path.open("rb") as file:
            ours = file.read(len(head)) == head.encode()
        if not ours:
            raise click.UsageError(
                f"--csv {path} exists and is not a table of this command; nothing is overwritten"
            )
