"""Whole sources are kept or dropped."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.source_divergence import source_divergence, source_qualities
from groundglass.source_quality.clean_profile import load_profile

DF2K = load_profile("df2k")


def pool_of(**sources: list[float | None]) -> pa.Table:
    rows = [(f"{name}{i}", name, value) for name, values in sources.items() for i, value in enumerate(values)]
    ids, names, values = zip(*rows, strict=True)
    return pa.table(
        {
            "id": list(ids),
            "sha256": list(ids),
            "source": list(names),
            "blockiness": pa.array(values, pa.float64()),
        }
    )


CLEAN = DF2K.samples[1.0].values[::20].tolist()
BAD = DF2K.samples[0.75].values[::20].tolist()


def test_a_rejected_source_loses_every_row_with_one_reason():
    verdicts = source_divergence(pool_of(web=[*BAD, None], own=[*CLEAN, None, 200.0]), DF2K).to_pylist()
    web = [row for row in verdicts if row["id"].startswith("web")]
    assert {row["kept"] for row in web} == {False}
    assert len({row["reason"] for row in web}) == 1
    assert web[0]["reason"].startswith("source web: quality 0.75")
    assert web[0]["reason"].endswith(", limit 0.9")
    assert web[0]["margin"] == pytest.approx(-0.15, abs=0.002)
    own = [row for row in verdicts if row["id"].startswith("own")]
    assert all(row["kept"] and row["reason"] is None and row["margin"] > 0.03 for row in own)


def test_the_user_chooses_what_becomes_of_the_unknown():
    pool = pool_of(web=BAD, few=[0.5, 0.6, 0.7])
    kept = source_divergence(pool, DF2K).to_pylist()[-1]
    assert (kept["kept"], kept["reason"], kept["margin"]) == (True, None, None)
    dropped = source_divergence(pool, DF2K, unknown="drop").to_pylist()[-1]
    assert dropped["reason"] == "source few: quality unknown: 3 values below 300, at least 30 are needed"
    assert (dropped["kept"], dropped["failed"], dropped["margin"]) == (False, False, None)


def test_tiles_of_one_photograph_count_once():
    values = [value for value in CLEAN for _ in range(9)]
    pool = pool_of(own=values)
    pool = pool.set_column(1, "sha256", pa.array([f"{i // 9}" for i in range(len(values))]))
    assert source_qualities(pool, DF2K)["own"].images == len(CLEAN)


def test_any_column_may_say_the_source():
    pool = pool_of(own=[*CLEAN, *BAD]).append_column("site", pa.array(["a"] * len(CLEAN) + ["b"] * len(BAD)))
    verdicts = source_divergence(pool, DF2K, per="site").to_pylist()
    assert [row["kept"] for row in verdicts] == [True] * len(CLEAN) + [False] * len(BAD)
    assert verdicts[-1]["reason"].startswith("site b: quality")


def test_the_limit_counts_in():
    pool = pool_of(own=CLEAN)
    quality = source_qualities(pool, DF2K)["own"].quality
    assert quality is not None
    assert source_divergence(pool, DF2K, least=quality)["kept"].to_pylist() == [True] * len(CLEAN)
    assert not any(source_divergence(pool, DF2K, least=float(np.nextafter(quality, 2)))["kept"].to_pylist())


def test_an_unknown_column_is_told():
    with pytest.raises(RecipeError, match="there is no column 'blocky'"):
        source_divergence(pool_of(own=CLEAN), DF2K, by="blocky")
