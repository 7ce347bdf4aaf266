"""Adapt a shipped recipe to a folder: the facts of a sample that do not fit the recipe, and the steps that change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from groundglass.drafts.look_at_folder import Look, short_side
from groundglass.drafts.start_recipe import (
    FITTING,
    TILES,
    TOO_MANY,
    Choice,
    duplicates,
    fitting_tile,
    leaks,
    others,
    source,
)
from groundglass.errors import GroundglassError
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.model import Recipe, Step
from groundglass.recipes.shipped import shipped
from groundglass.recipes.to_yaml import written_step
from groundglass.runs.make_plan import make_plan
from groundglass.selections.decontaminate import Decontaminate
from groundglass.selections.deduplicate import Deduplicate
from groundglass.selections.rule import Rule
from groundglass.selections.source_divergence import SourceDivergence
from groundglass.selections.top_k import TopK
from groundglass.selections.where import Where, where
from groundglass.source_quality.divergence import LEAST
from groundglass.sources.folder import Folder
from groundglass.sources.source import Source
from groundglass.tables.expressions import parse
from groundglass.tables.rows import photographs
from groundglass.text.format import some, thousands
from groundglass.transforms.multiscale import Multiscale
from groundglass.transforms.tile import Tile
from groundglass.transforms.transform import Transform

OFFLINE = "offline"
"""The profile of a shipped recipe that needs no network."""
SEEN = 224
"""The smallest side that the networks of shipped recipes can handle, px (HyperIQA's)."""


@dataclass
class Flow:
    """The knowledge so far while the steps of a recipe are adapted in order.

    count  upper bound of the number of images
    rows   the sampled images, and later the tiles or scales that the transforms make from them
    least  the smallest side that the recipe's measures can handle, px
    """

    look: Look
    count: float
    rows: pa.Table
    least: int


def adapt(like: str, look: Look) -> list[Choice]:
    """The changes that a folder needs in a shipped recipe, as steps that replace its steps of the same name.

    Raises RecipeError for a name that no shipped recipe has.
    """
    path = shipped(like)
    base = load_recipe(path)
    why = why_offline(base, look)
    chosen = load_recipe(path, profile=OFFLINE) if why else base
    flow = Flow(look, look.usable, sampled_rows(look), 0 if why else SEEN)
    choices: list[Choice] = []
    replaced = replaced_steps(base.recipe, chosen.recipe)
    for step in chosen.recipe.steps:
        found = list(fit(step, flow))
        if step.name in replaced and not any(choice.step for choice in found):
            said = (
                f"{why} The steps of its profile `{OFFLINE}` are used instead."
                if step.name == replaced[0]
                else ""
            )
            found.append(Choice("networks" if said else "", said, as_written(step), fits=not said))
        choices += found
    return [*choices, *others(look)]


def sampled_rows(look: Look) -> pa.Table:
    """The sampled images as rows for a transform, which needs only their names and sizes."""
    columns = {
        name: pa.array([row["uri"] for row in look.rows]) for name in ("id", "uri", "sha256", "source")
    }
    sizes = {name: pa.array([row[name] for row in look.rows]) for name in ("width", "height")}
    return photographs(pa.table(columns | sizes | {"error": pa.nulls(len(look.rows), pa.string())}))


def replaced_steps(base: Recipe, chosen: Recipe) -> list[str]:
    """Names of the steps that a profile replaced; a source is left out: it becomes the folder anyway."""
    pairs = zip(base.steps, chosen.steps, strict=True)
    return [step.name for old, step in pairs if old.body != step.body and not isinstance(step.body, Source)]


def why_offline(base: LoadedRecipe, look: Look) -> str:
    """Why the recipe's networks cannot be used here, so that its profile `offline` is needed; "" if they can."""
    asked = [step.name for step in base.recipe.steps if isinstance(step.body, AnnotateStep)]
    if asked:
        verb = "ask" if len(asked) > 1 else "asks"
        return f"{' and '.join(asked)} {verb} a multimodal model, on a server that only you can name."
    here = base.recipe.steps[0].model_copy(update={"body": Folder(folder=(look.folder,))})
    recipe = base.recipe.model_copy(update={"steps": (here, *base.recipe.steps[1:])})
    try:
        make_plan(LoadedRecipe(recipe, base.text, base.files, base.root))
    except GroundglassError as error:
        said = error.message.splitlines()[0].partition(": ")
        return f"The networks of the recipe cannot run here ({said[2] or said[0]})."
    return ""


def as_written(step: Step, **changes: Any) -> dict[str, Any]:
    """A step in the form that a recipe has, with some keys of its body changed; its kind comes first."""
    written = written_step(step)
    body = written.pop(step.kind)
    return {step.kind: body | changes if changes else body} | written


def fit(step: Step, flow: Flow) -> Iterator[Choice]:
    """The remarks on a step that does not fit the folder, and its replacement; updates the counts for the next step."""
    match step.body:
        case Source():
            (files,) = source(flow.look)
            yield Choice(files.topic, files.said, {"source": (files.step or {})["source"], "name": step.name})
        case Transform() as body:
            yield from fit_transform(step, body, flow)
        case Rule() as body:
            yield from fit_select(step, body, flow)
        case _:
            pass


def fit_select(step: Step, rule: Rule, flow: Flow) -> Iterator[Choice]:
    look = flow.look
    match rule:
        case TopK():
            yield from fit_top_k(step, rule.top_k, flow)
        case Where():
            yield from fit_where(rule.where, look)
        case Decontaminate():
            (found,) = leaks(look)
            yield Choice(found.topic, found.said)
        case Deduplicate():
            (found,) = duplicates(look)
            yield Choice(found.topic, found.said)
        case SourceDivergence() if look.usable < LEAST:
            about = some(look.usable, "images")
            said = f"About {about}: judging a whole source takes {LEAST} images, so this one is kept without a verdict."
            yield Choice("source", said, fits=False)
        case _:
            pass


def fit_top_k(step: Step, k: int, flow: Flow) -> Iterator[Choice]:
    """A count that keeps everything drops nothing: half of the images is used instead."""
    if k < flow.count:
        flow.count = k
        return
    half = max(1, int(flow.count / 2))
    said = (
        f"The recipe keeps the best {thousands(k)}, but there are at most about {thousands(int(flow.count))}, so it "
        f"would drop nothing. Here it keeps the better half: {thousands(half)}."
    )
    flow.count = half
    yield Choice("count", said, as_written(step, top_k=half), fits=False)


def fit_where(expression: str, look: Look) -> Iterator[Choice]:
    """How many images of the sample a gate would drop, if its columns were measured."""
    parsed = parse(expression)
    names = [path[-1] for path in parsed.columns]
    if any(name not in look.rows[0] for name in names):
        return
    columns = {name: [row[name] for row in look.rows] for name in dict.fromkeys(["uri", *names])}
    pool = pa.table(columns | {"id": columns["uri"]})
    dropped = [row for row in where(pool, parsed).to_pylist() if not row["kept"]]
    said = f"{look.say(len(dropped), 'fail')} {expression}"
    if len(dropped) > TOO_MANY * len(look.rows):
        yield Choice("gate", f"{said}: this folder is not what the recipe was made for.", fits=False)
    elif dropped:
        yield Choice("gate", f"{said}.")


def fit_transform(step: Step, body: Transform, flow: Flow) -> Iterator[Choice]:
    """Keep the recipe's tile if it fits into most images, else take a smaller one; then cut the sample with it."""
    changes: dict[str, int] = {}
    if isinstance(body, Multiscale) and body.shortest_edge is not None:
        tile = smaller_tile(flow, body.shortest_edge)
        if tile is not None:
            changes = {"shortest_edge": tile}
            said = (
                f"The short side becomes {tile} px here, not {body.shortest_edge} px, like the tiles below."
            )
            yield Choice("", said, as_written(step, **changes))
    if isinstance(body, Tile):
        sides = sorted(map(short_side, flow.look.rows))
        tile = smaller_tile(flow, body.tile)
        under = sum(side < body.tile for side in sides)
        seen = f"{flow.look.say(under, 'are')} under {body.tile} px on the short side"
        if tile is not None:
            changes = {"tile": tile}
            if body.stride is not None:  # keeps the recipe's share of overlap
                changes["stride"] = max(1, round(body.stride * tile / body.tile))
            said = f"{seen}, too small for the recipe's tiles. Most are large enough for {tile} px."
            yield Choice("size", said, as_written(step, **changes), fits=False)
        elif under:
            gives = "so it gives no tile" if under == 1 else "so they give no tile"
            yield Choice("size", f"{seen}, {gives}.", fits=under <= (1 - FITTING) * len(sides))
    # A transform that depends on measured values cannot be tried here, so the count stays an upper bound.
    if body.measured() is None and flow.rows.num_rows:
        made = body.model_copy(update=changes).make(flow.rows, None).rows
        flow.count *= made.num_rows / flow.rows.num_rows
        flow.rows = made


def smaller_tile(flow: Flow, tile: int) -> int | None:
    """The tile to use instead of the recipe's; None if the recipe's fits most images, or no tile is small enough."""
    sides = sorted(map(short_side, flow.look.rows))
    best = fitting_tile(sides, [size for size in (tile, *TILES) if flow.least <= size <= tile])
    return None if best is None or best == tile else best
