"""The JPEG quality of whole sources, from the distribution of their blockiness. Numbers only.

It may import `tables`, and what lies below.
"""
