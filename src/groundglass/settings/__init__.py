"""The settings of a recipe: the base of its records, the types of their values, and shared parts of their checks.

It may import `extras`, and the floors below.
"""
