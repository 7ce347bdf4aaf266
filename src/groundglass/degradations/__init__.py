"""Known damage for an image: JPEG, blur, noise, resizing, overlays and others, each with its settings and a catalog.

It may import `tables`, and the floors below.
"""
