"""Recipes that groundglass writes itself: for `filter` and `init`.

It may import `runs`, and the floors below.
"""
