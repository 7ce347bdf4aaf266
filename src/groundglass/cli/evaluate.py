"""`groundglass evaluate`: score a network's images against the ground truth."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress
from groundglass.errors import NothingProduced, RecipeError, TooManyFailed
from groundglass.text.format import some

if TYPE_CHECKING:
    from groundglass.runs.evaluate import Difference, Mean, Scores

MOST_SHOWN = 40
"""Rows that a terminal shows; of more, the lowest and all that failed."""
LOWEST = 10


@click.command()
@click.argument("hr", type=click.Path(path_type=Path))
@click.argument("sr", required=False, type=click.Path(path_type=Path))
@click.option(
    "-s",
    "--scale",
    required=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="How many times SR is larger than LR.",
)
@click.option(
    "-p",
    "--protocol",
    metavar="NAME",
    default="classic",
    show_default=True,
    help="classic: luma rounded to 8 bits, as in the tables of papers; network: luma in float, as BasicSR scores.",
)
@click.option("--bicubic", is_flag=True, help="Score bicubic upscaling; with SR, compare SR with it.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OTHER_SR",
    help="Compare SR with these, image by image.",
)
@click.option(
    "--border",
    type=click.IntRange(min=0),
    metavar="PX",
    help="Cut so many px off every side before scoring.  [default: the scale; 0 at scale 1]",
)
@click.option(
    "--measures", default="", metavar="NAMES", help="Also measure each SR image: names with commas between."
)
@click.option(
    "--lpips",
    multiple=True,
    metavar="WEIGHTS",
    help="Also LPIPS, with the weights of AlexNet or VGG (may be repeated).",
)
@click.option("--dists", metavar="WEIGHTS", help="Also DISTS, with its weights.")
@click.option("--fid", metavar="WEIGHTS", help="Also FID of the whole set, with the weights of Inception.")
@click.option("--weights", metavar="FILE|FOLDER|HUB", help="The weights of a network among the measures.")
@click.option("--device", metavar="NAME", help="The device of networks: auto, cpu, cuda, cuda:1 or mps.")
@click.option(
    "--allow-pickle", is_flag=True, help="Also load weights that are a pickle: only if you trust its maker."
)
@click.option("--set", "typed", multiple=True, metavar="NAME=VALUE", help="Change a setting of a measure.")
@workers
@as_json
def command(
    hr: Path,
    sr: Path | None,
    scale: int,
    protocol: str,
    bicubic: bool,
    against: Path | None,
    border: int | None,
    measures: str,
    lpips: tuple[str, ...],
    dists: str | None,
    fid: str | None,
    weights: str | None,
    device: str | None,
    allow_pickle: bool,
    typed: tuple[str, ...],
    workers: int,
    as_json: bool,
) -> None:
    """Score SR images against HR images: PSNR and SSIM of luma (psnr_y, ssim_y) and of RGB.

    \b
    groundglass evaluate Set5/HR results/Set5 --scale 4
    groundglass evaluate --bicubic Set5/HR --scale 4
    groundglass evaluate Set5/HR mine --scale 4 --against theirs

    HR and SR are two folders or two files. Files of one name belong together; an ending such as _x4, _SR or _HR may
    differ. HR is cropped to a multiple of the scale, and SR must have exactly that size. Intervals are of 95 %, over
    resamples of the images.

    WEIGHTS are a file, a folder or OWNER/NAME@REVISION of a hub. No weights come with groundglass; a wrong path is
    answered with the names of the files that are needed.

    The exit code is 4 if a file has no partner or cannot be scored: the means are then of fewer images, and say so.
    """
    from groundglass.measures.catalog import MEASURES
    from groundglass.measures.pairs.network_job import PAIR_NETWORKS
    from groundglass.measures.pairs.pair_network import find_network
    from groundglass.measures.pairs.psnr_ssim import find_protocol
    from groundglass.runs.evaluate import How, compare, evaluate, match, refuse_networks
    from groundglass.runs.single_images import asks_for

    find_protocol(protocol)
    _check(sr, scale, bicubic, against)
    wanted = [*(("lpips", text) for text in lpips), ("dists", dists), ("fid", fid)]
    networks = tuple(
        find_network(PAIR_NETWORKS[name], text, device, allow_pickle) for name, text in wanted if text
    )
    names = _names(measures)
    given = {"weights": weights, "device": device, "allow_pickle": allow_pickle}
    if not names and not networks and any(given.values()):
        raise RecipeError("no network is used", "leave out --weights, --device and --allow-pickle")
    if networks and not any(name in MEASURES and MEASURES[name].network for name in names):
        given = {"weights": weights}  # the device and the permission are for the networks above
    asks = asks_for(names, {name: value for name, value in given.items() if value}, typed)
    how = How(scale, _border(scale, border), protocol, tuple(asks), networks, workers)
    progress = choose_progress("evaluate", quiet=as_json)
    if bicubic:
        refuse_networks(asks)
    # Both are looked for before anything is scored.
    first = match(hr, sr, scale)
    second = match(hr, against, scale) if sr and (against or bicubic) else None
    scores = evaluate(first, how, progress)
    other = evaluate(second, how, progress) if second else None
    differences = compare(scores, other) if other else {}
    if as_json:
        click.echo(json.dumps(_as_json(scores, other, differences), indent=2, ensure_ascii=False))
    else:
        _print(scores, other, differences)
    for one in (scores, *([other] if other else [])):
        _refuse_incomplete(one)


def _names(measures: str) -> list[str]:
    """The measures' names. Raises RecipeError for a network that compares two images: it has an option of its own."""
    from groundglass.measures.pairs.network_job import PAIR_NETWORKS

    names = [name.strip() for name in measures.split(",") if name.strip()]
    for name in names:
        if name.lower() in PAIR_NETWORKS:
            raise RecipeError(
                f"{name} compares two images, by a network whose weights you give",
                f"write --{name.lower()} WEIGHTS; {PAIR_NETWORKS[name.lower()].needs}",
            )
    return names


def _check(sr: Path | None, scale: int, bicubic: bool, against: Path | None) -> None:
    if sr is None and not bicubic:
        raise RecipeError("there are no SR images to score", "name their folder after HR, or write --bicubic")
    if bicubic and against is not None:
        raise RecipeError("SR can be compared with one thing only", "leave out --bicubic or --against")
    if against is not None and sr is None:
        raise RecipeError("--against compares two folders of SR images", "name the first of them after HR")
    if bicubic and scale == 1:
        raise RecipeError("bicubic upscaling by 1 changes nothing", "write --scale 2 or more")


def _border(scale: int, border: int | None) -> int:
    if border is not None:
        return border
    return scale if scale > 1 else 0


def _refuse_incomplete(scores: Scores) -> None:
    """End with exit code 4 if a file could not be scored."""
    if scores.complete:
        return
    failed = [row for row in scores.rows if row["error"]]
    first = f"{failed[0]['uri'] or failed[0]['sr']}: {failed[0]['error']}"
    if not scores.means:
        raise NothingProduced(f"no image of {_name(scores)} could be scored", plain_line(first))
    raise TooManyFailed(
        f"{_name(scores)}: {some(len(failed), 'files')} of {len(scores.rows):,} could not be scored",
        plain_line(first),
    )


def _as_json(scores: Scores, other: Scores | None, differences: dict[str, Difference]) -> dict[str, Any]:
    found = _scores_as_json(scores)
    if other is not None:
        found["against"] = _scores_as_json(other)
        found["difference"] = {
            name: {
                "mean": _number(one.mean),
                "ci95": one.ci95,
                "images": one.images,
                "higher": one.higher,
                "lower": one.lower,
            }
            for name, one in differences.items()
        }
    return found


def _scores_as_json(scores: Scores) -> dict[str, Any]:
    rows = [{name: _number(value) for name, value in row.items()} for row in scores.rows]
    return {
        "protocol": scores.how.protocol,
        "scale": scores.how.scale,
        "border": scores.how.border,
        "hr": scores.hr,
        "sr": _name(scores),
        "n_images": scores.images,
        "n_scored": sum(row["psnr_y"] is not None for row in scores.rows),
        "mean": {name: _number(mean.mean) for name, mean in scores.means.items()},
        "ci95": {name: mean.ci95 for name, mean in scores.means.items()},
        **({"fid": {"value": scores.fid[0], "images": scores.fid[1]}} if scores.fid else {}),
        "notes": list(scores.notes),
        "images": rows,
    }


def _name(scores: Scores) -> str:
    return "bicubic" if scores.sr is None else scores.sr


def _number(value: Any) -> Any:
    """JSON has no infinity: the PSNR of equal images is null there, and a note says so."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(scores: Scores, other: Scores | None, differences: dict[str, Difference]) -> None:
    how = scores.how
    cut = f"{how.border} px cut off every side" if how.border else "no px cut off"
    click.echo(f"{plain_line(_name(scores))} against {plain_line(scores.hr)}")
    click.echo(f"scale {how.scale} · protocol {how.protocol} · {cut} · {some(scores.images, 'images')}\n")
    columns = [name for name in scores.columns if name in scores.means]
    right = range(1, len(columns) + 1)
    if columns:
        rows = [_image_row(row, columns) for row in _shown(scores.rows)]
        print_table(("image", *columns, ""), [*rows, *_mean_rows(scores, columns)], right=tuple(right))
        click.echo()
    if scores.fid:
        click.echo(f"  fid of {some(scores.fid[1], 'images')}: {scores.fid[0]:.4g}\n")
    for row in scores.rows:
        if row["error"]:
            print_wrapped(f"  ✕ {plain_line(row['uri'] or row['sr'])}: {plain_line(row['error'])}", 4)
    if not scores.complete:
        click.echo()
    if other is not None:
        _print_differences(other, differences)
    for note in (*scores.notes, *(() if other is None else other.notes)):
        print_wrapped(f"  note: {note}", 8)
    print_next({"next": _next(scores, other)})


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All images with values; of many, those with the lowest PSNR."""
    scored = [row for row in rows if row["psnr_y"] is not None]
    return scored if len(scored) <= MOST_SHOWN else sorted(scored, key=lambda row: row["psnr_y"])[:LOWEST]


def _image_row(row: dict[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    return (plain_line(row["uri"]), *(shown(name, row[name]) for name in columns), row["warning"] or "")


def _mean_rows(scores: Scores, columns: Sequence[str]) -> list[tuple[str, ...]]:
    means = [scores.means[name] for name in columns]
    hidden = len([row for row in scores.rows if row["psnr_y"] is not None]) - len(_shown(scores.rows))
    left = f"the {LOWEST} lowest; --json has all" if hidden else ""
    return [
        ("mean", *(shown(name, mean.mean) for name, mean in zip(columns, means, strict=True)), left),
        ("95 %", *(_span(name, mean) for name, mean in zip(columns, means, strict=True)), ""),
    ]


def _print_differences(other: Scores, differences: dict[str, Difference]) -> None:
    click.echo(
        f"compared with {plain_line(_name(other))}, image by image: positive if SR has the higher value"
    )
    rows = [
        (
            name,
            shown(name, other.means[name].mean) if name in other.means else "–",
            shown(name, one.mean, sign=True),
            _span(name, one, sign=True),
            f"higher on {one.higher}, lower on {one.lower} of {one.images:,}",
        )
        for name, one in differences.items()
    ]
    print_table(("", "their mean", "difference", "95 %", ""), rows, right=(1, 2, 3))
    click.echo()


def shown(name: str, value: Any, sign: bool = False) -> str:
    """A score as papers print it: PSNR with three digits behind the point, SSIM with four.

    >>> shown("psnr_y", 28.4212), shown("ssim_y", 0.81041, sign=True), shown("sharpness", None)
    ('28.421', '+0.8104', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        digits = ".3f" if name.startswith("psnr") else ".4f" if name.startswith("ssim") else ".4g"
        return f"{value:{'+' if sign else ''}{digits}}"
    return str(value)


def _span(name: str, mean: Mean | Difference, sign: bool = False) -> str:
    return "–" if mean.ci95 is None else " to ".join(shown(name, end, sign) for end in mean.ci95)


def _next(scores: Scores, other: Scores | None) -> str:
    options = ["--scale", str(scores.how.scale), "--protocol", scores.how.protocol]
    if scores.sr is None:
        words = [scores.hr, "SR", *options]
    else:
        words = [scores.hr, scores.sr, *options, "--bicubic" if other is None else "--json"]
    return f"{program()} evaluate {shlex.join(words)}"
