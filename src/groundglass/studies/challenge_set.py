"""A challenge from a rating set: a public part without the scores of validation and test, and the hidden scores.

The public part must not show anything of a hidden score: its lists are sorted by name, its statistics are those of the
training images alone, it has no recipe (whose thresholds may be on scores), and all its files have one date.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundglass.errors import NothingProduced, RecipeError
from groundglass.studies.rating_set import TEST, TRAIN, VALIDATION, RatingSet, rating_set_of_run
from groundglass.studies.release_set import WrittenSet, score_rows, statistics_of
from groundglass.studies.set_card import MANIFEST, header, study_lines
from groundglass.studies.set_statistics_lines import statistics_lines
from groundglass.studies.write_set import write_set
from groundglass.text.format import some

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

PUBLIC, HIDDEN = "public", "hidden"
"""The two folders of a challenge."""
PARTS = {VALIDATION: "validation.csv", TEST: "test.csv"}
"""The lists of the splits whose scores are hidden."""
ONE_DATE = 946_684_800
"""1 January 2000: the date of every public file. Their own would show in which order they were written."""
FEWEST = 3
"""Images below which a split cannot be ranked."""


def check_challenge(found: RatingSet) -> None:
    """Refuse a set that cannot be a challenge.

    Raises NothingProduced without images in the split test, or with too few in a hidden split; RecipeError if two
    images have one name.
    """
    names = [found.name_of(item) for item in found.scored if item.score is not None]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise RecipeError(
            f"two rated images are called '{twice[0]}', and teams name images",
            "add `images: true` to the release: then each has a file of its own name",
        )
    hidden = {split: len(hidden_rows(found, split)) for split in PARTS}
    if not hidden[TEST]:
        raise NothingProduced(
            "no rated image is in the split test, so there is nothing to hide",
            "give the `split` step a larger `test`",
        )
    small = [split for split, many in hidden.items() if 0 < many < FEWEST]
    if small:
        raise NothingProduced(
            f"the split {small[0]} has {some(hidden[small[0]], 'rated images')}: a ranking needs {FEWEST}",
            "give it a larger share, or let people rate more images",
        )


def public_files(found: RatingSet, licence: str | None) -> dict[str, bytes]:
    """The public tables by name: training images with scores, the other images without, and a card."""
    prompts = found.facts()
    shown = any(item["prompt"] for item in prompts.values())
    train = [row for row in score_rows(found) if row["split"] == TRAIN]
    by_name = {found.name_of(item): prompts[item.row]["prompt"] for item in found.scored}
    files = {"train.csv": _csv(_named(row, by_name, shown) for row in train)}
    for split, file in PARTS.items():
        rows = hidden_rows(found, split)
        if rows:
            files[file] = _csv(
                {"name": row["name"]} | ({"prompt": by_name[row["name"]]} if shown else {}) for row in rows
            )
    return files | {"README.md": challenge_card(found, licence, tuple(files)).encode()}


def _named(row: Mapping[str, Any], prompts: Mapping[str, str | None], shown: bool) -> dict[str, Any]:
    rest = {key: value for key, value in row.items() if key not in ("img_name", "split")}
    name = str(row["img_name"]).removeprefix("./")
    return {"name": name} | ({"prompt": prompts[name]} if shown else {}) | rest


def hidden_rows(found: RatingSet, split: str) -> list[dict[str, Any]]:
    """name, mos, further dimensions and content of the rated images of a split, by name."""
    facts = found.facts()
    rows = [
        {"name": found.name_of(item), "mos": item.score}
        | {name: found.scores_of(item)[name][0] for name in found.names[1:]}
        | {"content": facts[item.row]["content"] or facts[item.row]["prompt"] or ""}
        for item in found.scored
        if item.score is not None and found.splits[item.row] == split
    ]
    return sorted(rows, key=lambda row: row["name"])


def hidden_files(found: RatingSet) -> dict[str, bytes]:
    """The hidden tables by name, with the recipe of the set."""
    files = {file: _csv(rows) for split, file in PARTS.items() if (rows := hidden_rows(found, split))}
    lines = [
        f"# Hidden scores: {found.study.name}",
        "",
        "Do not publish this folder. It ranks what teams send:",
        "",
        "```sh",
        *(
            f"groundglass benchmark iqa --submissions teams/ --hidden {file} --content content"
            for file in files
        ),
        "```",
        "",
        *(
            [f"`--mos {name}` ranks by {name} instead." for name in found.names[1:]] + [""]
            if len(found.names) > 1
            else []
        ),
        f"Recipe of the images: `recipe.yaml`, SHA-256 {found.study.recipe}.",
    ]
    recipe = (found.study.run / "recipe.yaml").read_bytes()
    return files | {"recipe.yaml": recipe, "README.md": ("\n".join(lines) + "\n").encode()}


def challenge_card(found: RatingSet, licence: str | None, files: Sequence[str]) -> str:
    """README.md of the public part; every number in it is of the training images, or a count of images."""
    counts = {split: len(hidden_rows(found, split)) for split in PARTS}
    train = sum(found.splits[item.row] == TRAIN and item.score is not None for item in found.scored)
    shown = ", ".join(f"{split} {many:,}" for split, many in {TRAIN: train, **counts}.items() if many)
    example = "validation.csv" if "validation.csv" in files else "test.csv"
    lines = [
        *header(found.study.name, licence, "Challenge"),
        f"Predict how people rate images. {some(train + sum(counts.values()), 'images')}: {shown}.",
        "",
        *study_lines(found),
        "- images of one content or prompt are in one split",
        "",
        "## Files",
        "",
        f"- `train.csv`: name, score ({_scores(found)}), intervals and votes",
        *(f"- `{file}`: names; their scores are hidden" for file in PARTS.values() if file in files),
        *(["- the images, under these names", MANIFEST] if found.files else []),
        "",
        "## A submission",
        "",
        f"A CSV file with the columns `name` and `score`: each name of `{example}` once, with a finite number; a "
        f"higher score is a better image. {_ranked(found)}Submissions are ranked by (SRCC + PLCC) / 2 on the hidden "
        "scores, with signs and without a fitted curve.",
        "",
        *_of_training(statistics_lines(statistics_of(found, TRAIN), found.grouped)),
    ]
    return "\n".join(lines) + "\n"


def _scores(found: RatingSet) -> str:
    first, *others = found.names
    return "`mos`" if not others else f"`mos` is {first}" + "".join(f", and `{name}`" for name in others)


def _ranked(found: RatingSet) -> str:
    return f"The score to predict is {found.names[0]}. " if len(found.names) > 1 else ""


def _of_training(lines: Sequence[str]) -> list[str]:
    """The sections on scores, which say whose they are."""
    return [f"{line} of the training images" if line.startswith("## ") else line for line in lines]


def _csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV. Names are kept as they are: teams send them back, and they must be equal."""
    out, table = io.StringIO(), list(rows)
    if table:
        writer = csv.DictWriter(out, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {key: _cell(value) for key, value in row.items()}
            for row in sorted(table, key=lambda row: str(row["name"]))
        )
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def set_one_date(folder: Path) -> None:
    """Give every file and folder of the public part the same date."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (ONE_DATE, ONE_DATE), follow_symlinks=False)


def release_challenge(
    study: Study,
    folder: Path,
    shares: Mapping[str, float] | None = None,
    stratify: str | None = None,
    licence: str | None = None,
) -> WrittenSet:
    """Write a challenge without images into a new folder; the arguments are those of `release_ratings`.

    Raises NothingProduced if too few rated images are in a hidden split.
    """
    found = rating_set_of_run(study, shares, stratify)
    check_challenge(found)
    write_hidden(found, folder)
    files = public_files(found, licence)
    write_set(folder / PUBLIC, files)
    set_one_date(folder / PUBLIC)
    return written_challenge(found, folder, (*files, "SHA256SUMS"))


def write_hidden(found: RatingSet, folder: Path) -> None:
    """Write the hidden part of a challenge."""
    write_set(folder / HIDDEN, hidden_files(found))


def written_challenge(found: RatingSet, folder: Path, public: Sequence[str]) -> WrittenSet:
    """A challenge that was written, with the names of its files."""
    files = [f"{PUBLIC}/{name}" for name in public] + [
        f"{HIDDEN}/{name}" for name in (*hidden_files(found), "SHA256SUMS")
    ]
    return WrittenSet(folder, tuple(files), found.counts, found.notes)
