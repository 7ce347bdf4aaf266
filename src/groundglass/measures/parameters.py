"""The settings of measures: checks of values, and values typed on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.catalog import Measure, Parameter, Value
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean


def parameter_problem(known: Parameter, value: object) -> str:
    """Why a value does not fit a parameter; nothing when it does.

    >>> parameter_problem(Parameter(0, "side", low=0), -1), parameter_problem(Parameter(None, "limit", kind=float), 2)
    ('is -1, but must be at least 0', '')
    >>> parameter_problem(Parameter("png", "format", words=("png", "webp")), "wepb")
    "is 'wepb', but must be png or webp. Did you mean 'webp'?"
    """
    if value in known.words:
        return ""
    wanted = known.kind or type(known.default)
    fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    # In Python True is an int, but a setting of numbers must not take it as 1.
    if not fits or (isinstance(value, bool) and wanted is not bool):
        names: dict[type, str] = {
            bool: "true or false",
            float: "a number",
            int: "a whole number",
            str: "a word",
        }
        words = "".join(f" or {word}" for word in known.words)
        near = did_you_mean(str(value), known.words).rstrip()
        return f"is {value!r}, but must be {names.get(wanted, 'something else')}{words}{near and '.' + near}"
    if known.words and wanted is str:
        return f"is '{value}', but must be {' or '.join(known.words)}.{did_you_mean(str(value), known.words)}"
    if known.low is not None and isinstance(value, (int, float)) and value < known.low:
        return f"is {value}, but must be at least {known.low:g}"
    if known.high is not None and isinstance(value, (int, float)) and value > known.high:
        return f"is {value}, but must be at most {known.high:g}"
    return ""


def typed_settings(measures: Sequence[Measure], typed: Sequence[str]) -> dict[str, Value]:
    """Settings as they were typed, NAME=VALUE each, for the measures that have one of that name.

    Raises RecipeError for a name that is not a setting of any of them, and for a value that does not fit.

    >>> from groundglass.measures.catalog import find
    >>> typed_settings([find("blockiness")], ["search_phases=true"])
    {'search_phases': True}
    """
    known = {name: parameter for measure in measures for name, parameter in measure.parameters.items()}
    found: dict[str, Value] = {}
    for text in typed:
        name, equals, said = text.partition("=")
        if not equals or name not in known:
            listed = ", ".join(known) or "none"
            raise RecipeError(
                f"--set {text}: no such setting.{did_you_mean(name, known)}",
                f"NAME=VALUE; there are: {listed}",
            )
        found[name] = _as(known[name].kind or type(known[name].default), said)
        if problem := parameter_problem(known[name], found[name]):
            raise RecipeError(f"--set {text}: {name} {problem}", known[name].meaning)
    return found


def _as(kind: type, said: str) -> Value:
    """A word as a value of this kind, if it is one; otherwise the word itself."""
    if kind is bool:
        return {"true": True, "false": False}.get(said.lower(), said)
    if kind not in (int, float):
        return said
    try:
        number: Value = kind(said)
    except ValueError:
        return said
    return number
