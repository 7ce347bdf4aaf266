"""Open a study of a run: its keys, its items and its database. It is made on first use, and never changed later."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from groundglass.errors import GroundglassError, MissingExtra, RecipeError, cannot_write
from groundglass.extras import is_installed
from groundglass.files.atomic import write_text
from groundglass.files.folder_lock import only_one
from groundglass.made_images.makes import MakesImages, makes_of
from groundglass.plans.run_folder import RunFolder, find_run, load_record, run_numbers, store_of
from groundglass.recipes.load import load_recipe
from groundglass.recipes.study_model import StudyStep
from groundglass.recipes.to_yaml import written_body, yaml_text
from groundglass.settings.field_types import NAME
from groundglass.studies.candidates import LEFT_OUT, Candidate, candidates_in, final_set
from groundglass.studies.database_url import (
    DATABASE,
    DATABASE_VARIABLE,
    database_of,
    is_asked_for,
    open_store,
    seen_from,
    write_database,
)
from groundglass.studies.items import Items, choose_items
from groundglass.studies.results import units_of
from groundglass.studies.study_file import KEYS, read_study, study_file
from groundglass.tables.parquet import read_table, write_parquet
from groundglass.text.format import some
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.studies.store import Store

LEFT = "left_out.parquet"
"""The images that could not become items, in the study's folder."""


@dataclass(frozen=True)
class Study:
    """A study that is open: its keys, and the store with its items and votes.

    recipe  SHA-256 of the run's recipe
    """

    name: str
    folder: Path
    body: StudyStep
    seed: int
    recipe: str
    store: Store

    @property
    def run(self) -> Path:
        return self.folder.parent.parent

    @cached_property
    def makes(self) -> MakesImages | None:
        """The maker of images that steps of the run made; None without the run's record, which no other image needs."""
        folder = RunFolder(self.run)
        try:
            return makes_of(store_of(folder, load_record(folder)))
        except RecipeError:
            return None

    @property
    def left_out(self) -> pa.Table:
        """The images that could not become items, and why (`groundglass.studies.items.LEFT_OUT`)."""
        path = self.folder / LEFT
        return read_table(path) if path.is_file() else LEFT_OUT.empty_table()


def open_study(run: Path, study: str, database: str | None = None) -> Study:
    """The study that ``study`` names, in a run's folder (or the last run of a recipe's name).

    study     a path of a study.yaml, the name of a `study` step of the run's recipe, or of a study that is there
    database  an SQLAlchemy URL; None is the one that it was made with, at first that of the environment variable
              `DATABASE_VARIABLE`, or SQLite in the study's folder

    A study.yaml makes a study of the run's final set, the first time that it is opened. Raises RecipeError if the run
    or the study does not exist, if study.yaml is wrong (with file and line), or if it differs from the study that was
    made of it; MissingExtra without the extra ``studies``.
    """
    folder = RunFolder(run) if (run / "run.json").is_file() else find_run(str(run), Path("runs"))
    path = study_file(study)
    if path is None:
        name, body = _known(folder, study)
        return make_study(folder, name, body, load_record(folder).seed, database, list)
    name, body = read_study(path)
    if (study_folder(folder, name) / KEYS).is_file():
        _same_keys(path, body, study_folder(folder, name))
    record = load_record(folder)
    return make_study(
        folder, name, body, record.seed, database, lambda: final_set(folder, record, body, path)
    )


def left_out_notes(left_out: pa.Table) -> tuple[str, ...]:
    """A sentence on the images that could not become items, with an example; none if all could.

    >>> left_out_notes(pa.table({"name": ["a.png"], "reason": ["truncated"]}))
    ('1 image could not be rated, such as a.png (truncated)',)
    """
    if not left_out.num_rows:
        return ()
    first = left_out.slice(0, 1).to_pylist()[0]
    said = (
        f"{some(left_out.num_rows, 'images')} could not be rated, such as {first['name']} ({first['reason']})"
    )
    return (said,)


def look_at_study(run: Path | None, study: str) -> tuple[str, StudyStep, int, pa.Table]:
    """The name and keys of a study, how many images or pairs it rates, and the images that it leaves out.

    Nothing is made. Without a run, study.yaml must have `items` or `folders`. Raises RecipeError as `open_study` does.
    """
    path = study_file(study)
    if run is None:
        if path is None:
            raise RecipeError(
                f"there is no file {study}", "give a study.yaml; or name the run first: RUN STUDY"
            )
        name, body = read_study(path)
        if not body.folders:
            if body.items is None:
                hint = "add `items: 200`, or name the run whose images are rated: groundglass study plan RUN STUDY"
                raise RecipeError(f"{path} does not say how many images are rated", hint)
            return name, body, body.items, LEFT_OUT.empty_table()
        return name, body, *_counted(body, _items(body, 0, name, list))
    folder = RunFolder(run) if (run / "run.json").is_file() else find_run(str(run), Path("runs"))
    record = load_record(folder)
    if path is not None:
        name, body = read_study(path)
        items = _items(body, record.seed, name, lambda: final_set(folder, record, body, path))
        return name, body, *_counted(body, items)
    made = open_study(run, study)
    with made.store as store:
        units = units_of(made.body, store.items().to_pylist())
    return made.name, made.body, len(units), made.left_out


def _counted(body: StudyStep, items: Items) -> tuple[int, pa.Table]:
    return len(units_of(body, [asdict(item) for item in items.items])), items.left_out


def make_study(
    folder: RunFolder,
    name: str,
    body: StudyStep,
    seed: int,
    database: str | None,
    candidates: Callable[[], list[Candidate]],
) -> Study:
    """Open a study, and make it first if it is not there: its folder, and its items in one transaction.

    ``candidates`` gives the images; with ``folders`` they come from there instead.
    """
    if not is_installed("studies"):
        raise MissingExtra("studies", "studies")
    place = study_folder(folder, name)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(place, error) from error
    recipe = recipe_hash(folder)
    if (place / KEYS).is_file():  # written last: the study is whole
        store = open_store(place, *database_of(place, database))
        _check_keys(place, body, store)
        return Study(name, place, body, seed, recipe, store)
    with only_one(place, f"the study {name}"):
        items, store = None, _begun(place, body, database)
        if store is None:
            items = _items(body, seed, name, candidates)
            write_parquet(items.left_out, place / LEFT)
            earlier = None if is_asked_for(database) else earlier_votes(folder, name, body, items)
            url = database or os.environ.get(DATABASE_VARIABLE, "")
            write_database(place, *(earlier or (secrets.token_hex(16), url)))
            store = open_store(place, *database_of(place, database))
        if not store.there():
            items = items or _items(body, seed, name, candidates)
            store.create(name, body.model_dump(mode="json", by_alias=True), seed, recipe, items.items)
        write_text(yaml_text({"name": name, **written_body(body)}), place / KEYS)
    return Study(name, place, body, seed, recipe, store)


def _begun(place: Path, body: StudyStep, database: str | None) -> Store | None:
    """The store of a study whose making was interrupted; None if it must be made from the start.

    Its keys may have been changed since. Nobody has rated in it: links are made for whole studies only.
    """
    if not (place / DATABASE).is_file():
        return None
    store = open_store(place, *database_of(place, database))
    if store.there() and store.body != body:
        store.close()
        return None
    return store


def _check_keys(place: Path, body: StudyStep, store: Store) -> None:
    """Refuse keys that are not those of the database: somebody changed the study.yaml in the study's own folder."""
    try:
        if store.body != body:
            raise RecipeError(
                f"{place / KEYS} was changed after the study was made, in {', '.join(_changed(body, store.body))}",
                "change it back; for a second study, give a study.yaml of your own another `name:`",
            )
    except RecipeError:
        store.close()
        raise


def _changed(one: StudyStep, other: StudyStep) -> list[str]:
    """The keys in which two studies differ."""
    values, others = one.model_dump(), other.model_dump()
    return [name for name in values if values[name] != others[name]]


def _items(body: StudyStep, seed: int, name: str, candidates: Callable[[], list[Candidate]]) -> Items:
    if body.folders:
        found, lost = candidates_in(body.folders)
        return choose_items(body, found, seed, name, lost)
    return choose_items(body, candidates(), seed, name)


def study_folder(folder: RunFolder, name: str) -> Path:
    """The folder of a study of a run."""
    return folder.path / "studies" / name


def is_whole(folder: RunFolder, name: str) -> bool:
    """Whether a run has made a study, with all its items."""
    return (study_folder(folder, name) / KEYS).is_file()


def recipe_hash(folder: RunFolder) -> str:
    """The SHA-256 of a run's recipe, as in its lock."""
    return hashlib.sha256((folder.path / "recipe.yaml").read_text(encoding="utf-8").encode()).hexdigest()


def _same_keys(path: Path, body: StudyStep, place: Path) -> None:
    """Refuse a study.yaml that differs from the study that was made of it: its votes belong to the old keys."""
    if path.resolve() == (place / KEYS).resolve():
        return
    _, made = read_study(place / KEYS)
    if body == made:
        return
    raise RecipeError(
        f"{path} differs from the study {place.name} that was made of it, in {', '.join(_changed(body, made))}",
        f"give it another `name:` to make a second study; the first one, with its votes, stays in {place}",
    )


def _known(folder: RunFolder, study: str) -> tuple[str, StudyStep]:
    """The name and keys of a study that is in the run's folder already."""
    place = study_folder(folder, study)
    if re.fullmatch(NAME, study) and (place / KEYS).is_file():
        return read_study(place / KEYS)
    steps = study_steps(folder)
    if study in steps:
        raise RecipeError(
            f"the run has not reached its step {study} yet",
            "run the recipe first: the step makes its study, and the run waits there",
        )
    there = sorted(path.parent.name for path in (folder.path / "studies").glob(f"*/{KEYS}"))
    names = [*steps, *there]
    listed = f"; its studies: {', '.join(dict.fromkeys(names))}" if names else ""
    raise RecipeError(
        f"{folder.path} has no study '{study}', and there is no such file.{did_you_mean(study, names)}",
        f"give a study.yaml, such as `protocol: acr`, or the name of a study step{listed}",
    )


def study_steps(folder: RunFolder) -> dict[str, StudyStep]:
    """The study steps of a run's recipe, by name."""
    recipe = load_recipe(folder.path / "recipe.yaml").recipe
    return {step.name: step.body for step in recipe.steps if isinstance(step.body, StudyStep)}


def earlier_votes(folder: RunFolder, name: str, body: StudyStep, items: Items) -> tuple[str, str] | None:
    """The id and the database of the same study in an earlier run of the recipe, if it has all these items; else None.

    So a changed threshold after a study, which makes a new run, asks nobody to vote again.
    """
    wanted = {_content(asdict(item)) for item in items.rated}
    numbers = run_numbers(folder.path.parent) if folder.path.name.isdigit() else []
    for number in reversed([number for number in numbers if number < folder.number]):
        place = study_folder(RunFolder(folder.path.with_name(f"{number:04d}")), name)
        try:
            if not (place / KEYS).is_file() or read_study(place / KEYS)[1] != body:
                continue
            key, url = database_of(place, None)
            with open_store(place, key, url) as store:
                rated = store.items().to_pylist() if store.there() else []
        except GroundglassError:  # a study that cannot be read has no votes to give
            continue
        if wanted <= {_content(item) for item in rated if item["role"] == "rate"}:
            return key, seen_from(study_folder(folder, name), place, url)
    return None


def _content(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts that are equal in two equal items: the row, its pixels, and the text and arm that it is shown with."""
    return (*(str(item[key]) for key in ("row", "arm", "content", "prompt", "sha256", "region")),)
