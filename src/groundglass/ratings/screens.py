"""Screens: which raters' votes do not count."""

from __future__ import annotations

import numpy as np

from groundglass.ratings.votes import Flags, Floats, Votes

FEWEST = 5
"""Votes of a rater below which `correlation` does not judge: a correlation of so few numbers is chance."""
LEAST_RATERS = 3
"""Raters below which nobody can be screened: two who disagree do not show which of them is wrong."""
HIGHEST_LIMIT = 0.7
"""Raters who correlate this much with the scores are never rejected by `correlation`."""


def correlations(votes: Votes) -> Floats:
    """(R) Pearson's correlation of each rater's votes with the mean opinion scores, -1 to 1.

    0 for a rater whose votes are constant while the scores are not; NaN with fewer than five votes, or if the scores
    are constant.
    """
    ones = np.ones(len(votes.score))
    count = votes.per_item(ones)
    mos = votes.per_item(votes.score) / np.maximum(count, 1)
    each = votes.per_rater(ones)
    x, y = (
        values - (votes.per_rater(values) / np.maximum(each, 1))[votes.rater]
        for values in (votes.score, mos[votes.item])
    )
    of_votes, of_scores = votes.per_rater(x * x), votes.per_rater(y * y)
    constant = of_votes < 1e-12
    size = np.sqrt(np.where(constant, 1, of_votes) * np.where(of_scores < 1e-12, np.nan, of_scores))
    r = np.where(constant, 0.0, votes.per_rater(x * y)) / size
    return np.where(each >= FEWEST, r, np.nan)


def correlation(votes: Votes) -> Flags:
    """(R) raters whose correlation with the mean opinion scores is under min(.7, mean r - sd r).

    >>> from groundglass.ratings.votes import votes_from_matrix
    >>> good = [[level, level, level, level, 6 - level] for level in (1, 2, 3, 4, 5, 4, 2)]
    >>> correlation(votes_from_matrix(good)).tolist()
    [False, False, False, False, True]
    """
    r = correlations(votes)
    known = r[~np.isnan(r)]
    if len(known) < LEAST_RATERS:
        return np.zeros(len(r), np.bool_)
    limit = min(HIGHEST_LIMIT, known.mean() - known.std(ddof=1))
    return np.where(np.isnan(r), np.inf, r) < limit


def bt500(votes: Votes, ddof: int = 1) -> Flags:
    """(R) raters rejected by ITU-R BT.500, annex 1, 2.3.1.

    For each item, β2 = m4 / m2², and k = 2 if 2 ≤ β2 ≤ 4, else √20. P_i counts the votes o ≥ MOS + k S of a rater, Q_i
    those with o ≤ MOS - k S. A rater is rejected if (P + Q) / n_i > .05 and |P - Q| / (P + Q) < .3. The Recommendation
    computes S with N - 1 (``ddof`` 1); well-known programs use N (``ddof`` 0), and the result differs.
    """
    ones = np.ones(len(votes.score))
    count = np.maximum(votes.per_item(ones), 1)
    off = votes.score - (votes.per_item(votes.score) / count)[votes.item]
    m2, m4 = votes.per_item(off**2) / count, votes.per_item(off**4) / count
    spread = m2 > 1e-12
    kurtosis = np.divide(m4, m2**2, out=np.zeros(len(m2)), where=spread)
    k = np.where((kurtosis >= 2) & (kurtosis <= 4), 2.0, np.sqrt(20))
    S = np.sqrt(m2 * count / np.maximum(count - ddof, 1))
    limit = np.where(spread, k * S, np.inf)[votes.item]
    P, Q = (votes.per_rater(beyond.astype(float)) for beyond in (off >= limit, off <= -limit))
    outside = P + Q
    often = outside / np.maximum(votes.per_rater(ones), 1) > 0.05
    return often & (np.abs(P - Q) < 0.3 * outside)
