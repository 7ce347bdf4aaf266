"""Fills the templates of pages. Everything that comes from a run is escaped."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from groundglass.reports.assets import PACKAGE
from groundglass.reports.charts import axis_data
from groundglass.reports.charts_svg import Axis
from groundglass.reports.page_data import safe_json
from groundglass.reports.page_model import plain_reason
from groundglass.reports.theta_curve import theta_curve
from groundglass.text import format


def fill(template: str, context: dict[str, Any]) -> str:
    """The text of a page."""
    return _environment().get_template(template).render(**context)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE, "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        # A misspelt name in a template is an error, not an empty place on the page.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "count": format.thousands,
        "some": format.some,
        "number": format.number,
        "drawn": Markup,
        "axis": _axis_json,
        "plain": plain_reason,
        "tail": format.tail,
        "breakable": breakable,
        "percent": format.percent,
        "theta_curve": theta_curve,
        "signed": signed,
    }
    environment.filters.update(filters)
    return environment


def _axis_json(axis: Axis) -> str:
    return safe_json(axis_data(axis))


def breakable(name: str) -> Markup:
    """A name that a narrow column may break after _ . and -, rather than inside of a word.

    >>> breakable("glcm_energy"), breakable("<b>")
    (Markup('glcm_<wbr>energy'), Markup('&lt;b&gt;'))
    """
    return Markup("<wbr>").join(re.split(r"(?<=[_.\-])(?=.)", name))


def signed(value: float | None) -> str:
    """A correlation with its sign, as a page writes it.

    >>> signed(-0.6481), signed(None)
    ('−0.648', '–')
    """
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")
