"""Leaks: does a photo show an image of a test set, as a whole or in part?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.similarity.test_images.known_sets import load_index
from groundglass.similarity.test_images.search import find_leak

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def leaks(frame: Frame, against: str = "all") -> dict[str, Value]:
    """The test image that an image shows most clearly, if it shows one.

    It finds copies (smaller, larger, recompressed, mirrored, rotated), larger images that a test image was cut out
    of, and parts of one. Whole images are compared by 32×32 cells, each against its neighbourhood; parts by ORB
    features, 256 bits each, which must agree on one scale, rotation and shift. Then the two are aligned, and
    the cells that both show must correlate by .7 or more.

    It mostly misses a test image that covers less than about a twentieth of an image, or of which less than a tenth is
    left. All columns are empty where no test image is shown: this is the good result.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> leaks(open_frame(testing.png(testing.photo(320, 240))))["leak_of"] is None
    True
    """
    leak = find_leak(frame.luma, load_index(against))
    if leak is None:
        return dict.fromkeys(MEASURE.columns)
    return {
        "leak_of": leak.of,
        "leak_relation": leak.relation,
        "leak_mirrored": leak.mirrored,
        "leak_score": leak.score,
        "leak_overlap": leak.overlap,
        "leak_matches": leak.matches,
    }


MEASURE = Measure(
    name="leaks",
    version=1,
    compute=leaks,
    columns={
        "leak_of": Column("", None, None, "neither", "the test image that is shown, e.g. Set5/woman", str),
        "leak_relation": Column(
            "", None, None, "neither", "same, contains (it), inside (it) or overlaps", str
        ),
        "leak_mirrored": Column("", None, None, "neither", "whether it is shown mirrored", bool),
        "leak_score": Column("", 0, 1, "lower", "correlation of the area that both show"),
        "leak_overlap": Column("", 0, 1, "lower", "share of the test image that is shown"),
        "leak_matches": Column(
            "", 0, None, "lower", "features that agree; 0 where whole images were compared", int
        ),
    },
    reference="Rublee et al., ORB, ICCV 2011; Norouzi et al., Multi-index hashing, CVPR 2012; Lowe 2004, section 7.4",
    parameters={"against": Parameter("all", "test sets or files of fingerprints, commas between")},
)
"""Its record in the catalog."""
