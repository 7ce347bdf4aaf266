"""The thresholds in an expression: comparisons of one column with one number."""

from __future__ import annotations

from groundglass.tables.conditions import Atom
from groundglass.tables.expressions import parse
from groundglass.tables.step_record import Threshold


def limits_of(expression: str) -> tuple[Threshold, ...]:
    """The thresholds of an expression that compare one column with one number; `between` gives two.

    >>> limits_of("blockiness < 30 and noise + 1 < 5")
    (Threshold(column='blockiness', op='<', limit=30.0),)
    """
    return sum(map(_limits, parse(expression).comparisons), ())


def says_no_more(expression: str) -> bool:
    """Whether each condition of an expression is one threshold.

    >>> [says_no_more(text) for text in ("noise < 5 and width > 9", "noise between 1 and 5 and not alpha")]
    [True, False]
    """
    return all(len(_limits(atom)) == 1 for atom in parse(expression).comparisons)


def single_limit(expression: str) -> Threshold | None:
    """The threshold, if the expression is one threshold and nothing else; None otherwise."""
    limits = limits_of(expression)
    return limits[0] if len(limits) == 1 and says_no_more(expression) else None


def _limits(atom: Atom) -> tuple[Threshold, ...]:
    if not atom.has_threshold or len(atom.columns) != 1 or atom.subject_text != ".".join(atom.columns[0]):
        return ()
    operators = (">=", "<=") if atom.operator == "between" else (atom.operator,)
    return tuple(
        Threshold(atom.subject_text, operator, float(limit or 0))
        for operator, limit in zip(operators, atom.limits, strict=True)
    )
