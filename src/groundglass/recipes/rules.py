"""What the types of a step's keys cannot say: which keys belong together and which exclude each other.

Each `check_` function raises a `PydanticCustomError` of type "rule" whose context names the `key` at fault,
so that `explain` can point at it, and a `hint` that says what to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from groundglass.recipes.annotate_model import AnnotateStep, Multimodal
    from groundglass.recipes.model import (
        Cascade,
        NextBest,
        Record,
        ReleaseStep,
        SelectStep,
        SourceStep,
        SplitStep,
        TransformStep,
    )

SOURCES = ("folder", "archive", "table", "sample")
SELECTIONS = (
    "where",
    "quantile",
    "top_k",
    "quota",
    "intersect",
    "deduplicate",
    "decontaminate",
    "source_divergence",
    "keep",
    "drop",
)
HOLD_OUTS = ("next", "count", "list")
MODELS = ("openai", "google", "local")
TRANSFORMS = ("multiscale", "tile", "best_tile", "downscale", "to_effective_resolution")

SOURCE_SETTINGS: dict[str, tuple[str, ...]] = {
    "folder": ("glob",),
    "archive": ("glob", "columns", "where"),
    "table": ("path", "bytes", "columns", "where"),
    "sample": (),
}
SELECTION_SETTINGS: dict[str, tuple[str, ...]] = {
    "quantile": ("by", "order", "per"),
    "top_k": ("by", "order", "per"),
    "quota": ("by", "order", "per"),
    "deduplicate": ("by", "order", "distance"),
    "source_divergence": ("per",),
    "where": ("cascade",),
}
"""Which further keys each selection takes; the others take none."""

TRANSFORM_SETTINGS: dict[str, tuple[str, ...]] = {
    "multiscale": ("shortest_edge", "kernel"),
    "tile": ("stride", "edges"),
    "best_tile": (),
    "downscale": ("kernel",),
    "to_effective_resolution": ("kernel",),
}
SHARES_TOLERANCE = 1e-6
"""Shares such as .7, .1, .2 do not add up to 1 exactly in floating point."""


def refuse(key: str, message: str, hint: str, other: str = "") -> NoReturn:
    """Stop with a sentence about a key; ``other`` is the key that it cannot stand beside."""
    raise PydanticCustomError("rule", "{say}", {"say": message, "key": key, "hint": hint, "other": other})


def given(record: Record, names: Sequence[str]) -> list[str]:
    """Those of the names that the record says something about, in the order of the names."""
    fields = type(record).model_fields
    return [name for name in names if getattr(record, name) != fields[name].default]


def listed(words: Sequence[str], last: str = "or") -> str:
    """The words in a sentence.

    >>> listed(["a", "b", "c"])
    '`a`, `b` or `c`'
    """
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def one_of(record: Record, names: Sequence[str]) -> str:
    """The one name of the group that is given; refused when it is none or several."""
    found = given(record, names)
    if not found:
        refuse("", f"one of {listed(names)} is needed here", f"give one of {listed(names)}")
    if len(found) > 1:
        say = f"{listed(found, 'and')} cannot go together"
        refuse(found[1], say, "keep one of them; use one step for each", found[0])
    return found[0]


def only_with(record: Any, rule: str, settings: dict[str, tuple[str, ...]]) -> None:
    """Refuse a setting of the record that the chosen rule does not take."""
    every = dict.fromkeys(setting for names in settings.values() for setting in names)
    for setting in given(record, list(every)):
        if setting not in settings.get(rule, ()):
            owners = [name for name, names in settings.items() if setting in names]
            refuse(
                setting,
                f"`{setting}` has no meaning with `{rule}`",
                f"`{setting}` goes with {listed(owners)}",
            )


def check_source(step: SourceStep) -> None:
    """One place, with the settings that it takes; a table says where in it the pictures are."""
    place = one_of(step, SOURCES)
    only_with(step, place, SOURCE_SETTINGS)
    if place == "table" and not given(step, ("path", "bytes")):
        refuse(
            "table", "`table` needs the column of the pictures", "add `path: COLUMN` or `bytes: COLUMN` to it"
        )
    if place == "table":
        one_of(step, ("path", "bytes"))
    _not_empty(step, ("columns",))


def check_select(step: SelectStep) -> None:
    """One rule, with the settings that it needs and no others."""
    pair = step.keep is not None and step.drop is not None
    rule = one_of(step, [name for name in SELECTIONS if not (pair and name == "drop")])
    only_with(step, rule, SELECTION_SETTINGS)
    if rule in ("quantile", "top_k", "quota") and step.by is None:
        refuse(rule, f"`{rule}` needs a column to rank by", "add `by: COLUMN`, for example `by: tenengrad`")
    if rule == "quota" and step.per is None:
        refuse("quota", "`quota` needs the column that groups the rows", "add `per: COLUMN`")
    if step.distance is not None and step.deduplicate != "near":
        no = f"`distance` has no meaning with `deduplicate: {step.deduplicate}`"
        refuse("distance", no, "write `deduplicate: near`")
    if step.order is not None and step.by is None:
        refuse("order", "`order` needs a column to rank by", "add `by: COLUMN`")
    _not_empty(step, ("quota", "intersect"))
    for inner in step.intersect or ():
        if inner.decontaminate:
            say = "`decontaminate` cannot stand inside `intersect`"
            refuse("intersect", say, "give it a step of its own: it judges each photograph by itself")
        if inner.cascade:
            say = "`cascade` cannot stand inside `intersect`"
            refuse("intersect", say, "give its `where` a step of its own: both judge each row by itself")


def check_cascade(cascade: Cascade) -> None:
    """Something is wished for, and something may be measured."""
    for key in ("recall", "budget"):
        if not getattr(cascade, key):
            refuse(key, f"`{key}` must be above 0", f"write for example `{key}: 0.95`")
    if cascade.recall == 1 and cascade.budget < 1:
        say = "a recall of 1 can only be had by measuring every row"
        refuse("recall", say, "write for example `recall: 0.99`, or leave `cascade` out")


def check_request(value: dict[Any, Any]) -> None:
    """One measure by its name, with a mapping of single values."""
    if len(value) != 1:
        say = "`measure` of a cascade is one measure"
        refuse("measure", say, "write `measure: NAME`, or `measure: {NAME: {parameter: value}}`")
    name, settings = next(iter(value.items()))
    if not isinstance(settings, dict) or any(isinstance(one, (dict, list)) for one in settings.values()):
        say = f"the parameters of `{name}` must be a mapping of single values"
        refuse("measure", say, f"write `{name}: {{parameter: value}}`")


def check_hold_out(split: NextBest) -> None:
    """One way to say who; an order only where something is ranked."""
    way = one_of(split, HOLD_OUTS)
    if way == "list":
        for name in given(split, ("by", "order")):
            refuse(name, f"`{name}` has no meaning with `list`", f"`{name}` goes with `next` or `count`")
    if split.order is not None and split.by is None:
        refuse("order", "`order` needs a column to rank by", "add `by: COLUMN`")
    wanted = split.next or split.count
    if isinstance(split.pick, int) and wanted is not None and split.pick > wanted:
        refuse("pick", f"{split.pick:,} cannot be picked out of {wanted:,}", f"write {wanted} or less")


def check_transform(step: TransformStep) -> None:
    """One transform, with its own settings."""
    if step.multiscale is not None and not step.multiscale:
        refuse("multiscale", "`multiscale` lists no scale", "write for example `multiscale: [1.0, 0.75]`")
    rule = one_of(step, TRANSFORMS)
    only_with(step, rule, TRANSFORM_SETTINGS)


def check_split(step: SplitStep) -> None:
    """The shares make a whole."""
    rest = step.validation + step.test
    if step.train is not None and abs(step.train + rest - 1) > SHARES_TOLERANCE:
        refuse(
            "train",
            f"the shares add up to {step.train + rest:.6g}, not to 1",
            "leave `train` out: it takes what is left",
        )
    if step.train is None and rest >= 1:
        refuse(
            "",
            f"validation and test take {rest:.6g} of the set: nothing is left to train on",
            "give smaller shares",
        )


def check_release(step: ReleaseStep) -> None:
    """Pairs need a scale, and are made of pixels: a file that is passed on as it is has no exact LR."""
    if step.format == "paired" and not step.lr_scales:
        refuse(
            "format", "`paired` needs the scales of the LR versions", "add for example `lr_scales: [2, 4]`"
        )
    if step.image == "original" and (step.format == "paired" or step.validation_lr is not None):
        hint = "write `image: png`: HR is cut to a multiple of the scales, so it is written anew"
        refuse("image", "`original` files have no LR versions", hint)


def check_multimodal(model: Multimodal) -> None:
    """One model; an address only for what is asked over the net."""
    if one_of(model, MODELS) == "local" and model.base_url is not None:
        refuse(
            "base_url", "`base_url` has no meaning with `local`", "`base_url` goes with `openai` or `google`"
        )


def check_annotate(step: AnnotateStep) -> None:
    """At least one question, each once; a budget of money needs prices."""
    _not_empty(step, ("ask",))
    doubled = sorted({name for name in step.ask if step.ask.count(name) > 1})
    if doubled:
        refuse("ask", f"`{doubled[0]}` is asked twice", "ask each question once")
    if step.budget is not None and step.budget.calls is None and step.budget.money is None:
        refuse("budget", "`budget` holds no limit", "write for example `budget: {calls: 1000}`")
    if step.budget is not None and step.budget.money is not None and step.price is None:
        refuse("budget", "`money` needs the model's prices", "add `price: {input: 0.15, output: 0.6}`")


def _not_empty(record: Any, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None and not value:
            refuse(name, f"`{name}` is empty", f"give `{name}` at least one entry")
