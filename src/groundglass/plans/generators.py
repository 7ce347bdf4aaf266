"""The generators of a plan's images: named in the lock, and in the card of a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundglass.generators.kind import Checked
from groundglass.generators.pipeline_facts import PipelineFacts
from groundglass.generators.settings import Generator
from groundglass.plans.planner import Plan
from groundglass.releases.card_notes import GeneratorNote
from groundglass.sources.generate import Generate
from groundglass.sources.generate_words import settings_in_words


def _all(plan: Plan) -> Iterator[tuple[str, Generate, str, Generator, Checked]]:
    """(step, source, name, generator, what was found out about it) for every generator."""
    for planned in plan.steps:
        body = planned.step.body
        if isinstance(body, Generate):
            checked = body.checked()
            for name, generator in body.generators.items():
                yield planned.step.name, body, name, generator, checked[name]


def card_generators(plan: Plan) -> tuple[GeneratorNote, ...]:
    """The notes on generators for the card of a release."""
    return tuple(
        GeneratorNote(
            name,
            _model(generator, checked),
            _weights(checked)[:16],
            checked.licence or "unknown",
            generator.licence or source.licence or "unknown",
            settings_in_words(generator.settings).removeprefix("; "),
        )
        for _, source, name, generator, checked in _all(plan)
    )


def locked_generators(plan: Plan) -> dict[str, dict[str, Any]]:
    """For each generated source and generator: its model, and the hash of its weights."""
    found: dict[str, dict[str, Any]] = {}
    for step, _, name, generator, checked in _all(plan):
        weights = _weights(checked)
        about = {"model": _model(generator, checked)} | ({"sha256": weights} if weights else {})
        found.setdefault(step, {})[name] = about
    return found


def _model(generator: Generator, checked: Checked) -> str:
    facts = checked.facts
    if not isinstance(facts, PipelineFacts):
        return f"{generator.service}: {generator.model}" + (
            f" at {generator.base_url}" if generator.base_url else ""
        )
    weights = facts.weights
    # The path of a folder says nothing to others, and may hold a name.
    return f"{weights.origin}@{weights.revision[:12]}" if weights.revision else weights.origin


def _weights(checked: Checked) -> str:
    return checked.facts.weights.sha256 if isinstance(checked.facts, PipelineFacts) else ""
