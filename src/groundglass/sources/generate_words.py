"""The design and the cost of generated images in words, for the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from groundglass.calls.ledger import Spent
from groundglass.generators.catalog import KINDS
from groundglass.generators.design import Sampling, cells_of, shares
from groundglass.generators.kind import Checked
from groundglass.generators.settings import Budget, Generator, Range, Value
from groundglass.text.format import duration, some, thousands

CALL_SECONDS = 15.0
"""Seconds of one call of a server, assumed as long as none was measured."""
SAMPLINGS = {
    "latin_hypercube": "settings are drawn as a Latin hypercube that grows by doubling",
    "random": "settings are drawn independently for each image",
    "grid": "every combination of settings is used in turn",
}


class Asked(Protocol):
    """The fields of the source that decide its design and its cost."""

    @property
    def generators(self) -> Mapping[str, Generator]: ...
    @property
    def sampling(self) -> Sampling: ...
    @property
    def per_prompt(self) -> int: ...
    @property
    def share_prompts(self) -> bool: ...
    @property
    def budget(self) -> Budget | None: ...
    @property
    def concurrency(self) -> int: ...
    @property
    def licence(self) -> str | None: ...


def design_notes(source: Asked, prompts: int) -> list[str]:
    """The design: how many images each generator makes of how many prompts, and from which settings."""
    asked = {name: (one.settings, one.images) for name, one in source.generators.items()}
    notes: list[str] = []
    found = shares(asked, prompts, source.per_prompt, source.share_prompts)
    for share in found:
        used = min(share.images, prompts)
        each = _each(share.images, used)
        drawn = settings_in_words(source.generators[share.generator].settings)
        notes.append(
            f"{share.generator}: {some(share.images, 'images')} of {some(used, 'prompts')}, {each}{drawn}"
        )
    if len(found) > 1:
        notes.append(_sharing(source, [share.images for share in found], prompts))
    if any(one.settings for one in source.generators.values()):
        notes.append(SAMPLINGS[source.sampling])
    if source.sampling == "grid":
        cells = {share.generator: cells_of(share.settings) for share in found}
        short = [
            f"{share.generator} has {cells[share.generator]}"
            for share in found
            if share.images < cells[share.generator]
        ]
        notes += [f"not every combination is used: {', '.join(short)}"] if short else []
    return notes


def _each(images: int, used: int) -> str:
    low, more = divmod(images, used)
    return f"{low} of each" if not more else f"{low} or {low + 1} of each"


def _sharing(source: Asked, images: Sequence[int], prompts: int) -> str:
    if source.share_prompts:
        return f"all generators share their first {some(min(min(images), prompts), 'prompts')}"
    total = sum(images)
    return (
        f"each generator begins after the last prompt of the one before it: {some(total, 'images')} of "
        f"{some(min(total, prompts), 'prompts')}, {_each(total, min(total, prompts))}; more images of one generator "
        "move the prompts of those after it"
    )


def settings_in_words(settings: Mapping[str, Range | Sequence[Value]]) -> str:
    """The settings that an image is drawn from; "" if there are none.

    >>> settings_in_words({"guidance": Range(low=1, high=20), "size": ("512x512", "768x512")})
    '; guidance from 1 to 20, size 512x512 or 768x512'
    """
    said: list[str] = []
    for name, setting in settings.items():
        if isinstance(setting, Range):
            kind = ", whole" if setting.is_whole(name) else ""
            log = ", by its logarithm" if setting.log else ""
            said.append(f"{name} from {setting.low:g} to {setting.high:g}{kind}{log}")
        else:
            counted = Counter(setting)
            words = [_value_in_words(value, often, len(setting)) for value, often in counted.items()]
            said.append(f"{name} {' or '.join(words)}")
    return f"; {', '.join(said)}" if said else ""


def _value_in_words(value: Value, often: int, of: int) -> str:
    """A value of a list; one that is repeated is drawn as often.

    >>> _value_in_words(50, 2, 4), _value_in_words(25, 1, 4)
    ('50 (2 of 4)', '25')
    """
    text = str(value) if len(str(value)) <= 40 else f"{str(value)[:40]}…"
    return text if often == 1 else f"{text} ({often} of {of})"


def model_notes(source: Asked, checked: Mapping[str, Checked]) -> list[str]:
    """Notes on prompts that leave this machine, on weights that are fetched, and on licences that are not stated."""
    notes: list[str] = []
    for name, generator in source.generators.items():
        if KINDS[generator.service].paid:
            where = generator.base_url or f"{generator.service}'s own server"
            unknown = "; the cost is unknown: it has no `price`" if generator.price is None else ""
            notes.append(f"{name}: prompts are sent to {generator.model} at {where}{unknown}")
        weights = getattr(checked[name].facts, "weights", None)
        if weights is not None and weights.absent:
            size = sum(file.bytes for file in weights.absent) / 1e9
            notes.append(f"{name}: {size:.1f} GB of weights are fetched first")
        if not (generator.licence or source.licence):
            own = f" (its weights: {checked[name].licence})" if checked[name].licence else ""
            notes.append(f"{name}: the licence of its images is not stated{own}")
    return notes


def left_to_do(
    source: Asked,
    lacking: Mapping[str, int],
    made: Mapping[str, int],
    speeds: Mapping[str, float],
    spent: Spent,
) -> tuple[float, tuple[str, ...], bool]:
    """Seconds, sentences on what is still to be made and what it costs at most, and whether a time is unknown."""
    seconds, notes, untimed = 0.0, list[str](), False
    for name, generator in source.generators.items():
        count = lacking.get(name, 0)
        there = f", {thousands(made[name])} are there already" if made.get(name) else ""
        if not count:
            notes.append(
                f"{name}: all {some(made.get(name, 0), 'images')} are there already: nothing is made"
            )
            continue
        said = f"{name}: at most {some(count, 'images')} to make{there}"
        paid = KINDS[generator.service].paid
        if paid:
            said += f", {some(count, 'calls')} plus retries after failures{_money(generator, count)}"
        own = speeds.get(name, CALL_SECONDS if paid else None)
        if own is None:
            said += "; how long that takes is unknown until the first images are made"
            untimed = True
        else:
            took = count * own / (source.concurrency if paid else 1)
            measured = "measured" if name in speeds else "assumed"
            said += f"; about {duration(took)} at {own:.3g} s per image ({measured})"
            seconds += took
        notes.append(said)
    return seconds, (*notes, *_limits(source, spent)), untimed


def _money(generator: Generator, count: int) -> str:
    return f", cost {count * generator.price:.4g}" if generator.price is not None else ", cost unknown"


def _limits(source: Asked, spent: Spent) -> list[str]:
    budget = source.budget
    if budget is None:
        return []
    limits = [f"{thousands(budget.calls)} calls"] if budget.calls else []
    limits += [f"a cost of {budget.money:g}"] if budget.money else []
    before = (
        f", of which {thousands(spent.calls)} calls and {spent.cost:.4g} are spent" if spent.calls else ""
    )
    return [f"the budget stops it at {' or '.join(limits)}{before}"]
