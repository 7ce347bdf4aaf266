"""Scores from real votes, compared with evalica and choix in one run: ratios of median times.

    python -m benchmarks.ratings [--repeats 7] [--save]

`map` on the 320 × 99 sparse votes of AGH (17,820 votes); `bradley_terry` on the 26,580 trials of the light-field study
of pwcmp, each scene a set of items of its own. The peers get the same trials in the form that they ask for; making that
form is not timed. Our times include the covariance, which neither peer computes.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from typing import Any

import choix
import evalica
import numpy as np

from benchmarks.timing import DATA, median_ms, pin_to_one_core, processor, report
from groundglass.ratings.pair_methods import bradley_terry, parts_of
from groundglass.ratings.scale_methods import map_scores
from groundglass.ratings.scores import score_comparisons, score_votes
from groundglass.ratings.votes import Comparisons, votes_from_matrix


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/ratings.csv")
    options = parser.parse_args()
    pin_to_one_core()
    times = {name: median_ms(work, options.repeats) for name, work in works().items()}
    yardsticks = ("evalica bradley_terry", "choix ilsr", "choix opt")
    rows = [
        {"work": name, "ms": round(ms, 2)}
        | {f"/ {peer}": round(ms / times[peer], 3) for peer in yardsticks}
        | {"processor": processor()}
        for name, ms in times.items()
    ]
    report(rows, "ratings", options.save)


def works() -> dict[str, Callable[[], Any]]:
    votes = votes_from_matrix(np.genfromtxt(DATA / "ratings" / "agh_tv_2017_ratings.csv", delimiter=","))
    trials = light_field()
    left = [trials.items[at] for at in trials.left]
    right = [trials.items[at] for at in trials.right]
    winners = [evalica.Winner.X if choice == 1 else evalica.Winner.Y for choice in trials.choice]
    won = trials.choice == 1
    pairs = list(
        zip(
            np.where(won, trials.left, trials.right).tolist(),
            np.where(won, trials.right, trials.left).tolist(),
            strict=True,
        )
    )
    size, part = len(trials.items), parts_of(trials.wins())
    inside = [pair for pair in pairs if part[pair[0]] == part[pair[1]]]
    return {
        "map": lambda: map_scores(votes),
        "map with screen, agreement and notes": lambda: score_votes(votes),
        "bradley_terry": lambda: bradley_terry(trials),
        "bradley_terry with raters and notes": lambda: score_comparisons(trials),
        "evalica bradley_terry": lambda: evalica.bradley_terry(
            left, right, winners, tolerance=1e-8, limit=10_000
        ),
        "choix ilsr": lambda: choix.ilsr_pairwise(size, inside, alpha=0.01, max_iter=1000),
        "choix opt": lambda: choix.opt_pairwise(size, inside, alpha=0.005),
    }


def light_field() -> Comparisons:
    """The trials of all 14 scenes; an item is a scene with a distortion and its level."""
    with (DATA / "ratings" / "pwcmp_lf.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    left, right = (
        [f"{row['scene']}/{row[f'dist_type{side}']}/{row[f'dist_level{side}']}" for row in rows]
        for side in (1, 2)
    )
    items, raters = (
        tuple(dict.fromkeys(names)) for names in (left + right, [row["observer"] for row in rows])
    )
    item, rater = ({name: at for at, name in enumerate(names)} for names in (items, raters))
    return Comparisons(
        items,
        raters,
        np.array([item[name] for name in left]),
        np.array([item[name] for name in right]),
        np.array([rater[row["observer"]] for row in rows]),
        np.array([float(row["selected"] == "1") for row in rows]),
        np.ones(len(rows)),
    )


if __name__ == "__main__":
    main()
