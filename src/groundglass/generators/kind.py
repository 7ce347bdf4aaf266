"""The record of a kind of generator: how it is checked in the plan, and how it makes images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundglass.calls.ledger import Ledger
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Settings
from groundglass.generators.made import MadeFolder, Task
from groundglass.generators.settings import Generator


@dataclass(frozen=True)
class Checked:
    """A generator that a recipe may use.

    identity  all that decides its images, besides the prompt, the settings and the seed: equal for equal generators
    licence   of its weights, as the hub says; "" if nothing says it
    facts     what its kind found out about it
    """

    identity: str
    licence: str = ""
    facts: Any = None


@dataclass(frozen=True)
class Work:
    """The images that one generator has to make, and how.

    timeout      seconds for one call, or for one image
    concurrency  calls of a server at the same time
    """

    name: str
    generator: Generator
    checked: Checked
    tasks: Sequence[Task]
    made: MadeFolder
    ledger: Ledger
    engine: Settings
    progress: Progress
    timeout: float
    concurrency: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GeneratorKind:
    """One kind of generator.

    service  its key in a recipe
    check    check(generator) -> Checked; looks at files, addresses and keys, and asks no generator. Raises RecipeError
    make     make(work): makes the images, and appends to ``work.notes`` what the user should read. Raises Interrupted
             and UnreachableError; whatever is made is saved then
    paid     whether its images may cost money
    """

    service: str
    check: Callable[[Generator], Checked]
    make: Callable[[Work], None]
    paid: bool
