"""What a recipe may set: the base of its records, the types of their values, and what their checks share.

It may import `extras`, and what lies below.
"""
