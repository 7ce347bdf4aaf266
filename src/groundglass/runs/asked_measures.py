"""Measures as a program asks for them: names, and settings by their own names or under a measure's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.catalog import Measure, Value
from groundglass.errors import RecipeError
from groundglass.measures.catalog import find
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.measures.parameters import parameter_problem
from groundglass.runs.single_images import installed
from groundglass.settings.measure_request import text_of_list
from groundglass.text.suggest import did_you_mean

Wanted = str | Mapping[str, Mapping[str, Any]]
"""A measure's name, or the name with its settings, as a recipe writes it."""
Asked = Wanted | Iterable[Wanted]

OF_ALL = ("device", "allow_pickle")
"""Settings that are meant for every network, however many have them."""


def asks_with(asked: Asked, settings: Mapping[str, Any]) -> tuple[Ask, ...]:
    """The asks for measures. Each of ``settings`` goes to the measure that has a setting of that name.

    Raises RecipeError for an unknown measure or setting, a value that does not fit, and a setting that two of the
    measures have; MissingExtra; and all of `ask_of`.

    >>> [ask.key for ask in asks_with(["blockiness", "sharpness"], {"search_phases": True})]
    ['blockiness-1-ac986f2e', 'sharpness-1']
    >>> asks_with(["sharpness"], {"flat_below": 100}) == asks_with({"sharpness": {"flat_below": 100}}, {})
    True
    """
    chosen: dict[str, dict[str, Value]] = {}
    measures: dict[str, Measure] = {}
    for name, own in _each(asked):
        measures[name] = installed(find(name))
        fitting = {key: _fitting(measures[name], key, value) for key, value in own.items()}
        if chosen.setdefault(name, fitting) != fitting:
            raise RecipeError(f"{name} is asked for twice, with different settings", "measure it twice")
    if not measures:
        raise RecipeError("no measure is asked for", 'name at least one, for example ["blockiness"]')
    for key, value in settings.items():
        for measure in _owners(measures, chosen, key):
            chosen[measure.name][key] = _fitting(measure, key, value)
    return tuple(ask_of(measure, chosen[name]) for name, measure in measures.items())


def _each(asked: Asked) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and own settings of each measure."""
    every: Iterable[Any] = [asked] if isinstance(asked, (str, Mapping)) else asked
    for one in every:
        if isinstance(one, str):
            yield one, {}
        elif isinstance(one, Mapping) and all(isinstance(own, Mapping) for own in one.values()):
            yield from one.items()
        else:
            raise RecipeError(
                f"{one!r} is not a measure", 'write a name, or {"sharpness": {"flat_below": 100}}'
            )


def _owners(
    measures: Mapping[str, Measure], chosen: Mapping[str, Mapping[str, Value]], key: str
) -> list[Measure]:
    """The measures that a setting without a measure's name is meant for."""
    having = [measure for measure in measures.values() if key in measure.parameters]
    if not having:
        known = dict.fromkeys(name for measure in measures.values() for name in measure.parameters)
        raise RecipeError(
            f"none of {', '.join(measures)} has a setting '{key}'.{did_you_mean(key, known)}",
            f"there are: {', '.join(known) or 'none'}",
        )
    if len(having) > 1 and key not in OF_ALL:
        names = [measure.name for measure in having]
        raise RecipeError(
            f"'{key}' is a setting of {' and '.join(names)}",
            f'say which one is meant: {{"{names[0]}": {{"{key}": …}}}} in place of "{names[0]}"',
        )
    return [measure for measure in having if key not in chosen[measure.name]]


def _fitting(measure: Measure, key: str, value: Any) -> Value:
    """A setting's value as the measure takes it."""
    known = measure.parameters.get(key)
    if known is None:
        raise RecipeError(
            f"{measure.name} has no setting '{key}'.{did_you_mean(key, measure.parameters)}",
            f"it takes {', '.join(measure.parameters) or 'none'}",
        )
    if isinstance(value, np.generic):
        value = value.item()
    value = str(value) if isinstance(value, Path) else text_of_list(value)
    if problem := parameter_problem(known, value):
        raise RecipeError(f"{measure.name}: {key} {problem}", known.meaning)
    return value
