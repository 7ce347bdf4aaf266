"""Numbers in reasons: short, and never alike where a value and its limit differ."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from groundglass.tables.verdicts import ask

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)
WITHOUT_THE_SHORT_WAY = """CASE
    WHEN x = y OR bare(three(x)) <> bare(three(y)) THEN three(x)
    WHEN bare(six(x)) <> bare(six(y)) THEN six(x) ELSE x::VARCHAR END"""


def test_a_number_has_three_digits_whole_ones_all_of_theirs():
    shown = {0.41234: "0.412", 41.2499: "41.2", 30.0: "30", 8294400.0: "8,294,400", 1234.5: "1,234"}
    shown |= {0.00012345: "0.000123"}
    table = pa.table({"x": list(shown)})
    assert ask("SELECT three(x) AS short FROM t", {"t": table})["short"].to_pylist() == [*shown.values()]


@given(st.lists(st.tuples(NUMBERS, st.floats(-0.05, 0.05)), min_size=1, max_size=50))
@example([(1.005, 0.0201), (0.9995, 0.0199), (999.5, 0.021), (0.000123, -0.0205), (0.0, 0.0), (5.0, -0.04)])
def test_numbers_far_apart_need_no_more_than_three_digits(pairs: list[tuple[float, float]]) -> None:
    table = pa.table({"x": [x for x, _ in pairs], "y": [x * (1 + share) for x, share in pairs]})
    rows = ask(f"SELECT number(x, y) AS quick, {WITHOUT_THE_SHORT_WAY} AS slow FROM t", {"t": table})
    assert rows["quick"].to_pylist() == rows["slow"].to_pylist()
