"""The cost of an annotate step's calls: before the run by rules of thumb, afterwards by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.annotators.question import INSTRUCTIONS
from groundglass.calls.ledger import Budget, Price, Spent
from groundglass.plans.planner import PlannedStep
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.text.format import thousands

PATCH = 28
"""Side in px of the square that becomes one token, as in Qwen2.5-VL.

Other models need from a third to ten times as many tokens.
"""
LETTERS = 4
"""Letters of English text per token."""
ANSWER = 60
"""Tokens per answer."""
SECONDS = 2.0
"""Seconds per call, assumed as long as this server was not measured."""


def price_of(body: AnnotateStep) -> Price:
    """The model's price; unknown if the recipe gives none."""
    return Price(body.price.input, body.price.output) if body.price else Price()


def budget_of(body: AnnotateStep) -> Budget:
    """The most that may be spent."""
    return Budget(body.budget.calls, body.budget.money) if body.budget else Budget()


def call_seconds(planned: PlannedStep, answers: int) -> float:
    """How long asking for so many answers may take."""
    body = _body(planned)
    return answers * SECONDS / (1 if body.model.local else body.concurrency)


def cost_in_words(planned: PlannedStep, lacking: Sequence[int], images: int) -> str:
    """How much will be asked and paid, and how much is known; ``lacking`` counts the missing answers per question."""
    body = _body(planned)
    answers, known = sum(lacking), images * len(lacking) - sum(lacking)
    if not answers:
        return f"all {thousands(known)} answers are known already: no call"
    attempts = [3 if inquiry.question.levels else 2 for inquiry in planned.inquiries]
    calls = sum(n * most for n, most in zip(lacking, attempts, strict=True))
    said = [
        f"{thousands(answers)} answers to ask for, {thousands(known)} known already",
        f"{thousands(answers)} calls, at most {thousands(calls)} with repairs, plus retries after failures",
    ]
    if not body.model.local:
        said.append(_money_in_words(planned, lacking))
    return "; ".join(said) + _limit_in_words(body)


def _money_in_words(planned: PlannedStep, lacking: Sequence[int]) -> str:
    """Tokens and cost, roughly: an image of 3:2, and one token for each `PATCH`."""
    body = _body(planned)
    image = body.long_edge**2 * 2 / 3 / PATCH**2
    words = [(len(INSTRUCTIONS) + len(inquiry.prompt)) / LETTERS for inquiry in planned.inquiries]
    sent = round(sum(n * (image + text) for n, text in zip(lacking, words, strict=True)))
    answered = sum(lacking) * ANSWER
    tokens = f"very roughly {thousands(sent)} tokens in and {thousands(answered)} out"
    return tokens + (f", cost {price_of(body).of(sent, answered):.3g}" if body.price else ", cost unknown")


def _limit_in_words(body: AnnotateStep) -> str:
    budget = budget_of(body)
    limits = [f"{thousands(budget.calls)} calls"] if budget.calls else []
    limits += [f"a cost of {budget.money:g}"] if budget.money else []
    return f"; the budget stops it at {' or '.join(limits)}" if limits else ""


def spent_in_words(spent: Spent, known: bool) -> str:
    """The sums of a ledger; ``known`` if the prices are known.

    >>> spent_in_words(Spent(12, 1, 9000, 600, 0.0125), known=True)
    '12 calls, 9,000 tokens in, 600 out, cost 0.0125 (1 call was cut short by a kill and counts as dear)'
    """
    cost = f"cost {spent.cost:.4g}" if known else "cost unknown"
    lost = f"{spent.unanswered} call{' was' if spent.unanswered == 1 else 's were'} cut short by a kill"
    doubt = f" ({lost} and count{'s' if spent.unanswered == 1 else ''} as dear)" if spent.unanswered else ""
    tokens = f"{thousands(spent.tokens_in)} tokens in, {thousands(spent.tokens_out)} out"
    return f"{thousands(spent.calls)} calls, {tokens}, {cost}{doubt}"


def _body(planned: PlannedStep) -> AnnotateStep:
    body = planned.step.body
    assert isinstance(body, AnnotateStep)
    return body
