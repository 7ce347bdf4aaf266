"""The card of a rating set: README.md with the header that the Hugging Face hub reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from groundglass import __version__
from groundglass.studies.rating_set import RatingSet

METHODS = {
    "acr": "maximum a posteriori scores of votes from 1 to 5 (groundglass: map)",
    "slider": "maximum a posteriori scores of votes from 0 to 100 (groundglass: map)",
    "accept": "the share of votes to keep, with Wilson's interval",
    "pairwise": "Bradley and Terry's scores of comparisons, with mean 0",
}
ABOUT = {
    "votes.csv": "every vote with its trial",
    "votes.parquet": "the same, with types",
    "scores.csv": "the scores, their intervals and the splits",
    "scores.parquet": "the same, with types",
    "study.yaml": "the settings of the study",
    "recipe.yaml": "the recipe of the images",
}

MANIFEST = "- `manifest.parquet`: each image's size, source, licence and author"


def card(
    found: RatingSet, licence: str | None, files: tuple[str, ...], statistics: Sequence[str] = ()
) -> str:
    """README.md of a rating set.

    statistics  the sections on its scores (`statistics_lines`)
    """
    study, results, body = found.study, found.results, found.study.body
    rejected = [rater.rater for rater in results.raters if rater.rejected]
    agreement = [
        f"- {name.replace('_', ' ')}: {value:.3f}"
        for name, value in results.agreement.items()
        if value is not None
    ]
    flags = Counter(
        name for rater in results.raters for name, many in rater.flags.items() for _ in range(many)
    )
    flagged = ", ".join(f"{name} {many:,}" for name, many in sorted(flags.items()))
    shown = ", ".join(f"{name} {many:,}" for name, many in found.counts.items())
    lines = [
        *header(study.name, licence),
        f"{len(found.scored):,} images, {results.votes:,} votes of {len(results.raters)} raters, made with "
        f"groundglass {__version__}. {_of_images(found)}",
        "",
        *study_lines(found),
        f"- votes wanted for each image: {body.votes}; {results.lacking:,} are missing",
        f"- raters whose votes no score uses: {', '.join(rejected) or 'none'}",
        f"- flags of votes, which count nevertheless: {flagged or 'none'}",
        f"- splits: {shown}; images of one content or prompt are in one split",
        f"- recipe of the images: `recipe.yaml`, SHA-256 {study.recipe}",
        *(["", "## Agreement", "", *agreement] if agreement else []),
        *(["", *statistics] if statistics else []),
        *(["", "## Notes", "", *(f"- {note}" for note in found.notes)] if found.notes else []),
        "",
        "## Files",
        "",
        *(
            [f"- {len(found.files):,} images: `scores.csv` names them in `file`", MANIFEST]
            if found.files
            else []
        ),
        *(f"- `{name}`: {ABOUT.get(name, 'for pyiqa: image, score and split')}" for name in files),
        "- `SHA256SUMS`: check them with `sha256sum -c SHA256SUMS`",
        "",
        "Raters appear under pseudonyms. Votes on training and check trials are in `votes.csv` with `counts` false.",
    ]
    return "\n".join(lines) + "\n"


def header(name: str, licence: str | None, kind: str = "Ratings") -> list[str]:
    """The first lines of a card: what the hub reads, and the title."""
    return [
        "---",
        *([f"license: {json.dumps(licence)}"] if licence else []),
        f"pretty_name: {json.dumps(f'{kind}: {name}')}",
        "tags: [image-quality-assessment]",
        "---",
        f"# {kind}: {name}",
        "",
    ]


def study_lines(found: RatingSet) -> list[str]:
    """How the scores were made, as items of a list."""
    body = found.study.body
    return [
        f"- protocol: {body.protocol}"
        + (f" ({', '.join(body.dimensions)})" if body.protocol == "slider" else ""),
        *([f"- question: {' '.join(body.question.split())}"] if body.question else []),
        f"- scores: {METHODS[body.protocol]}, with 95 % intervals",
    ]


def _of_images(found: RatingSet) -> str:
    if found.files:
        return "`scores.csv` names the file of each image, and the SHA-256 of the photo that people saw."
    return "The images are not part of this set: `scores.csv` names each by its path and its SHA-256."
