"""The measure of made images: what made each of them. It is taken as soon as the rows exist, so a failure is a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def made(frame: Frame) -> dict[str, Value]:
    """The words and the record of how an image was made, for a region that ends in `image.region.Made`.

    Raises the errors of its maker.
    """
    return {"made_with": frame.made.said, "made_record": json.dumps(frame.made.record, sort_keys=True)}


MADE = Measure(
    name="made",
    version=1,
    compute=made,
    columns={
        "made_with": Column(
            "",
            None,
            None,
            "neither",
            "what made the image: the degradations that were applied, or the restorer",
            str,
        ),
        "made_record": Column(
            "", None, None, "neither", "JSON that makes the image again from its photo", str, hidden=True
        ),
    },
    reference="groundglass",
)
"""Stored with the measures under the key ``made-1``."""
