"""The annotate step of a recipe as frozen records: the model, its questions, and the budget."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from groundglass.annotators.clients.resolve import ModelName
from groundglass.settings.field_types import Names, Record
from groundglass.settings.key_rules import not_empty, one_of, refuse

Text = Annotated[str, Field(min_length=1)]


class Multimodal(Record):
    """A multimodal model. Exactly one of `openai`, `google`, `local`."""

    openai: Annotated[
        Text | None, Field(description="a model of OpenAI, or of any server with the same protocol")
    ] = None
    google: Annotated[Text | None, Field(description="a Gemini model")] = None
    local: Annotated[
        Text | None, Field(description="a folder with the model's weights, for transformers")
    ] = None
    base_url: Annotated[
        Text | None,
        Field(description="the server, e.g. http://localhost:8000/v1; its key is GROUNDGLASS_API_KEY"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Multimodal:
        check_multimodal(self)
        return self


class Budget(Record):
    """The most that one run may spend in a step; once it is spent, the remaining questions are not asked."""

    calls: Annotated[PositiveInt | None, Field(description="requests, including repeated ones")] = None
    money: Annotated[
        Annotated[float, Field(gt=0)] | None, Field(description="in the currency of `price`, which it needs")
    ] = None


class TokenPrice(Record):
    """The price of a million tokens."""

    input: Annotated[float, Field(ge=0, description="price of a million tokens that are sent")]
    output: Annotated[float, Field(ge=0, description="price of a million tokens of answers")]


class AnnotateStep(Record):
    """Questions about each image, sent to a multimodal model; `groundglass questions` lists them."""

    model: Annotated[Multimodal, Field(description="the model to ask")]
    ask: Annotated[Names, Field(description="the questions, e.g. [caption, category, score]")]
    vocabulary: Annotated[
        Names, Field(description="the words of `category`, or a file with one word per line")
    ] = ()
    budget: Annotated[Budget | None, Field(description="the limits at which asking stops; default: none")] = (
        None
    )
    price: Annotated[
        TokenPrice | None, Field(description="to compute the cost; default: the cost is unknown")
    ] = None
    long_edge: Annotated[
        int, Field(ge=64, le=8192, description="longest side of the image that is sent, px; never upscaled")
    ] = 1024
    concurrency: Annotated[int, Field(ge=1, le=256, description="images in flight at the same time")] = 8
    timeout: Annotated[float, Field(gt=0, description="time limit for one call, s")] = 120.0
    prefix: Annotated[str | None, Field(alias="as", description="a prefix for the names of the columns")] = (
        None
    )

    @model_validator(mode="after")
    def _check(self) -> AnnotateStep:
        check_annotate(self)
        return self


def model_name(model: Multimodal) -> ModelName:
    """The model that a recipe names.

    >>> str(model_name(Multimodal(openai="qwen2-vl", base_url="http://localhost:8000/v1")))
    'openai:qwen2-vl at http://localhost:8000/v1'
    """
    if model.openai:
        return ModelName("openai", model.openai, model.base_url or "")
    if model.google:
        return ModelName("google", model.google, model.base_url or "")
    return ModelName("local", model.local or "")


MODELS = ("openai", "google", "local")


def check_multimodal(model: Multimodal) -> None:
    """Refuse two models, and an address for a local one."""
    if one_of(model, MODELS) == "local" and model.base_url is not None:
        refuse(
            "base_url", "`base_url` has no meaning with `local`", "`base_url` goes with `openai` or `google`"
        )


def check_annotate(step: AnnotateStep) -> None:
    """Refuse no question, a question asked twice, an empty budget, and a budget of money without prices."""
    not_empty(step, ("ask",))
    doubled = sorted({name for name in step.ask if step.ask.count(name) > 1})
    if doubled:
        refuse("ask", f"`{doubled[0]}` is asked twice", "ask each question once")
    if step.budget is not None and step.budget.calls is None and step.budget.money is None:
        refuse("budget", "`budget` holds no limit", "write for example `budget: {calls: 1000}`")
    if step.budget is not None and step.budget.money is not None and step.price is None:
        refuse("budget", "`money` needs the model's prices", "add `price: {input: 0.15, output: 0.6}`")
