"""The candidates of a hold-out of a finished run, so that people can pick among them by eye."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from groundglass.degradations.settings import Pixels
from groundglass.errors import RecipeError
from groundglass.files.locators import read_listed
from groundglass.image.frame import Makes, open_frame
from groundglass.image.header import ImageLimits
from groundglass.made_images.makes import makes_of
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import read_tables
from groundglass.plans.state import make_state
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.steps.catalog import STEPS
from groundglass.steps.hold_out import pickable
from groundglass.steps.kind import Walk
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class Candidates:
    """The rows among which one split of a hold-out picks.

    rows    best first: id, uri, sha256, region …
    wanted  how many the recipe picks; None if it takes all
    picked  ids that the recipe names already
    """

    run: RunFolder
    step: str
    split: str
    rows: pa.Table
    wanted: int | None
    picked: tuple[str, ...]


MOST = 1_000
"""More candidates than anybody looks at; people see the best of them."""


@dataclass(frozen=True)
class ListedCandidate:
    """A candidate and its file as the run read it."""

    id: str
    name: str
    sha256: str
    region: str
    path: bytes
    bytes: int
    mtime_ns: int
    makes: Makes

    def pixels(self) -> Pixels:
        """The image. Raises ImageError, also if the file is not the one that the run read."""
        data = read_listed(self.path, self.bytes, self.mtime_ns, self.sha256)
        return open_frame(data, ImageLimits(), self.makes).at(self.region).rgb


def listed(candidates: Candidates) -> list[ListedCandidate]:
    """The best `MOST` candidates with their files."""
    tables = read_tables(candidates.run, load_record(candidates.run))
    files = {row["id"]: row for row in tables.images.select(["id", "path", "bytes", "mtime_ns"]).to_pylist()}
    roots = dict(zip(tables.rows["id"].to_pylist(), tables.rows["root"].to_pylist(), strict=True))
    rows = candidates.rows.slice(0, MOST).select(["id", "uri", "sha256", "region"]).to_pylist()
    makes = makes_of(tables.store.root.parent)
    return [
        ListedCandidate(
            row["id"],
            row["uri"] + (f"#{row['region']}" if row["region"] else ""),
            row["sha256"],
            row["region"],
            *(files[roots[row["id"]]][key] for key in ("path", "bytes", "mtime_ns")),
            makes=makes,
        )
        for row in rows
    ]


def chosen(candidates: Candidates, among: list[ListedCandidate]) -> list[str]:
    """The ids of the candidates that the recipe names already, by id or uri."""
    uris = dict(zip(candidates.rows["id"].to_pylist(), candidates.rows["uri"].to_pylist(), strict=True))
    return [one.id for one in among if {one.id, uris[one.id]} & set(candidates.picked)]


def pick_candidates(run: RunFolder, step: str, split: str | None = None) -> Candidates:
    """The candidates of a `hold_out` step of a finished run; ``split`` may be left out if it has only one.

    The steps before it are done again on the values that the store has; nothing is measured or written. Raises
    RecipeError if the run is not done, has no such step or split, or if its values are gone.
    """
    record = load_record(run)
    if record.state != "done":
        raise RecipeError(f"{run.path} is not done ({record.state})", "run the recipe to its end first")
    plan = make_plan(load_recipe(run.path / "recipe.yaml"))
    steps = {
        planned.step.name: planned for planned in plan.steps if isinstance(planned.step.body, HoldOutStep)
    }
    if step not in steps:
        names = ", ".join(steps) or "it has none"
        raise RecipeError(
            f"this run has no hold_out step '{step}'.{did_you_mean(step, steps)}", f"its hold_outs: {names}"
        )
    body = steps[step].step.body
    assert isinstance(body, HoldOutStep)
    if split is None and len(body.splits) > 1:
        raise RecipeError(
            f"{step} has {len(body.splits)} splits", f"say which: --split {' or '.join(body.splits)}"
        )
    split = split or next(iter(body.splits))
    if split not in body.splits:
        raise RecipeError(f"{step} has no split '{split}'.{did_you_mean(split, body.splits)}")
    walk = Walk(make_state(plan, run, dry=True))
    for planned in plan.steps:
        if planned.step.name == step:
            break
        STEPS[planned.step.kind].forecast(walk, planned)
    if not walk.exact or walk.lacking(steps[step], walk.state.rows):
        raise RecipeError(
            f"the store no longer has all values that lead to {step}",
            "run the recipe again: it measures what is missing",
        )
    pick = body.splits[split].pick
    wanted = pick if isinstance(pick, int) else len(pick) if pick else None
    rows = pickable(walk.state, steps[step], split)
    return Candidates(run, step, split, rows, wanted, tuple(pick) if isinstance(pick, tuple) else ())
