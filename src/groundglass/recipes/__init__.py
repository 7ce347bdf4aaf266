"""Recipes: what they say, what they would do, and doing it."""
