"""Images that text-to-image models make from prompts, with settings that are drawn for each image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field, PositiveInt, model_validator

from groundglass.calls import ledger as calls
from groundglass.calls.ledger import Ledger, Price
from groundglass.errors import NotHere, RecipeError
from groundglass.files.folder_lock import only_one
from groundglass.generators.catalog import KINDS
from groundglass.generators.design import Sampling, Wanted
from groundglass.generators.fault import SettingFault
from groundglass.generators.kind import Checked, Work
from groundglass.generators.made import CALLS, LINES, MadeFolder, Outcome, Task
from groundglass.generators.setting_values import check_values
from groundglass.generators.settings import Budget, Generator, Range, Value, model_name, size_of
from groundglass.settings.field_types import RECIPE_NAME
from groundglass.settings.key_rules import not_empty, refuse
from groundglass.sources.generate_tasks import Planned, repeated_bytes
from groundglass.sources.generate_words import design_notes, left_to_do, model_notes
from groundglass.sources.listing import Listed, to_table
from groundglass.sources.prompts import Prompts, read_prompts
from groundglass.sources.source import Brought, Home, Making, Source, SourceFault, ToMake
from groundglass.tables.parquet import path_to_bytes
from groundglass.text.format import some

OWN = {
    "generator": "VARCHAR",
    "model": "VARCHAR",
    "prompt": "VARCHAR",
    "prompt_id": "VARCHAR",
    "seed": "BIGINT",
    "revised_prompt": "VARCHAR",
    "prompt_cut": "BIGINT",
    "same_bytes_as": "VARCHAR",
}
"""The columns of every generated image, besides its settings."""
CREDITED = ("licence", "author")
GUESSED_SIDE = 1024
"""Side in px of an image that has no `size` among its settings."""


class Generate(Source):
    """Images that text-to-image models make from prompts; every setting is drawn and recorded for each image."""

    keys: ClassVar = ("generate",)
    reference: ClassVar = "Latin hypercube: McKay, Beckman and Conover, Technometrics, 1979"
    example: ClassVar = (
        "{generate: prompts.txt, generators: {sd15: {diffusers: stable-diffusion-v1-5/stable-diffusion-v1-5, "
        "settings: {guidance: {from: 1, to: 20}, size: [512x512, 768x512]}}}}"
    )

    generate: Annotated[
        str,
        Field(
            min_length=1,
            description="the prompts: a .txt file with one per line, or a CSV, TSV, JSONL or Parquet table",
        ),
    ]
    prompt: Annotated[
        str, Field(min_length=1, description="the table's column of prompts; all others become `meta.x`")
    ] = "prompt"
    generators: Annotated[
        dict[str, Generator], Field(description="the generators, each under a name of its own")
    ]
    sampling: Annotated[
        Sampling,
        Field(
            description="how settings are drawn: each one evenly also in few images (latin_hypercube), each image "
            "independently (random), or every combination in turn (grid)"
        ),
    ] = "latin_hypercube"
    per_prompt: Annotated[
        PositiveInt, Field(description="images of each prompt, for generators without `images`")
    ] = 1
    share_prompts: Annotated[
        bool,
        Field(
            description="true: all generators begin with the first prompt; false: each begins where the one before it "
            "ends, so that prompts are repeated as rarely as possible"
        ),
    ] = True
    budget: Annotated[
        Budget | None, Field(description="the limits at which servers are no longer asked; default: none")
    ] = None
    concurrency: Annotated[int, Field(ge=1, le=256, description="calls of a server at the same time")] = 4
    timeout: Annotated[
        float,
        Field(
            gt=0,
            description="time limit for one call, s; a pipeline may use ten times as much CPU time for an image",
        ),
    ] = 300.0

    @model_validator(mode="after")
    def _check(self) -> Generate:
        check_generate(self)
        return self

    def look(self) -> Brought:
        prompts = self.prompts()
        checked = self.checked()
        own = self._own_columns()
        unusable = {
            name: "has the name of a column that the source writes" for name in prompts.columns if name in own
        }
        beside = {name: kind for name, kind in prompts.columns.items() if name not in unusable}
        meta = {**own, **beside}
        credits = {what: what for what in self._credited()}
        columns = meta | dict.fromkeys(credits, "VARCHAR")
        left = [f"the column `{name}` of the prompts is left out: it {why}" for name, why in unusable.items()]
        notes = (*prompts.notes, *left, *design_notes(self, len(prompts.rows)), *model_notes(self, checked))
        return Brought(columns, meta, credits, unusable, tuple(notes))

    def listing(self, types: Mapping[str, str], home: Home) -> pa.Table:
        all_types = self._all_types()
        return to_table(self._listed(home, all_types), all_types)

    def label(self) -> str:
        return f"{', '.join(self.generators)} from {self.generate}"

    def to_make(self, home: Home) -> ToMake:
        """The images that are not made yet. No generator is asked."""
        plan = self._planned(home)
        outcomes = plan.made.outcomes()
        lacking = [
            (wanted, task)
            for wanted, task in plan.chosen(self.limit)
            if plan.lacks(wanted, task, outcomes, False)
        ]
        rows = [(task.uri, *_expected_size(task)) for _, task in lacking]
        per_generator = Counter(wanted.generator for wanted, _ in lacking)
        made = Counter(wanted.generator for wanted, _ in plan.chosen(self.limit)) - per_generator
        spent = Ledger(plan.made.calls, Price(), self._limits()).spent
        return ToMake(tuple(rows), *left_to_do(self, per_generator, made, plan.speeds(outcomes), spent))

    def make(self, home: Home, making: Making) -> tuple[str, ...]:
        plan = self._planned(home)
        plan.made.path.mkdir(parents=True, exist_ok=True)
        # Two runs of one recipe share the folder: together they would pay twice, and spend two budgets.
        with only_one(plan.made.path, f"the folder of the generated images of `{home.step}`"):
            return self._made(plan, home, making)

    def _made(self, plan: Planned, home: Home, making: Making) -> tuple[str, ...]:
        ledger = Ledger(plan.made.calls, Price(), self._limits())
        outcomes = plan.made.outcomes()
        notes: list[str] = []
        chosen = plan.chosen(self.limit)
        for name, generator in self.generators.items():
            tasks = {
                task.key: task
                for wanted, task in chosen
                if wanted.generator == name and plan.lacks(wanted, task, outcomes, making.retry)
            }
            adopted = [
                found
                for key, task in tasks.items()
                if key not in outcomes and (found := plan.made.adopted(name, task))
            ]
            plan.made.add(adopted)
            lacking = [task for key, task in tasks.items() if key not in {one.key for one in adopted}]
            if not lacking:
                continue
            work = Work(
                name,
                generator,
                plan.checked[name],
                lacking,
                plan.made,
                ledger,
                making.settings,
                making.progress(f"{home.step}: {name}"),
                self.timeout,
                self.concurrency,
            )
            KINDS[generator.service].make(work)
            notes += [f"{name}: {note}" for note in work.notes]
        return (*notes, *_spent_in_words(ledger.spent, self), *repeated_bytes(plan, chosen))

    def checked(self) -> dict[str, Checked]:
        """Every generator, checked. Raises SourceFault, and the errors of a hub that does not answer."""
        found: dict[str, Checked] = {}
        for name, generator in self.generators.items():
            try:
                check_values(generator)
                found[name] = KINDS[generator.service].check(generator)
            except SettingFault as error:
                keys = ("generators", name, *error.keys)
                raise SourceFault(error.message, error.hint, keys, error.word, error.valid) from error
            except NotHere:
                raise
            except RecipeError as error:
                keys = ("generators", name, generator.service)
                raise SourceFault(error.message, error.hint, keys) from error
        return found

    def _planned(self, home: Home) -> Planned:
        return Planned(self, self.prompts().rows, self.checked(), home)

    def prompts(self) -> Prompts:
        """The prompts of the file. Raises SourceFault."""
        return read_prompts(self.generate, self.prompt)

    def _limits(self) -> calls.Budget:
        return calls.Budget(self.budget.calls, self.budget.money) if self.budget else calls.Budget()

    def _credited(self) -> list[str]:
        """Which of licence and author the recipe states, for the source or for a generator."""
        return [
            what for what in CREDITED if any(getattr(one, what) for one in (self, *self.generators.values()))
        ]

    def _own_columns(self) -> dict[str, str]:
        """The columns that describe a generated image: a setting is null where a generator has none."""
        names = dict.fromkeys(name for one in self.generators.values() for name in one.settings)
        settings = {name: _sql_type(name, self.generators.values()) for name in names if name != "seed"}
        return OWN | settings

    def _all_types(self) -> dict[str, str]:
        own = self._own_columns() | dict.fromkeys(self._credited(), "VARCHAR")
        return own | {name: kind for name, kind in self.prompts().columns.items() if name not in own}

    def _listed(self, home: Home, types: Mapping[str, str]) -> Iterator[Listed]:
        plan = self._planned(home)
        outcomes = plan.made.outcomes()
        first: dict[str, str] = {}
        for wanted, task in sorted(plan.tasks, key=lambda pair: pair[0].uri):
            found = outcomes.get(task.key)
            generator = self.generators[wanted.generator]
            own = {
                "generator": wanted.generator,
                "model": model_name(generator),
                "prompt": wanted.prompt.text,
                "prompt_id": wanted.prompt.id,
                "seed": wanted.seed,
                "revised_prompt": (found.revised_prompt or None) if found else None,
                "prompt_cut": found.cut if found else None,
                "same_bytes_as": _earlier(first, found, wanted.uri),
            }
            credits = {what: getattr(generator, what) or getattr(self, what) for what in CREDITED}
            beside = {**wanted.prompt.beside, **credits, **_typed(task.settings, types), **own}
            yield _row(plan.made, wanted, task, found, beside)


def _earlier(first: dict[str, str], found: Outcome | None, uri: str) -> str | None:
    """The first image with the same bytes, if it is another one."""
    if found is None or not found.sha256:
        return None
    before = first.setdefault(found.sha256, uri)
    return None if before == uri else before


def _row(
    made: MadeFolder, wanted: Wanted, task: Task, found: Outcome | None, beside: Mapping[str, Any]
) -> Listed:
    path = made.file(wanted.generator, found.file if found and found.file else task.key)
    place = path_to_bytes(path.absolute())
    # Whatever has no outcome after the generators were asked is what the budget held back.
    error, detail = (found.error or None, found.detail or None) if found else ("budget", None)
    try:
        stat = path.stat() if found and found.file else None
    except OSError:
        error, detail, stat = error or "vanished", detail or "the generated file is gone", None
    if stat is None:
        return Listed(wanted.uri, place, None, None, error, detail, beside)
    return Listed(wanted.uri, place, stat.st_size, stat.st_mtime_ns, error, detail, beside)


def _sql_type(name: str, generators: Iterable[Generator]) -> str:
    """The SQL type that holds a setting's values of all generators."""
    kinds: set[type] = set()
    for generator in generators:
        setting = generator.settings.get(name)
        if isinstance(setting, Range):
            kinds.add(int if setting.is_whole(name) else float)
        elif setting is not None:
            kinds |= {type(value) for value in setting}
    if kinds <= {int, float}:
        return "BIGINT" if kinds == {int} else "DOUBLE"
    return "BOOLEAN" if kinds == {bool} else "VARCHAR"


def check_generate(source: Generate) -> None:
    """Refuse no generator, names that cannot be a folder, budgets without limits or prices, and grids of ranges."""
    not_empty(source, ("generators",))
    for name in source.generators:
        # Its name becomes a folder next to the files `made.jsonl` and `calls.jsonl`.
        if not re.fullmatch(RECIPE_NAME, name) or name in (LINES, CALLS):
            refuse(
                "generators",
                f"`{name}` cannot be the name of a generator",
                "use letters, digits, '.', '_' and '-'",
            )
    _check_budget(source)
    ranges = [
        (name, key)
        for name, one in source.generators.items()
        for key, setting in one.settings.items()
        if isinstance(setting, Range)
    ]
    if source.sampling == "grid" and ranges:
        name, key = ranges[0]
        refuse(
            "sampling", f"a grid needs lists, and `{key}` of `{name}` is a range", "write a list: [5, 10, 15]"
        )


def _check_budget(source: Generate) -> None:
    budget = source.budget
    if budget is None:
        return
    if budget.calls is None and budget.money is None:
        refuse("budget", "`budget` holds no limit", "write for example `budget: {calls: 1000}`")
    unpriced = [
        name for name, one in source.generators.items() if KINDS[one.service].paid and one.price is None
    ]
    if budget.money is not None and unpriced:
        refuse("budget", f"`money` needs the price of an image of `{unpriced[0]}`", "add `price: 0.04` to it")


def _typed(settings: Mapping[str, Value], types: Mapping[str, str]) -> dict[str, Value]:
    """The settings in the types of their columns."""
    return {name: str(value) if types[name] == "VARCHAR" else value for name, value in settings.items()}


def _spent_in_words(spent: calls.Spent, source: Generate) -> list[str]:
    """The sums of the ledger; nothing if no server was asked."""
    if not spent.calls:
        return []
    priced = all(one.price is not None for one in source.generators.values() if KINDS[one.service].paid)
    cost = f"cost {spent.cost:.4g}" if priced else "cost unknown"
    lost = (
        f" ({some(spent.unanswered, 'calls')} cut short by a kill, counted at full price)"
        if spent.unanswered
        else ""
    )
    return [f"{some(spent.calls, 'calls')} of servers in all runs, {cost}{lost}"]


def _expected_size(task: Task) -> tuple[int, int]:
    """The width and height in px of an image that is not made yet."""
    return size_of(task.settings.get("size")) or (GUESSED_SIDE, GUESSED_SIDE)
