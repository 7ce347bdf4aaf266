"""The audit step of a recipe as a frozen record."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from groundglass.settings.field_types import Names, Record


class AuditStep(Record):
    """Known defects are put into photos that passed the gates so far, and the step counts which gates catch them.

    Nothing is kept or dropped. The result goes into the run's folder, its report, and the card of a release after it.
    """

    defects: Annotated[
        Names, Field(description="the defects, e.g. [jpeg, blur]; default: all that a gate so far may detect")
    ] = ()
    sample: Annotated[
        PositiveInt,
        Field(description="photos to draw; from each source, if whole sources are judged"),
    ] = 40
