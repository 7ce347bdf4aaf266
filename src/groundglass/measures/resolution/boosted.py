"""A small sum of decision trees: a table of numbers, read from JSON and added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """T complete binary trees of depth D over named features.

    names       the features, in the order of a row's values
    feature     T×(2^D - 1): the feature of each node, breadth first
    threshold   T×(2^D - 1): a value above goes right
    leaf        T×2^D: the term of each leaf
    start       the sum's constant term
    """

    names: tuple[str, ...]
    feature: npt.NDArray[np.int64]
    threshold: Values
    leaf: Values
    start: float

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Trees:
        """The trees that `to_plain` wrote."""
        return cls(
            tuple(plain["names"]),
            np.array(plain["feature"], np.int64),
            np.array(plain["threshold"], np.float64),
            np.array(plain["leaf"], np.float64),
            float(plain["start"]),
        )

    def to_plain(self) -> dict[str, Any]:
        """Lists of numbers, for JSON."""
        return {
            "names": list(self.names),
            "start": self.start,
            "feature": self.feature.tolist(),
            "threshold": self.threshold.tolist(),
            "leaf": self.leaf.tolist(),
        }

    def sums(self, rows: Values) -> Values:
        """The sum for each of N×F ``rows``.

        >>> stump = Trees(("a",), np.array([[0]]), np.array([[0.5]]), np.array([[-1.0, 1.0]]), 0.25)
        >>> stump.sums(np.array([[0.0], [0.5], [0.6]])).tolist()
        [-0.75, -0.75, 1.25]
        """
        inner = self.feature.shape[1]
        node = np.zeros((len(rows), len(self.feature)), np.int64)
        tree = np.arange(len(self.feature))[None, :]
        each = np.arange(len(rows))[:, None]
        # All trees are complete and equally deep, so one node shows whether all are at their leaves.
        while node[0, 0] < inner if len(rows) else False:
            right = rows[each, self.feature[tree, node]] > self.threshold[tree, node]
            node = 2 * node + 1 + right
        return self.start + self.leaf[tree, node - inner].sum(axis=1)
