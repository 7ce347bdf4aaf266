"""One measure as a recipe requests it: its name, its parameters, and the prefix of its columns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from groundglass.settings.field_types import Record, Scalar
from groundglass.settings.key_rules import refuse


def text_of_list(value: Any) -> Any:
    """A list of texts as one text, the form that measures take; any other value stays unchanged.

    Commas separate them; if one of them contains a comma, each has its own line.

    >>> text_of_list(["indoor", "outdoor"]), text_of_list(["tench, Tinca tinca", "goldfish"])
    ('indoor, outdoor', 'tench, Tinca tinca\\ngoldfish')
    """
    if not is_list_of_texts(value):
        return value
    words = [" ".join(word.split()) for word in value]
    return ("\n" if any("," in word for word in words) else ", ").join(words)


def is_list_of_texts(value: Any) -> bool:
    """Whether it is a list of at least one text, and of texts only."""
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, str) for one in value)


class MeasureRequest(Record):
    """One measure with its parameters; `prefix` is the recipe's `as`."""

    measure: str
    parameters: dict[str, Annotated[Scalar, BeforeValidator(text_of_list)]] = Field(default_factory=dict)
    prefix: Annotated[str | None, Field(alias="as")] = None

    def written(self) -> str | dict[str, dict[str, Scalar]]:
        """As a recipe writes it: the name, or the name with its parameters."""
        settings = self.parameters | ({"as": self.prefix} if self.prefix is not None else {})
        return {self.measure: settings} if settings else self.measure


def _as_request(value: Any) -> Any:
    """A name, or a name with its parameters, as the fields of a request; any other value stays unchanged."""
    if isinstance(value, str):
        return {"measure": value}
    if not isinstance(value, dict):
        return value
    check_request(value)
    name, settings = next(iter(value.items()))
    parameters = {key: one for key, one in settings.items() if key != "as"}
    return {"measure": name, "parameters": parameters} | ({"as": settings["as"]} if "as" in settings else {})


Requested = Annotated[
    MeasureRequest,
    BeforeValidator(_as_request),
    PlainSerializer(MeasureRequest.written),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "object"}]}),
]
"""One measure inside another key: `objects_sam`, or `{objects_sam: {parameter: value}}`."""


def check_request(value: dict[Any, Any]) -> None:
    """Check that this is one measure, given by name, with a mapping of single values."""
    if len(value) != 1:
        say = "`measure` of a cascade is one measure"
        refuse("measure", say, "write `measure: NAME`, or `measure: {NAME: {parameter: value}}`")
    name, settings = next(iter(value.items()))
    if not isinstance(settings, dict) or any(
        isinstance(one, (dict, list)) and not is_list_of_texts(one) for one in settings.values()
    ):
        say = f"the parameters of `{name}` must be a mapping of single values"
        refuse("measure", say, f"write `{name}: {{parameter: value}}`")
