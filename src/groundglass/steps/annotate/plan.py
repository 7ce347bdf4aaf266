"""Planning the annotate step: check the model, and look up every question and its columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.clients.resolve import check_model, identity
from groundglass.annotators.question import JPEG_QUALITY, Inquiry, Question, inquire
from groundglass.errors import NotHere, RecipeError
from groundglass.measures.measure_job import Ask
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.recipes.annotate_model import AnnotateStep, model_name
from groundglass.steps.measure.plan import add_columns
from groundglass.tables.columns import measured_columns
from groundglass.text.decode_text import decode_text


def plan_annotate(planner: Planner, planned: PlannedStep, body: AnnotateStep) -> PlannedStep:
    """The step with its questions as they will be sent, their keys in the store, and their columns."""
    model = model_name(body.model)
    try:
        check_model(model)
        asked_by = identity(model)
    except RecipeError as error:
        lacking = isinstance(error, NotHere)
        planner.fail(("annotate", "model", model.service), error.message, error.hint, lacking=lacking)
    questions = [_question(planner, name, position) for position, name in enumerate(body.ask)]
    words = _vocabulary(planner, body, any(question.needs_vocabulary for question in questions))
    settings = {"model": asked_by, "long_edge": body.long_edge, "jpeg_quality": JPEG_QUALITY}
    asks: list[Ask] = []
    inquiries: list[Inquiry] = []
    brings: list[str] = []
    for position, question in enumerate(questions):
        inquiries.append(inquire(question, words))
        asks.append(Ask(question.name, inquiries[-1].key(settings)))
        columns = measured_columns(
            question,
            asks[-1].key,
            body.prefix or "",
            planned.step.name,
            planner.scope.generation,
        )
        add_columns(planner, columns, ("annotate", "ask", position))
        brings += [column.name for column in columns]
    return replace(
        planned, asks=tuple(asks), inquiries=tuple(inquiries), brings=tuple(brings), notes=_notes(body)
    )


def _question(planner: Planner, name: str, position: int) -> Question:
    question = QUESTIONS.get(name)
    if question is None:
        where = ("annotate", "ask", position)
        planner.fail(
            where, f"there is no question '{name}'", "groundglass questions lists them", QUESTIONS, name
        )
    return question


def _vocabulary(planner: Planner, body: AnnotateStep, needed: bool) -> tuple[str, ...]:
    """The words of the recipe, or those of the file that it names."""
    words, where = body.vocabulary, ("annotate", "vocabulary")
    if needed != bool(words):
        if words:
            planner.fail(where, "no question here uses a vocabulary", "ask: [category] does; or leave it out")
        hint = "add to the step: vocabulary: [people, animals, food], or a file with one word per line"
        planner.fail(("annotate", "ask"), "`category` needs the words to choose from", hint)
    if not words:
        return ()
    if len(words) == 1:
        try:
            text = decode_text(Path(words[0]).expanduser().read_bytes()).text
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            planner.fail(
                where, f"cannot read {words[0]}: {said}", "name two words or more, or a file of them"
            )
        words = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(words) < 2 or len(set(words)) < len(words):
        what = "contains a word twice" if len(set(words)) < len(words) else "has fewer than two words"
        planner.fail(where, f"the vocabulary {what}", "give different words, one per line in a file")
    return words


def _notes(body: AnnotateStep) -> tuple[str, ...]:
    """Notes before the run: which data goes to which model, and that the cost is unknown without a price."""
    model = model_name(body.model)
    if model.service == "local":
        return ()
    sent = f"images are sent to {model}, their longest side at most {body.long_edge} px"
    unknown = "; the cost is unknown: the recipe gives no price" if body.price is None else ""
    return (sent + unknown,)
