"""Keep the rows on which an expression is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.selections.frozen import Frozen
from groundglass.selections.rule import Given, Judged, Lookup, Needs, Rule
from groundglass.selections.theta import THETA, Theta, with_theta
from groundglass.settings.field_types import Record, Share
from groundglass.settings.key_rules import refuse
from groundglass.settings.measure_request import Requested
from groundglass.tables.expressions import Atom, Expression, parse
from groundglass.tables.quoting import ERROR, OWN, quoted, quoted_name, quoted_text
from groundglass.tables.sql_writer import literal
from groundglass.tables.thresholds import limits_of, says_no_more
from groundglass.tables.verdicts import Path, flat, judged
from groundglass.text.format import exact


class Cascade(Record):
    """Take a costly measure only of the rows for which a cheap column leaves doubt."""

    by: Annotated[str, Field(min_length=1, description="the cheap column, measured before this step")]
    recall: Annotated[
        Share,
        Field(description="share of the costly rule's rows that must be kept, shown with 95 % confidence"),
    ] = 0.95
    budget: Annotated[
        Share,
        Field(description="share of the rows that may be measured; the run stops if that is too little"),
    ] = 1.0
    measure: Annotated[
        Requested | None,
        Field(description="the costly measure; default: the one that has the column of `where`"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Cascade:
        for key in ("recall", "budget"):
            if not getattr(self, key):
                refuse(key, f"`{key}` must be above 0", f"write for example `{key}: 0.95`")
        if self.recall == 1 and self.budget < 1:
            say = "a recall of 1 requires measuring every row"
            refuse("recall", say, "write for example `recall: 0.99`, or leave `cascade` out")
        return self


class Where(Rule):
    """Keep the rows on which an SQL expression is true."""

    keys: ClassVar = ("where",)
    reference: ClassVar = (
        "DuckDB scalar expressions; cascade: Clopper and Pearson, 1934, and Learn then test, 2021"
    )
    example: ClassVar = '{where: "blockiness < 30 and tenengrad > 20"}'

    where: Annotated[str, Field(description="an SQL expression over the row's columns")]
    study: Annotated[
        str | None,
        Field(
            min_length=1,
            description="a study step before this one: `where` can name its columns alone, such as `score`",
        ),
    ] = None
    cascade: Annotated[
        Cascade | None, Field(description="measure for `where` only if a cheap column leaves doubt")
    ] = None
    theta: Annotated[
        Theta | None,
        Field(description="the threshold that stands for {theta} in `where` is chosen in the run"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Where:
        count = self.where.count(THETA)
        if self.theta is None and count:
            hint = "add theta: {choose_by: proof, from: [0, 50, 100]}, or write a number"
            refuse("where", f"`where` contains {THETA}, but there is no `theta`", hint)
        if self.theta is not None and count != 1:
            said = f"does not contain {THETA}" if not count else f"contains {THETA} {count} times"
            hint = f'write it once, for example where: "objects_sam >= {THETA}"'
            refuse("where", f"`where` {said}", hint)
        if self.study is not None and (self.theta is not None or self.cascade is not None):
            other = "theta" if self.theta is not None else "cascade"
            say = f"`study` and `{other}` cannot go together"
            refuse("study", say, "the scores of a study are known for every image that was rated", other)
        if self.theta is not None and self.cascade is not None:
            say = "`theta` and `cascade` cannot go together"
            refuse("theta", say, "a cascade needs one fixed rule: delete one of both", "cascade")
        return self

    def needs(self, lookup: Lookup) -> Needs:
        if self.study is not None:
            lookup = lookup.of_study("study", self.study)
        return Needs(lookup.expression("where", self.where), study=self.study or "")

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        facts = {"rule": "where", "exact": says_no_more(self.where)}
        return Judged(where(pool, self.where), limits_of(self.where), facts=facts)

    def label(self) -> str:
        if self.theta is not None:
            return f"{self.where}, theta by {self.theta.choose_by}"
        where = f"{self.study}: {self.where}" if self.study else self.where
        return f"{where}, cascade by {self.cascade.by}" if self.cascade else where

    def freeze(self, pool: pa.Table, given: Given) -> tuple[Frozen, ...]:
        return (self.where,)

    def only_alone(self) -> tuple[str, str] | None:
        if self.study is not None:
            return "study", "give its `where` a step of its own"
        if self.theta is not None:
            return "theta", "give its `where` a step of its own"
        if self.cascade is None:
            return None
        return "cascade", "put its `where` in a separate step: both judge each row alone"

    def at(self, value: float) -> Where:
        """The rule with a number as its threshold."""
        return Where(where=with_theta(self.where, value))


_STRICT = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}


def where(pool: pa.Table, expression: str | Expression, remarks: Mapping[str, str] | None = None) -> pa.Table:
    """Keep the rows on which an SQL expression is true.

    A dropped row names every condition (joined by AND) that was false, with value and limit. A row with a
    verdict that is unknown, because a value is missing, is dropped too: as failed if the value's error is known.
    The margin is that of the condition nearest to its limit, as a share of the limit; only conditions with < <= > >=
    or between and numbers have one. ``remarks`` are words that follow a condition's reason, by its text.

    Returns `groundglass.tables.verdicts.VERDICTS`. Raises ExpressionError or RecipeError.

    >>> pool = pa.table({"id": ["a", "b"], "blockiness": [12.5, 41.25]})
    >>> where(pool, "blockiness < 30").to_pylist()[1]
    {'id': 'b', 'kept': False, 'failed': False, 'reason': 'blockiness 41.2, limit 30', 'margin': -11.25}
    """
    expression = parse(expression) if isinstance(expression, str) else expression
    table = flat(pool, expression.columns)
    return judged(_query(expression, table.schema, remarks or {}), {"pool": table})


def _query(expression: Expression, schema: pa.Schema, remarks: Mapping[str, str]) -> str:
    atoms = list(enumerate(expression.comparisons))
    # TRY makes an error null on its row, so that one row cannot end the run.
    parts = [f'TRY({atom.sql}) AS "{OWN}true{i}"' for i, atom in atoms]
    parts += [f'TRY({atom.subject}) AS "{OWN}value{i}"' for i, atom in atoms if atom.operator]
    verdict = " AND ".join(f'"{OWN}true{i}"' for i, _ in atoms)
    limits = [(i, atom) for i, atom in atoms if atom.has_threshold]
    reasons = ", ".join(_false(i, atom, schema, remarks.get(atom.text, "")) for i, atom in atoms)
    return f"""
        WITH tried AS (SELECT *, {", ".join(parts)} FROM pool),
        judged AS (SELECT *, ({verdict})::BOOLEAN AS "{OWN}kept"{_margins(limits)} FROM tried)
        SELECT "{OWN}id" AS id, "{OWN}kept" IS TRUE AS kept, "{OWN}kept" IS NULL AND {_failed(expression)} AS failed,
            CASE WHEN "{OWN}kept" THEN NULL WHEN "{OWN}kept" IS NULL THEN {_unknown(expression)}
                 ELSE concat_ws('; ', {reasons}) END AS reason,
            {_deciding(limits)} AS margin
        FROM judged ORDER BY "{OWN}place" """


def _false(i: int, atom: Atom, schema: pa.Schema, remark: str) -> str:
    """SQL of the text that states a false condition; null if it is not false."""
    general = f"{quoted_text(atom.text + ' is false')} || {_shown_columns(atom, schema)}"
    sentence = f"coalesce({_sentence(i, atom)}, {general})" if atom.operator else general
    after = f" || {quoted_text(f' ({remark})')}" if remark else ""
    return f'CASE WHEN NOT "{OWN}true{i}" THEN {sentence}{after} END'


def _sentence(i: int, atom: Atom) -> str:
    value, subject = f'"{OWN}value{i}"', quoted_text(atom.subject_text + " ")
    if atom.has_threshold:
        number = f"TRY_CAST({value} AS DOUBLE)"
        return f"{subject} || number({number}, {_nearer(number, atom)}) || {_limit(number, atom)}"
    names = " or ".join(exact(limit) for limit in atom.limits)
    wanted = {"!=": ", must not be ", "=": ", wanted ", "in": ", wanted "}.get(atom.operator, ", limit ")
    if atom.operator == "between":
        wanted, names = ", limits ", " to ".join(exact(limit) for limit in atom.limits)
    numeric = all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in atom.limits)
    nearest = f"{literal(atom.limits[0])}::DOUBLE"
    shown = f"number(TRY_CAST({value} AS DOUBLE), {nearest})" if numeric else f"{value}::VARCHAR"
    return f"{subject} || {shown} || {quoted_text(wanted + names)}"


def _nearer(number: str, atom: Atom) -> str:
    """SQL of the limit that a value is compared with: of two limits, the one that it violates."""
    if atom.operator != "between":
        return f"{literal(atom.limits[0])}::DOUBLE"
    low, high = (f"{literal(limit)}::DOUBLE" for limit in atom.limits)
    return f"CASE WHEN {number} < {low} THEN {low} ELSE {high} END"


def _limit(number: str, atom: Atom) -> str:
    if atom.operator == "between":
        return quoted_text(f", limits {exact(atom.limits[0])} to {exact(atom.limits[1])}")
    limit = exact(atom.limits[0])
    strict = quoted_text(f", must be {_STRICT[atom.operator]} {limit}")
    usual = quoted_text(f", limit {limit}")
    return f"CASE WHEN {number} = {literal(atom.limits[0])} THEN {strict} ELSE {usual} END"


def _shown_columns(atom: Atom, schema: pa.Schema) -> str:
    """SQL of the values of a condition's columns, in brackets; nothing if the condition is a column."""
    names = [".".join(path) for path in atom.columns]
    if not names or atom.text in names:
        return "''"
    shown = [f"{quoted_text(name + ' ')} || coalesce({_shown(name, schema)}, 'unknown')" for name in names]
    return f"' (' || concat_ws(', ', {', '.join(shown)}) || ')'"


def _shown(name: str, schema: pa.Schema) -> str:
    kind = schema.field(name).type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return f"three({quoted_name(name)}::DOUBLE)" if number else f"left({quoted_name(name)}::VARCHAR, 60)"


def _is_missing(path: Path, expression: Expression) -> str:
    """SQL: this column is null, and a condition that uses it is unknown."""
    unknown = [
        f'"{OWN}true{i}" IS NULL' for i, atom in enumerate(expression.comparisons) if path in atom.columns
    ]
    return f"({quoted(path)} IS NULL AND ({' OR '.join(unknown)}))"


def _failed(expression: Expression) -> str:
    tests = [f"({_is_missing(p, expression)} AND {_error_of(p)} IS NOT NULL)" for p in expression.columns]
    return f"({' OR '.join(tests) or 'FALSE'})"


def _unknown(expression: Expression) -> str:
    """SQL of the text for a row with an unknown verdict."""
    parts = [
        f"CASE WHEN {_is_missing(path, expression)} THEN {_why_missing(path)} END"
        for path in expression.columns
    ]
    whole = quoted_text(f"{expression.source.strip()} has no value here")
    return f"coalesce(nullif(concat_ws('; ', {', '.join(parts)}), ''), {whole})" if parts else whole


def _why_missing(path: Path) -> str:
    name = ".".join(path)
    unknown = quoted_text(f"{name} is unknown")
    return f"coalesce({quoted_text(f'no {name}: ')} || {_error_of(path)}, {unknown})"


def _error_of(path: Path) -> str:
    return quoted_name(f"{ERROR}{'.'.join(path)}")


def _margins(limits: list[tuple[int, Atom]]) -> str:
    """SQL columns: the margin of each condition, and the margin as a share of its limit."""
    columns = ""
    for i, atom in limits:
        value, ends = f'TRY_CAST("{OWN}value{i}" AS DOUBLE)', [literal(limit) for limit in atom.limits]
        up, down = f"({value} - {ends[0]})", f"({ends[-1]} - {value})"
        # Conditions have different units, so margins are compared as shares of their limits.
        margin = {"<": down, "<=": down, ">": up, ">=": up}.get(atom.operator, f"least({up}, {down})")
        # A limit of 0 has no share, so its margin counts unchanged.
        scale = max(abs(float(limit)) for limit in atom.limits if limit is not None) or 1.0
        columns += f', {margin} AS "{OWN}margin{i}", "{OWN}margin{i}" / {literal(scale)} AS "{OWN}share{i}"'
    return columns


def _deciding(limits: list[tuple[int, Atom]]) -> str:
    """SQL of the deciding margin: any condition decides a kept row, only the false ones decide a dropped row."""
    if not limits:
        return "NULL::DOUBLE"
    shares = [f'CASE WHEN "{OWN}kept" OR NOT "{OWN}true{i}" THEN "{OWN}share{i}" END' for i, _ in limits]
    least = f"least({', '.join(shares)})" if len(shares) > 1 else shares[0]
    chosen = " ".join(f'WHEN {least} = {shares[n]} THEN "{OWN}margin{i}"' for n, (i, _) in enumerate(limits))
    return f'CASE WHEN "{OWN}kept" IS NULL THEN NULL {chosen} END'
