"""Measures: from one picture to named numbers, with unit, range and direction."""
