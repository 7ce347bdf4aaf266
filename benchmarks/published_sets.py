"""The figures of published rating sets that a card shows beside its own: `src/groundglass/ratings/published_sets.toml`.

    python -m benchmarks.published_sets [--save]

They are computed from the tables of scores that their authors or users published, with the same functions as a user's
own set. A test computes them again where the tables are at hand.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from benchmarks.timing import DATA
from groundglass.ratings.set_statistics import SetStatistics, set_statistics

TOML = Path(__file__).parents[1] / "src/groundglass/ratings/published_sets.toml"
SETS: dict[str, dict[str, Any]] = {
    "AIGIQA-20K": {
        "file": "aigiqa20k_info_train.csv",
        "source": "github.com/wangpuyi/MA-AGIQA, dataset/AIGCQA_20K/info_train.csv",
        "known": "the 14,000 images of the training split, of 20,000; one score for quality and alignment together; "
        "no votes and no settings of the generators",
        "dimensions": {"mos": "mos"},
    },
    "AGIQA-3K": {
        "file": "agiqa3k_data.csv",
        "source": "github.com/lcysyzxdxc/AGIQA-3k-Database, data.csv",
        "known": "all 2,982 images; means and deviations of the votes, but no votes; groups are generators with the "
        "setting that was changed",
        "dimensions": {"quality": "mos_quality", "alignment": "mos_align"},
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", action="store_true", help=f"write {TOML.name}")
    options = parser.parse_args()
    text = toml_of(DATA / "ratings")
    if options.save:
        TOML.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def statistics_of(name: str, folder: Path) -> SetStatistics:
    """The statistics of one set; groups are the names of its files without their number."""
    about = SETS[name]
    with (folder / about["file"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return set_statistics(
        {key: [float(row[column]) for row in rows] for key, column in about["dimensions"].items()},
        [row["name"].rsplit("_", 1)[0] for row in rows],
        [row["prompt"] for row in rows],
    )


def toml_of(folder: Path) -> str:
    """The whole file."""
    lines = [
        "# Figures of published rating sets. `python -m benchmarks.published_sets --save` writes this file.",
        "# Intervals are of 95 %, from resamples of the prompts; rank 1: the best and all not shown to differ",
    ]
    for name, about in SETS.items():
        found = statistics_of(name, folder)
        first = next(iter(found.distributions.values()))
        lines += [
            "",
            "[[set]]",
            f'name = "{name}"',
            f'source = "{about["source"]}"',
            f'known = "{about["known"]}"',
        ]
        lines += [f"images = {first.n}", f"contents = {found.contents}"]
        for row in found.together:
            low, high = row.srcc_ci95 or (0.0, 0.0)
            lines.append(
                f'together = {{one = "{row.one}", other = "{row.other}", srcc = {row.srcc:.4f}, '
                f"srcc_ci95 = [{low:.4f}, {high:.4f}], plcc = {row.plcc:.4f}}}"
            )
        for key, one in found.distributions.items():
            lines += ["", f"[set.dimensions.{key}]"]
            for what in ("mean", "sd", "skew", "low", "q25", "median", "q75", "high"):
                lines.append(f"{what} = {getattr(one, what):.4f}")
            lines.append(f"counts = {list(one.counts)}")
            lines.append("groups = [")
            for row in found.groups[key]:
                low, high = row.ci95 or (0.0, 0.0)
                lines.append(
                    f'  {{group = "{row.group}", n = {row.n}, mean = {row.mean:.4f}, sd = {row.sd:.4f}, '
                    f"ci95 = [{low:.4f}, {high:.4f}], rank = {row.rank_group}}},"
                )
            lines.append("]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
