"""What a recipe may set: the base of its records, the types of their values, and what their checks share."""
