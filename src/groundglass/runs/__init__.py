"""Planning, forecasting and running whole recipes, and commands that need no recipe.

It may import `steps`, and the floors below.
"""
