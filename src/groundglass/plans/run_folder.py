"""The folder of a run: the paths in it, the number of the next run, and its record `run.json`."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from groundglass.errors import RecipeError, UnreachableError
from groundglass.files.atomic import write_text
from groundglass.tables.step_record import StepRecord, read_step
from groundglass.text.suggest import did_you_mean

RunState = Literal["running", "interrupted", "failed", "waiting", "done"]
STATES: tuple[RunState, ...] = get_args(RunState)
FORM = 2
"""The version of the form of run.json that is written here; the first form had no version number."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run: ``runs/<name>/<number>/``."""

    path: Path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def name(self) -> str:
        return self.path.parent.name

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def report(self) -> Path:
        return self.path / "report"

    def images(self, source: str) -> Path:
        """The listing of a source, with the facts of the files' headers."""
        return self.path / "images" / source / "part-0.parquet"

    def skipped(self, source: str) -> Path:
        """The files of a source that are not images of it, and why."""
        return self.path / "skipped" / f"{source}.parquet"

    def derived(self, step: str) -> Path:
        """The virtual images that a transform made."""
        return self.path / "derived" / f"{step}.parquet"

    def verdicts(self, step: str) -> Path:
        """The rows that were kept or dropped at a step, and why."""
        return self.path / "selections" / f"{step}.parquet"

    def splits(self, step: str) -> Path:
        """id, split: the split of each row that a split step saw."""
        return self.path / "splits" / f"{step}.parquet"

    def scores(self, table: str) -> Path:
        """The scores of an external table, as they were when the run read them."""
        return self.path / "scores" / f"{hashlib.sha256(table.encode()).hexdigest()[:12]}.parquet"

    def calls(self, step: str) -> Path:
        """The ledger of an annotate step: every call of a model."""
        return self.path / "calls" / f"{step}.jsonl"

    def log(self, event: str, now: float | None = None, **facts: Any) -> None:
        """Append a line to events.jsonl."""
        line = json.dumps({"time": round(now or time.time(), 3), "event": event, **facts}, ensure_ascii=False)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def study_key(step: str) -> str:
    """The key of the scores that a study step gives."""
    return f"study {step}"


@dataclass(frozen=True)
class RunRecord:
    """`run.json`: the state of a run and what each of its steps did.

    columns   where each named column is stored, so that `why` and the report can look values up
    reported  whether its report was written; a run without one is not finished, so `run` goes on with it
    version   of the form of run.json; a reader ignores unknown keys, and uses defaults for missing ones
    """

    name: str
    number: int
    state: RunState
    started: float
    recipe_key: str
    store: str
    columns: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[StepRecord, ...] = ()
    error: str = ""
    hint: str = ""
    seed: int = 0
    recipe_file: str = ""
    reported: bool = True
    version: int = FORM

    @property
    def shown_columns(self) -> tuple[Mapping[str, Any], ...]:
        """The columns that people see: all but those that only the program reads, such as hashes."""
        return tuple(column for column in self.columns if not column.get("hidden"))

    def save(self, folder: RunFolder) -> None:
        """Replace run.json, whole or not at all."""
        plain = asdict(self) | {"version": FORM, "steps": [step.shown() for step in self.steps]}
        write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", folder.record)


def mark_reported(folder: RunFolder, record: RunRecord) -> None:
    """Record that a run has its report.

    run.json keeps its modification time, because the report shows it as the run's end.
    """
    ended = folder.record.stat()
    replace(record, reported=True).save(folder)
    os.utime(folder.record, ns=(ended.st_atime_ns, ended.st_mtime_ns))


def store_of(folder: RunFolder, record: RunRecord) -> Path:
    """The path of a run's store; it also holds if the runs and the store were moved together."""
    return (folder.path / record.store).resolve()


def load_record(folder: RunFolder) -> RunRecord:
    """The record of a run, also one that another version wrote: unknown keys are left out, missing ones get their
    defaults. Raises RecipeError if the folder holds no readable record.
    """
    try:
        read = json.loads(folder.record.read_text(encoding="utf-8"))
        return _record_of(folder, read)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecipeError(
            f"{folder.record} cannot be read as the record of a run ({type(error).__name__}: {error})",
            "groundglass show lists the runs; the same recipe run again gets the next number",
        ) from error


def _record_of(folder: RunFolder, read: Mapping[str, Any]) -> RunRecord:
    known = {field.name for field in fields(RunRecord)}
    given: dict[str, Any] = {
        "name": folder.name,
        "number": folder.number,
        "state": "interrupted",
        "started": 0.0,
    }
    given |= {"recipe_key": "", "store": "../store"}
    given |= {name: value for name, value in read.items() if name in known and value is not None}
    if given["state"] not in STATES:
        raise ValueError(f"no run is in the state {given['state']!r}")
    given["steps"] = tuple(map(read_step, given.get("steps", ())))
    given["columns"] = tuple(map(dict, given.get("columns", ())))
    return RunRecord(**given)


def readable_record(folder: RunFolder) -> RunRecord | None:
    """`load_record`, or None if there is no readable record."""
    try:
        return load_record(folder)
    except RecipeError:
        return None


def find_run(text: str, runs: Path) -> RunFolder:
    """The run that ``text`` names: a run's folder; or the last run of a recipe's name or folder.

    Raises RecipeError with the existing runs.
    """
    for path in (Path(text), runs / text):
        if (path / "run.json").is_file():
            return RunFolder(path)
        numbers = run_numbers(path)
        if numbers:
            return RunFolder(path / f"{numbers[-1]:04d}")
    there = [str(found.parent) for found in sorted(runs.glob("*/[0-9]*/run.json"))]
    hint = (
        f"the runs here: {', '.join(there[-8:])}"
        if there
        else f"there are no runs in {runs.absolute()} yet: groundglass run RECIPE"
    )
    recipes = dict.fromkeys(Path(run).parent.name for run in there)
    raise RecipeError(f"there is no run {text}.{did_you_mean(text, (*recipes, *there))}", hint)


def run_numbers(folder: Path) -> list[int]:
    """The numbers of a recipe's runs, in order. Raises UnreachableError if the folder cannot be read."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):  # callers also pass a recipe's file, which has no runs
        return []
    except OSError as error:
        raise UnreachableError(
            f"cannot read {folder}: {error.strerror}", "choose another folder for the runs"
        ) from error
    return sorted(int(entry.name) for entry in entries if entry.is_dir() and entry.name.isdigit())


def finished_runs(runs: Path, name: str) -> Iterator[RunFolder]:
    """The finished runs of a recipe's name, the last one first."""
    for number in reversed(run_numbers(runs / name)):
        folder = RunFolder(runs / name / f"{number:04d}")
        record = readable_record(folder)
        if record is not None and record.state == "done":
            yield folder


def choose_folder(runs: Path, name: str, recipe_key: str) -> tuple[RunFolder, bool]:
    """The folder to work in, and whether it goes on with an unfinished run of the very same recipe.

    Raises UnreachableError if no folder can be made there.
    """
    there = next((place for place in (runs, *runs.parents) if place.exists()), runs)
    if not there.is_dir():
        raise UnreachableError(
            f"{runs} is not a folder: part of that path is a file", "choose another folder for the runs"
        )
    numbers = run_numbers(runs / name)
    if numbers:
        last = RunFolder(runs / name / f"{numbers[-1]:04d}")
        # The folder was made, but the run stopped before its first record: it is empty and can be used.
        if not last.record.exists():
            return last, False
        record = readable_record(last)
        unfinished = record is not None and (record.state != "done" or not record.reported)
        if unfinished and record is not None and record.recipe_key == recipe_key:
            return last, True
    return RunFolder(runs / name / f"{(numbers or [0])[-1] + 1:04d}"), False
