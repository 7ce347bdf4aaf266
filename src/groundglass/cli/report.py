"""`groundglass report`: write the report of a run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from groundglass.cli.funnel import print_next
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.errors import UnreachableError
from groundglass.plans.run_folder import RunFolder, find_run, load_record, store_of
from groundglass.reports.output_folder import check_file, check_folder
from groundglass.text.format import size, thousands


@click.command()
@run_argument
@click.option("--single-file", is_flag=True, help="Write one file that holds everything, to send or to keep.")
@click.option(
    "--budget",
    default=25.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="How large a single file may be.",
)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The folder to write, or the single file.  [default: report/ or report.html in RUN]",
)
@runs_folder
@as_json
def command(
    run: str, single_file: bool, budget: float, output: Path | None, runs: Path, as_json: bool
) -> None:
    """Write the report of RUN again. This also works if the run stopped or was moved, and if its photos are gone.

    RUN is a run's folder (runs/faceup/0003) or a recipe's name (faceup: its last run). With --single-file the report
    is one file. To fit the budget it shows smaller images, then fewer, and it says what it leaves out.
    """
    folder = find_run(run, runs)
    answer = _write_single(folder, output, budget) if single_file else _write_folder(folder, output)
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        _tell(answer)


def _write_folder(folder: RunFolder, output: Path | None) -> dict[str, Any]:
    from groundglass.reports.read_run import read_facts
    from groundglass.reports.render import render_report

    _refuse_to_impoverish(folder, output)
    place = check_folder(output or folder.report)
    facts = read_facts(folder)
    page = render_report(facts, place)
    files = [path for path in place.rglob("*") if path.is_file()]
    return {
        "report": str(page),
        "bytes": sum(path.stat().st_size for path in files),
        "images": len(facts.rows),
        "total": facts.total or len(facts.rows),
        "left_out": [],
    }


def _refuse_to_impoverish(folder: RunFolder, output: Path | None) -> None:
    """Keep the report of a run whose store is missing, as when only the run's folder was moved: the new one would
    have no images."""
    store = store_of(folder, load_record(folder))
    if output is None and not store.exists() and (folder.report / "index.html").exists():
        raise UnreachableError(
            f"{store} is missing: a report made now would have no images",
            "move the run back to its store, or write elsewhere with -o",
        )


def _write_single(folder: RunFolder, output: Path | None, budget: float) -> dict[str, Any]:
    from groundglass.reports.read_run import read_facts
    from groundglass.reports.single_file import render_single

    path = check_file(output or folder.path / "report.html")
    single = render_single(read_facts(folder), path, round(1e6 * budget))
    return {
        "report": str(single.path),
        "bytes": single.bytes,
        "images": single.images,
        "total": single.total,
        "left_out": list(single.left_out),
    }


def _tell(answer: dict[str, Any]) -> None:
    images, total = answer["images"], answer["total"]
    shown = (
        f"{thousands(images)} images"
        if images == total
        else f"{thousands(images)} of {thousands(total)} images"
    )
    for sentence in answer["left_out"]:
        click.echo(f"note: {sentence}", err=True)
    print_next({"report": answer["report"], "holds": f"{shown} · {size(answer['bytes'])}"})
