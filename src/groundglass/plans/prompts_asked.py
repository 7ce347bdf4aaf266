"""Prompts as a recipe asks for facts about them: the columns, and the network that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from groundglass.measures.text_job import TextAsk
from groundglass.models.labels import read_labels
from groundglass.recipes.measure_model import Prompts
from groundglass.tables.columns import KnownColumn

MEANINGS = {
    "prompt_chars": ("BIGINT", "characters of the prompt"),
    "prompt_words": ("BIGINT", "words of the prompt, without punctuation"),
    "prompt_same": (
        "VARCHAR",
        "the same word for prompts that are equal but for case, spaces and punctuation",
    ),
    "prompt_near": ("VARCHAR", "the same word for prompts that share most words"),
    "prompt_copies": ("BIGINT", "images of this set with the same prompt, itself included"),
    "prompt_category": ("VARCHAR", "the category that fits the prompt best"),
    "prompt_category_lead": ("DOUBLE", "the cosine of the best category minus that of the second, 0 to 2"),
}


@dataclass(frozen=True)
class PromptsAsked:
    """Prompts as a recipe asks for them.

    key     of their table among the scores
    column  of the prompts, its name after "meta."
    ask     the network that reads prompts and categories; None without categories
    """

    request: Prompts
    key: str
    column: str
    ask: TextAsk | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns, without the prefix."""
        return [name for name in MEANINGS if self.ask is not None or not name.startswith("prompt_category")]

    @property
    def sentences(self) -> dict[str, str]:
        """Category → its sentence. Raises RecipeError for fewer than two, or a file that cannot be read."""
        if self.request.categories is None:
            return {}
        return {
            word: self.request.template.replace("{}", word) for word in read_labels(self.request.categories)
        }


def columns_of_prompts(asked: PromptsAsked, step: str, generation: int) -> list[KnownColumn]:
    """The columns as a recipe names them."""
    return [
        KnownColumn(
            name=f"{asked.request.prefix or ''}{name}",
            key=asked.key,
            column=name,
            sql_type=MEANINGS[name][0],
            better="neither",
            unit="",
            step=step,
            generation=generation,
            join="id",
            low=0.0 if MEANINGS[name][0] != "VARCHAR" else None,
            meaning=MEANINGS[name][1],
        )
        for name in asked.columns
    ]
