"""The images and the run of `groundglass study demo`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from groundglass.errors import MissingExtra
from groundglass.files.atomic import write_bytes, write_text

KINDS = ("original", "jpeg_q20", "jpeg_q60", "blurred", "upscaled_x2")
"""The versions of each sample photo that are rated."""
KEYS = """\
# The keys of this study. Change them only in a copy: votes belong to the study as it is.
name: demo
protocol: acr
votes: 3
question: How good is the quality of this image?
"""


def make_demo(folder: Path) -> Path:
    """Make the images, study.yaml and a run in a folder; whatever is there already stays. The run's folder.

    The images are photos that come with scikit-image and damaged versions of them; without it, made images.
    """
    from groundglass.engines.progress import choose_progress
    from groundglass.plans.run_folder import RunFolder, load_record, run_numbers
    from groundglass.recipes.load import load_text
    from groundglass.runs.make_plan import make_plan
    from groundglass.runs.run import RunOptions, Talk, run_plan

    runs = folder / "runs"
    for number in reversed(run_numbers(runs / "study-demo")):
        made = RunFolder(runs / "study-demo" / f"{number:04d}")
        if load_record(made).state == "done":
            return made.path
    images = folder.absolute() / "images"
    for name, data in _images(folder):
        if not (images / name).exists():
            write_bytes(data, images / name)
    if not (folder / "study.yaml").exists():
        write_text(KEYS, folder / "study.yaml")
    steps = [
        {"source": {"folder": str(images), "licence": "see sample/planted.csv"}},
        {"measure": ["header"]},
    ]
    # JSON is YAML too, so no name of a folder can break the recipe.
    loaded = load_text(json.dumps({"name": "study-demo", "steps": steps}), str(folder / "study-demo.yaml"))
    opened, _ = run_plan(
        make_plan(loaded), RunOptions(runs, workers=1), Talk(lambda title: choose_progress(title, quiet=True))
    )
    return opened.path


def _images(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The names and bytes of the images."""
    from groundglass.sources.sample import find_photographs, make_sample

    try:
        find_photographs()
    except MissingExtra:
        yield from _made()
        return
    listing = make_sample(folder / "sample" / "photographs")
    names = zip(listing["uri"].to_pylist(), listing["fault"].to_pylist(), strict=True)
    for name, fault in names:
        if fault in KINDS:
            yield Path(name).name, (folder / "sample" / "photographs" / name).read_bytes()


def _made() -> Iterator[tuple[str, bytes]]:
    from groundglass import testing

    for seed in range(6):
        pixels = testing.photo(512, 384, seed)
        yield f"{seed}.png", testing.png(pixels)
        for quality in (15, 40, 75):
            yield f"{seed}_q{quality}.jpg", testing.jpeg(pixels, quality=quality)
