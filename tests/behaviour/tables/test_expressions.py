"""Expressions: what they mean, what is refused, and that nothing but the row's own columns can be reached."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.tables.expressions import ExpressionError, check, column_path, parse
from groundglass.tables.parquet import connect

COLUMNS = {
    "blockiness": "float",
    "hyperiqa": "float",
    "format": "str",
    "alpha": "bool",
    "width": "int",
    "height": "int",
}
TYPES = COLUMNS | {"root.hyperiqa": "float", "meta.caption": "str"}

HOSTILE = [
    "(SELECT 1) = 1",
    "blockiness < (SELECT max(blockiness) FROM pool)",
    "blockiness IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "blockiness = ANY(SELECT 1)",
    "blockiness = ANY([1, 2])",
    "true FROM read_csv('/etc/passwd')",
    "true FROM '/etc/passwd'",
    "read_csv('/etc/passwd') IS NULL",
    "read_text('/etc/passwd') = 'x'",
    "getenv('HOME') = 'x'",
    "current_setting('threads') = 1",
    "true; COPY (SELECT 1) TO '/tmp/out.csv'",
    "true; ATTACH '/tmp/x.db'",
    "true; PRAGMA database_list",
    "true; INSTALL httpfs",
    "true; SELECT 1",
    "true;",
    "COPY pool TO '/tmp/out.csv'",
    "ATTACH '/tmp/x.db'",
    "PRAGMA database_list",
    "true -- and blockiness < 30",
    "true /* hidden */",
    "true) FROM pool WHERE (true",
    "true UNION SELECT true",
    "true INTERSECT SELECT true",
    "true LIMIT 1",
    "true ORDER BY 1",
    "true GROUP BY ALL",
    "true WHERE true",
    "true HAVING true",
    "true QUALIFY true",
    "true USING SAMPLE 1",
    "DISTINCT alpha",
    "alpha INTO x",
    "*",
    "* FROM pool",
    "COLUMNS(*) > 1",
    "blockiness, hyperiqa",
    "alpha AS x",
    "alpha x",
    "random() < 0.5",
    "uuid() = 'x'",
    "gen_random_uuid() = 'x'",
    "now() > '2020-01-01'",
    "nextval('s') = 1",
    "setseed(0.5) IS NULL",
    "count(*) > 1",
    "sum(blockiness) > 1",
    "avg(blockiness) OVER () < 3",
    "row_number() OVER () < 3",
    "rank() OVER (ORDER BY blockiness) < 3",
    "list_transform([1], x -> x + 1) = [2]",
    "list_filter([1], lambda x: x > 0) = [1]",
    "unnest([true])",
    "[x FOR x IN [1, 2]] = [1]",
    "{'a': 1}.a = 1",
    "blockiness[1] = 2",
    "? < 3",
    "$1 < 3",
    "#1 < 3",
    "blockiness::blob IS NULL",
    "blockiness::my_type IS NULL",
    "main.abs(blockiness) < 3",
    "abs(DISTINCT blockiness) < 3",
    "blockiness.getenv() = 'x'",
    "query('SELECT 1') IS NULL",
    "repeat('x', 1000000000) = ''",
    "sleep_ms(10000) IS NULL",
    "error('x')",
    "DEFAULT",
    "format COLLATE nocase = 'jpeg'",
    "alpha\0 OR true",
    "not " * 300 + "alpha",
    "(" * 900 + "alpha" + ")" * 900 + " and " + "(" * 3000,
    "1 + " * 900 + "1 > 0 and x" * 3,
    "",
    "  ",
    "blockiness <",
    "SELECT 1",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
def test_refuses_everything_but_one_rows_own_values(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(parse(text), TYPES)
    assert caught.value.exit_code == 2
    assert caught.value.message


@pytest.mark.parametrize("word", ["current_date", "current_timestamp", "current_user", "localtime", "rowid"])
def test_a_word_of_the_system_is_but_a_column_that_is_not_there(word: str) -> None:
    with pytest.raises(ExpressionError, match=f"column '{word}'|may not"):
        check(parse(f"{word} IS NOT NULL"), TYPES)


@pytest.mark.parametrize(
    ("text", "true_for"),
    [
        ("blockiness < 30 and hyperiqa >= 0.2", True),
        ("width*height >= 3840*2160 and greatest(width, height) >= 3840", False),
        ("width / height between 0.6 and 1.8", True),
        ("format in ('JPEG', 'PNG') and not alpha", True),
        ("lower(format) = 'jpeg' or alpha", True),
        ("meta.caption ilike '%SEA%'", True),
        ("meta.caption like '100!%' escape '!'", False),
        ("regexp_matches(meta.caption, '^the')", True),
        ("case when alpha then blockiness else hyperiqa end > 0.3", True),
        ("coalesce(root.hyperiqa, 0) > 0.5", False),
        ("nullif(width, 0) is not null", True),
        ("width > cast('3' as int) * 2 - pi() and 1 = 1", True),
        ("coalesce(width, null) > -1e3 and width / nullif(width - width, 0) is null", True),
        ("abs(round(blockiness)) = 13 and sqrt(width) > 30", True),
        ("width % 2 = 0 and width // 2 = 800", True),
        ("2 ** 3 = 8 and -blockiness < 0", True),
        ("format || 'x' = 'JPEGx'", True),
        ("alpha is not true and root.hyperiqa is null", True),
        ("try_cast(format as integer) is null", True),
        ("blockiness is distinct from hyperiqa", True),
        ("format = 'it''s'", False),
    ],
)
def test_means_what_sql_means(text: str, true_for: bool) -> None:
    expression = parse(text)
    assert check(expression, TYPES) == "BOOLEAN"
    row = """SELECT 12.5::DOUBLE AS blockiness, 0.4::DOUBLE AS hyperiqa, 'JPEG' AS format, FALSE AS alpha,
        1600::BIGINT AS width, 1000::BIGINT AS height, NULL::DOUBLE AS "root.hyperiqa", 'the sea' AS "meta.caption" """
    with connect() as connection:
        assert connection.execute(f"SELECT {expression.sql} FROM ({row})").fetchall() == [(true_for,)]


def test_knows_its_columns_and_conditions() -> None:
    expression = parse(
        "blockiness < 30 and 0.2 <= root.hyperiqa and (alpha or width > 3) and width*height >= 4*5"
    )
    assert expression.columns == (("blockiness",), ("root", "hyperiqa"), ("alpha",), ("width",), ("height",))
    first, second, third, fourth = expression.comparisons
    assert (first.subject_text, first.operator, first.limits, first.has_threshold) == (
        "blockiness",
        "<",
        (30,),
        True,
    )
    assert (second.subject_text, second.operator, second.limits) == ("root.hyperiqa", ">=", (0.2,))
    assert (third.text, third.operator, third.has_threshold) == ("alpha or width > 3", "", False)
    assert (fourth.subject_text, fourth.limits) == ("width*height", (20,))


@pytest.mark.parametrize(
    ("text", "message", "hint", "offset"),
    [
        ("blokiness < 30", "no column 'blokiness'", "blockiness", 0),
        ("alpha and blokiness < 30", "no column 'blokiness'", "blockiness", 10),
        ("format = 'é' and blokiness < 30", "no column 'blokiness'", "blockiness", 17),
        ('format = "JPEG"', "no column 'JPEG'", "single quotes: 'JPEG'", 9),
        ("format < 3", "'format' is text, but 3 is a number", "", 0),
        ("alpha and width = 'big'", "'width' is a number, but 'big' is text", "", 10),
        ("blockiness + 1", "gives a number, not true or false", "< 30", 0),
        ("lower(width) = 'x'", "cannot be used", "", 0),
        ("abss(width) = 3", "may not call 'abss'", "abs", 0),
        ("alpha or blockiness <", "cannot be read at '<'", "", 20),
        ("alpha; alpha", "a second statement", "", 5),
        ("getenv('HOME') = 'x'", "may not call 'getenv'", "no file and no clock", 0),
        ("read_text('x') = 'x'", "may not call 'read_text'", "no file and no clock", 0),
        ("1/0 < 3", "'/' gives no value here", "names no column", 0),
        ("alpha or blockiness < log(0)", "'log' gives no value here", "names no column", 22),
        ("alpha or sqrt(-1) < width", "'sqrt' gives no value here", "", 9),
        ("coalesce(nullif(1, 1), 2) = 2", "'nullif' gives no value here", "", 9),
        ("width > cast('x' as int)", "fails: Could not convert string 'x'", "", 8),
        ("width > 'a' * 2", "'*' fails", "", 8),
    ],
)
def test_errors_point_at_the_word_and_name_the_nearest(
    text: str, message: str, hint: str, offset: int
) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(parse(text), TYPES)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.offset == offset
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.message, again.hint, again.offset) == (caught.value.message, caught.value.hint, offset)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_recipe_error(text: str) -> None:
    try:
        expression = parse(text)
    except RecipeError as error:
        assert error.exit_code == 2  # noqa: PT017
    else:
        assert all(atom.text and atom.text in text for atom in expression.comparisons)


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text))
def test_a_text_constant_stays_one(text: str) -> None:
    try:
        expression = parse("format = '" + text.replace("'", "''") + "'")
    except ExpressionError:  # lone surrogates cannot be written down
        assert any("\ud800" <= sign <= "\udfff" for sign in text)
    else:
        assert expression.comparisons[0].limits == (text,)


def test_a_ranking_column_is_one_column() -> None:
    assert column_path("root.hyperiqa") == ("root", "hyperiqa")
    for text in ("hyperiqa + 1", "3", "hyperiqa, blockiness", "lower(format)"):
        with pytest.raises(ExpressionError):
            column_path(text)
