"""Colours can be read: at least 4.5 : 1 for everything that is text, on the ground and on panels, dark and light."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("groundglass.pages").joinpath("static", "tokens.css").read_text()
BLOCKS = re.findall(r"color-scheme: (dark|light);(.*?)\}", CSS, re.DOTALL)
THEMES = [(name, dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", body))) for name, body in BLOCKS]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """WCAG 2.2, relative luminance."""
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("name", "theme"), THEMES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(THEMES)])
@pytest.mark.parametrize("word", ["text", "muted", "accent", "kept", "dropped", "unknown"])
@pytest.mark.parametrize("ground", ["ground", "panel"])
def test_text_can_be_read(name, theme, word, ground):
    assert contrast(theme[word], theme[ground]) >= 4.5


def test_there_are_a_dark_theme_and_two_equal_light_ones():
    assert [name for name, _ in THEMES] == ["dark", "light", "light"]
    assert THEMES[1][1] == THEMES[2][1]


def test_tokens_are_those_of_the_direction():
    dark, light = THEMES[0][1], THEMES[1][1]
    assert (dark["ground"], dark["panel"], dark["line"]) == ("#1b1b1d", "#242527", "#3a3b3e")
    assert (light["ground"], light["panel"], light["line"]) == ("#f6f6f4", "#ffffff", "#dcdcd8")
    assert dark["accent"] == "#f2a33a"
    assert dark["surround"] == "#767676"
