"""The result of a benchmark in a run's folder: tables for people, and all that a report draws it from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from groundglass.benchmarks.tables import write_rows
from groundglass.files.atomic import write_text
from groundglass.ratings.benchmark import Benchmark, PairOfScores
from groundglass.ratings.rated_images import RatedImages
from groundglass.ratings.score_agreement import ScoreResult
from groundglass.tables.parquet import read_table, write_parquet

BENCHMARK = "benchmark"
"""The folder of a run's benchmarks: each has one of its step's name."""
RESULT, IMAGES = "benchmark.json", "images.parquet"
_SCORES, _PAIRS = TypeAdapter(tuple[ScoreResult, ...]), TypeAdapter(tuple[PairOfScores, ...])
_SCORE, _STRATUM = "score ", "stratum "


@dataclass(frozen=True)
class KeptBenchmark:
    """A benchmark that was read back. ``rows`` are the ids of its images' rows, ``mos`` the column of its MOS."""

    found: Benchmark
    rows: tuple[str, ...]
    mos: str


def keep_benchmark(place: Path, found: Benchmark, rows: Sequence[str], mos: str) -> None:
    """Write what a benchmark found. ``rows`` are the ids of its images' rows; ``mos`` names its column."""
    images = found.images
    columns: dict[str, Any] = {"row": list(rows), "name": list(images.names), "mos": images.mos}
    columns |= {"content": images.content}
    columns |= {} if images.se is None else {"se": images.se}
    columns |= {f"{_STRATUM}{name}": list(words) for name, words in images.strata.items()}
    columns |= {f"{_SCORE}{name}": values for name, values in images.scores.items()}
    write_parquet(pa.table(columns), place / IMAGES)
    write_rows([row.plain() for row in found.scores], place / "scores.csv")
    write_rows([row.plain() for row in found.pairs], place / "pairs.csv")
    write_rows(list(_strata_rows(found.strata)), place / "strata.csv")
    plain = found.plain() | {"mos": mos, "grouped": images.grouped}
    # Last: a folder with this file is whole.
    write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", place / RESULT)


def _strata_rows(strata: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """One row for each score in each stratum."""
    return [
        {"by": one["by"], "stratum": str(one["stratum"]), "images": one["n"], **row}
        for one in strata
        for row in one["scores"]
    ]


def read_benchmarks(run: Path) -> dict[str, KeptBenchmark | None]:
    """Every benchmark of a run by the name of its step; None if its files cannot be read."""
    return {
        path.parent.name: read_benchmark(path.parent)
        for path in sorted((run / BENCHMARK).glob(f"*/{RESULT}"))
    }


def read_benchmark(place: Path) -> KeptBenchmark | None:
    """The benchmark that a folder keeps; None if there is none, or if it cannot be read."""
    try:
        plain = json.loads((place / RESULT).read_text(encoding="utf-8"))
        return _read(plain, read_table(place / IMAGES))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _read(plain: Mapping[str, Any], table: pa.Table) -> KeptBenchmark:
    def numbers(name: str) -> Any:
        return np.asarray(table[name].to_numpy(), np.float64)

    named = table.column_names
    scores = _SCORES.validate_python(plain["scores"])
    images = RatedImages(
        tuple(table["name"].to_pylist()),
        numbers("mos"),
        {name.removeprefix(_SCORE): numbers(name) for name in named if name.startswith(_SCORE)},
        {row.score: row.failures for row in scores},
        table["content"].to_numpy(),
        {
            name.removeprefix(_STRATUM): tuple(table[name].to_pylist())
            for name in named
            if name.startswith(_STRATUM)
        },
        numbers("se") if "se" in named else None,
        bool(plain["grouped"]),
    )
    found = Benchmark(
        images,
        scores,
        _PAIRS.validate_python(plain["pairs"]),
        plain["ceiling"],
        tuple(plain["strata"]),
        tuple(plain["splits"]),
        tuple(plain["gallery"]),
        tuple(plain["notes"]),
        plain["contents"],
        plain["bootstrap"],
        plain["seed"],
    )
    return KeptBenchmark(found, tuple(table["row"].to_pylist()), str(plain["mos"]))
