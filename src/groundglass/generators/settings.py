"""The generators of a recipe as frozen records: the model, its settings, how many images, and the price of one."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveInt,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from groundglass.settings.field_types import Record
from groundglass.settings.key_rules import one_of, refuse

Text = Annotated[str, Field(min_length=1)]
Value = int | float | str | bool
"""One value of a setting."""
SERVICES = ("diffusers", "openai", "google")
REAL = frozenset({"guidance"})
"""Settings of which a range has real numbers, also between whole ones: `{from: 1, to: 20}`."""
SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
"""A size: width x height, in px."""


class Range(Record):
    """Numbers between two others, both included."""

    low: Annotated[int | float, Field(alias="from", description="the smallest number")]
    high: Annotated[int | float, Field(alias="to", description="the largest number")]
    log: Annotated[
        bool, Field(description="draw the logarithm evenly, so that 1 to 10 is as wide as 10 to 100")
    ] = False
    whole: Annotated[
        bool | None,
        Field(description="only whole numbers; default: if both ends are whole, except for `guidance`"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Range:
        check_range(self)
        return self

    def is_whole(self, name: str) -> bool:
        """Whether only whole numbers are drawn for the setting ``name``.

        >>> Range(low=10, high=50).is_whole("steps"), Range(low=1, high=20).is_whole("guidance")
        (True, False)
        """
        if self.whole is not None:
            return self.whole
        return isinstance(self.low, int) and isinstance(self.high, int) and name not in REAL


def _as_choices(value: Any) -> Any:
    """A list as a tuple, and a single value as a tuple of one."""
    if isinstance(value, dict):
        return _as_range(value)
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, int | float | str) else value


def _as_range(value: dict[Any, Any]) -> Range:
    """The range that a mapping means. Its own fault is raised: a union would also say why it is not a list."""
    try:
        return Range.model_validate(value, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _range_fault(error, value) from error


def _range_fault(error: ValidationError, value: dict[Any, Any]) -> PydanticCustomError:
    # A misspelt key is the likelier cause of a missing one.
    found = min(error.errors(include_url=False), key=lambda one: one["type"] == "missing")
    if found["type"] == "rule":
        return PydanticCustomError("rule", "{say}", found.get("ctx"))
    key = str(found["loc"][0])
    say = {
        "missing": f"a range needs `{key}`",
        "extra_forbidden": f"`{key}` is not a key of a range",
    }.get(found["type"], f"`{key}` of a range cannot be {value.get(key)!r}")
    hint = "write for example {from: 1, to: 20}; log and whole are true or false"
    return PydanticCustomError("rule", "{say}", {"say": say, "key": key, "hint": hint, "other": ""})


_ONE = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
Setting = Annotated[
    Range | Annotated[tuple[Value, ...], Field(min_length=1)],
    BeforeValidator(_as_choices),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number"},
                {"type": "boolean"},
                {"type": "array", "minItems": 1, "items": _ONE},
                {
                    "type": "object",
                    "required": ["from", "to"],
                    "additionalProperties": False,
                    "properties": {
                        "from": {"type": "number"},
                        "to": {"type": "number"},
                        "log": {"type": "boolean"},
                        "whole": {"type": "boolean"},
                    },
                },
            ]
        }
    ),
]
"""One value, a list of values, or a range."""


class Generator(Record):
    """A generator of images from text. Exactly one of `diffusers`, `openai`, `google`."""

    diffusers: Annotated[
        Text | None,
        Field(description="a pipeline of diffusers: OWNER/NAME on the hub, OWNER/NAME@REVISION, or a folder"),
    ] = None
    openai: Annotated[
        Text | None,
        Field(description="an image model of OpenAI, or of any server with `/images/generations`"),
    ] = None
    google: Annotated[Text | None, Field(description="an Imagen or Gemini image model of Google")] = None
    base_url: Annotated[
        Text | None,
        Field(description="the server, e.g. http://localhost:8000/v1; its key is GROUNDGLASS_API_KEY"),
    ] = None
    licence: Annotated[
        Text | None, Field(description="SPDX id or LicenseRef of its images; default: that of the source")
    ] = None
    author: Annotated[
        Text | None, Field(description="the author of its images to credit; default: that of the source")
    ] = None
    images: Annotated[
        PositiveInt | None, Field(description="how many images; default: prompts x `per_prompt`")
    ] = None
    settings: Annotated[
        dict[str, Setting],
        Field(
            description="its settings by name: one value, a list, or a range `{from, to}`; `guidance`, `steps`, "
            "`size`, `scheduler`, `seed`, `negative_prompt`, and any other argument that it takes"
        ),
    ] = Field(default_factory=dict)
    price: Annotated[
        NonNegativeFloat | None,
        Field(description="of one image of a server, in any currency; default: unknown"),
    ] = None
    device: Annotated[
        Text | None, Field(description="of a pipeline: auto, cpu, cuda, cuda:0, mps; default: auto")
    ] = None
    dtype: Annotated[
        Literal["float32", "float16", "bfloat16"] | None,
        Field(
            description="of a pipeline's numbers; default: bfloat16 or float16 on a GPU, float32 on the CPU"
        ),
    ] = None
    variant: Annotated[
        Text | None, Field(description="of a pipeline's weight files, e.g. fp16; default: the plain ones")
    ] = None
    allow_pickle: Annotated[
        bool,
        Field(description="load weights that are pickles, which can run any code: only if you trust them"),
    ] = False

    OF_SERVERS: ClassVar = ("base_url", "price")
    OF_PIPELINES: ClassVar = ("device", "dtype", "variant", "allow_pickle")

    @model_validator(mode="after")
    def _check(self) -> Generator:
        check_generator(self)
        return self

    @property
    def service(self) -> str:
        """One of `SERVICES`."""
        return next(name for name in SERVICES if getattr(self, name))

    @property
    def model(self) -> str:
        """The name of its model: as written in the recipe, without secrets."""
        return str(getattr(self, self.service))


def check_range(found: Range) -> None:
    """Refuse a range that is empty, infinite, or cannot be drawn in the way it asks for."""
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        refuse("from", "a range needs finite ends", "write for example {from: 1, to: 20}")
    if found.low >= found.high:
        say = f"the range from {found.low:g} to {found.high:g} is empty"
        refuse("from", say, "`from` is the smaller number; a single value needs no range", "")
    if found.log and found.low <= 0:
        refuse("log", "a logarithm needs numbers above 0", "let `from` be above 0, or leave `log` out")
    if found.whole and math.ceil(found.low) > math.floor(found.high):
        refuse("whole", "there is no whole number in the range", "widen it, or leave `whole` out")


def check_generator(found: Generator) -> None:
    """Refuse two models, and keys that only the other kind of generator has."""
    kind = one_of(found, SERVICES)
    strange = found.OF_SERVERS if kind == "diffusers" else found.OF_PIPELINES
    for key in strange:
        if getattr(found, key) != type(found).model_fields[key].default:
            owners = "`openai` and `google`" if kind == "diffusers" else "`diffusers`"
            refuse(key, f"`{key}` has no meaning with `{kind}`", f"`{key}` goes with {owners}")
    for name in found.settings:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            refuse("settings", f"`{name}` cannot be the name of a setting", "use small letters, digits and _")


def size_of(value: Value | None) -> tuple[int, int] | None:
    """The width and height in px that a size means; None for none.

    >>> size_of("768x512"), size_of(None)
    ((768, 512), None)
    """
    found = SIZE.fullmatch(str(value)) if value is not None else None
    return (int(found[1]), int(found[2])) if found else None


class Budget(Record):
    """The most that a source may spend on servers, in all runs of the recipe together."""

    calls: Annotated[PositiveInt | None, Field(description="requests, including repeated ones")] = None
    money: Annotated[
        Annotated[float, Field(gt=0)] | None,
        Field(description="in the currency of `price`, which every generator of a server then needs"),
    ] = None


def model_name(generator: Generator) -> str:
    """The name of a generator's model as tables show it: of a folder only its name, without the path.

    >>> model_name(Generator(diffusers="/home/me/models/sd15")), model_name(Generator(openai="dall-e-3"))
    ('sd15', 'dall-e-3')
    """
    path = Path(generator.model).expanduser()
    return (
        path.name
        if generator.service == "diffusers" and (path.is_absolute() or path.exists())
        else generator.model
    )
