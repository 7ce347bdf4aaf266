"""Tests of commands that make pages look at them in the browser that the pages' own tests use."""

from __future__ import annotations

from web.conftest import browser, reader

__all__ = ["browser", "reader"]
