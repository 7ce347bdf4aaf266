"""Hold-out: the best that were dropped, the best of the set, chance that only seed and step decide."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.hold_out import hold_out_count, hold_out_list, hold_out_next
from groundglass.selections.ranking import ranked_rest
from groundglass.selections.top_k import top_k

IDS = [f"{i:03}" for i in range(50)]
POOL = pa.table({"id": IDS, "uri": [f"{i}.jpg" for i in IDS], "q": [float(i) for i in range(50)]})
SHUFFLED = POOL.take(pa.array([(i * 17) % 50 for i in range(50)]))


def test_next_are_the_best_that_were_dropped() -> None:
    rest = ranked_rest(POOL, top_k(POOL, 10, "q", "higher"), "q", "higher")
    assert hold_out_next(rest, 3, None, 7, "v").ids == ("039", "038", "037")
    four = hold_out_next(rest, 20, 4, 7, "v").ids
    assert len(four) == 4
    assert set(four) <= set(IDS[20:40])
    assert hold_out_next(rest, 20, ["037.jpg", "030"], 7, "v").ids == ("037", "030")


def test_chance_is_fixed_by_seed_and_step_whatever_the_order() -> None:
    first = set(hold_out_count(POOL, 10, None, 7, "v").ids)
    assert set(hold_out_count(SHUFFLED, 10, None, 7, "v").ids) == first
    assert set(hold_out_count(POOL, 10, None, 8, "v").ids) != first
    assert set(hold_out_count(POOL, 10, None, 7, "w").ids) != first


def test_every_row_can_be_drawn() -> None:
    drawn = {name for seed in range(100) for name in hold_out_count(POOL, 5, None, seed, "v").ids}
    assert drawn == set(IDS)


def test_count_by_a_column_takes_the_best() -> None:
    assert hold_out_count(SHUFFLED, 2, None, 7, "v", "q", "lower").ids == ("000", "001")


def test_a_list_and_what_it_does_not_find() -> None:
    held = hold_out_list(POOL, ["003.jpg", "001", "gone.jpg"], None, 7, "v")
    assert set(held.ids) == {"001", "003"}
    assert held.warnings == ("'gone.jpg' names no image of the set",)


def test_too_few_is_a_warning_and_a_wrong_pick_an_error() -> None:
    held = hold_out_next(POOL.slice(0, 2), 5, None, 7, "hold_out-1.validation")
    assert held.warnings == ("hold_out-1.validation needs 5 images, but there are 2",)
    few = hold_out_count(POOL, 2, 4, 7, "v")
    assert (len(few.ids), few.warnings) == (2, ("v picks 4 images, but there are 2",))
    with pytest.raises(RecipeError, match=r"'0031\.jpg' is not among") as caught:
        hold_out_next(POOL, 50, ["0031.jpg"], 7, "v")
    assert "031.jpg" in caught.value.hint
