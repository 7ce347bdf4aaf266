"""Whole recipes: made into a plan, forecast, run; and commands that need no recipe.

It may import `steps`, and what lies below.
"""
