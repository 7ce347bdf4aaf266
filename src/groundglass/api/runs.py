"""A run opened in Python: its steps, its images, which images left and why, as tables."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.api.hints import shows_hints
from groundglass.api.images import Image
from groundglass.errors import RecipeError
from groundglass.files.locators import place_in_words, read_listed
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.made_images.makes import makes_of
from groundglass.plans.find_image import find_image
from groundglass.plans.image_history import find_story
from groundglass.plans.rows_after import every_image, rows_after, with_values
from groundglass.plans.run_folder import RunFolder, RunRecord, RunState, find_run, load_record
from groundglass.plans.run_tables import RunTables, manifests, matches, read_tables
from groundglass.releases.manifest import high_rows
from groundglass.reports.image_outcomes import all_verdicts, fates_of
from groundglass.reports.read_run import state_of
from groundglass.tables.parquet import compute, find_keys, read_table
from groundglass.tables.step_record import StepRecord
from groundglass.tables.verdicts import VERDICTS
from groundglass.text.suggest import did_you_mean

NAMED = pa.schema(
    [("id", pa.string()), ("source", pa.string()), ("uri", pa.string()), ("region", pa.string())]
)
"""The columns by which a table names an image."""


class Run:
    """A run that `open_run` or `run` opened. Its tables are read when they are first asked for, and kept."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._record: RunRecord = load_record(folder)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def name(self) -> str:
        """The name of its recipe."""
        return self._record.name

    @property
    def number(self) -> int:
        """Its number among the runs of that recipe."""
        return self._record.number

    @property
    def state(self) -> RunState:
        """done, running, waiting (for votes of people), interrupted or failed, when it was opened."""
        return state_of(self._folder, self._record)

    @property
    def report(self) -> Path:
        """The page of its report; it is there if the run is done."""
        return self._folder.report / "index.html"

    @property
    def releases(self) -> tuple[Path, ...]:
        """The folder of each release that it wrote."""
        return tuple(folder for folder, _ in manifests(self._tables))

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """A record for each step that was done, in order: step, kind, label, into, out, dropped, failed, reasons …

        ``record.shown()`` is the object of ``groundglass show --json``.
        """
        return self._record.steps

    @cached_property
    def _tables(self) -> RunTables:
        return read_tables(self._folder, self._record)

    @shows_hints
    def images(self) -> pa.Table:
        """One row for each image of each source, bad ones too.

        The columns of the images table (id, source, uri, path, sha256, width, height, format, warning …), ``meta.…``
        for columns that came with a source, every column that was measured of whole photos, and what became of it:
        ``fate`` (kept, dropped, failed, held out), ``left_at`` (the step at which it left; for a photo that went on as
        tiles, the step that cut it) and ``reason``. ``error`` says why a file cannot be used, or which measures have no
        value of it, and why.
        """
        tables = self._tables
        photos = every_image(tables)
        measured = with_values(tables, photos, [step.step for step in self.steps])
        fates = fates_of(tables, all_verdicts(tables))
        places = find_keys(photos.rows["id"], fates["id"])
        columns = {name: tables.images[name] for name in tables.images.column_names}
        columns["path"] = pa.array(map(place_in_words, columns["path"].to_pylist()), pa.string())
        columns["error"] = compute.coalesce(columns["error"], measured["error"])
        columns |= {
            name: measured[name] for name in measured.column_names if name not in (*columns, *_OF_ROWS)
        }
        fate = compute.replace_substring(fates["status"], "_", " ").take(places)
        return pa.table(
            columns
            | {"fate": fate, "left_at": fates["left_at"].take(places), "reason": fates["reason"].take(places)}
        )

    @shows_hints
    def rows(self, step: str) -> pa.Table:
        """One row for each image that left this step for the next one: photos, or tiles after a transform. Of a source,
        its own.

        id, parent, root (the photo's id), source, uri, sha256, region, width and height; then the columns measured of
        these rows by then, under the recipe's names; after a transform ``root.<column>``, those of their photos (and
        ``parent.<column>``); ``meta.<column>``; and ``error``, which names the measures without a value, and why. Of a
        release, the images that it wrote, with their ``split`` and ``file`` (below the release's folder).

        Raises RecipeError with the nearest name if the run has no such step.
        """
        self._check(step)
        names = [record.step for record in self.steps]
        done = names[: names.index(step) + 1]
        rows = with_values(self._tables, rows_after(self._tables, step), done)
        return self._with_files(rows, step) if self._tables.steps[step].kind == "release" else rows

    @shows_hints
    def verdicts(self, step: str) -> pa.Table:
        """One row for each row that a step judged: id, source, uri, region, kept, failed, reason and margin.

        The margin is how far the deciding value is on the right side of its limit; below 0 it is on the wrong side.
        A rule judges every row. Other steps judge only what they could not use, so their table may be empty.

        Raises RecipeError with the nearest name if the run has no such step.
        """
        self._check(step)
        verdicts = self._tables.verdicts.get(step, VERDICTS.empty_table())
        named = pa.concat_tables([self._tables.rows.select(NAMED.names), self._unusable()])
        places = find_keys(verdicts["id"], named["id"])
        found = {name: named[name].take(places) for name in NAMED.names if name != "id"}
        return pa.table(
            {"id": verdicts["id"]} | found | {n: verdicts[n] for n in VERDICTS.names if n != "id"}
        )

    @shows_hints
    def why(self, image: str | Path) -> dict[str, Any]:
        """Why an image was kept or dropped: the object of ``groundglass why --json``.

        ``image`` is a path below the source's folder, a file's name, a tile (``113.jpg#crop(0,512,512,512)``), an id,
        or a file of the release. Raises RecipeError with the nearest names if there is no such image, or several.
        """
        story = find_story(self._tables, str(image))
        plain: dict[str, Any] = json.loads(json.dumps(story.plain(), default=str))
        return plain

    @shows_hints
    def open(self, image: str | Path) -> Image:
        """The pixels of an image or a tile of the run, named as for `why`.

        Raises RecipeError as `why` does, and ImageError if the file cannot be used, or is not what the run read
        (``changed``).
        """
        row = find_image(self._tables, str(image))
        file = matches(self._tables.images, "id", row["root"])[0]
        data = read_listed(file["path"], file["bytes"], file["mtime_ns"], file["sha256"])
        makes = makes_of(self._tables.store.root.parent)
        return Image(open_frame(data, ImageLimits(), makes).at(row["region"]), True)

    def _with_files(self, rows: pa.Table, step: str) -> pa.Table:
        """The rows of a release with their split and file; null if the release is not there any more."""
        manifest = self.folder / str(self._tables.steps[step].facts.get("folder")) / "manifest.parquet"
        if not manifest.exists():
            words = pa.nulls(rows.num_rows, pa.string())
            return rows.append_column("split", words).append_column("file", words)
        files = read_table(manifest)
        files = high_rows(files)
        places = find_keys(rows["id"], files["id"])
        for name in ("split", "file"):
            rows = rows.append_column(name, files[name].take(places))
        return rows

    def _unusable(self) -> pa.Table:
        """Files that no row was made of, named as rows are."""
        photos = every_image(self._tables).rows.select(NAMED.names)
        return photos.filter(compute.invert(compute.is_in(photos["id"], self._tables.rows["id"])))

    def _check(self, step: str) -> None:
        names = [record.step for record in self.steps]
        if step not in names:
            raise RecipeError(
                f"this run has no step '{step}'.{did_you_mean(str(step), names)}",
                f"its steps: {', '.join(names)}",
            )

    def __repr__(self) -> str:
        return f"<groundglass.Run {self.folder}, {self.state}, {len(self.steps)} steps>"


_OF_ROWS = ("parent", "root", "region")
"""Columns of rows that say nothing of a whole image."""


@shows_hints
def open_run(run: str | Path, runs: str | Path = "runs") -> Run:
    """Open a run: its folder (``runs/faces/0003``), or a recipe's name below ``runs`` (``faces``: its last run).

    A run that is not finished opens too, with the steps done so far. Raises RecipeError with the runs there are if none
    is meant, or if its record cannot be read.

    >>> from groundglass.errors import RecipeError
    >>> try:
    ...     open_run("faces", runs="no/such/folder")
    ... except RecipeError as error:
    ...     error.message
    'there is no run faces.'
    """
    return Run(find_run(str(run), Path(runs).expanduser()))
