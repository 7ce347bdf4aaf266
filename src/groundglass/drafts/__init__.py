"""Recipes that groundglass writes itself: for `filter` and `init`."""
