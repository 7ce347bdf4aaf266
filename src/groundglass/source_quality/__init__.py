"""The JPEG quality of whole sources, from the distribution of their blockiness. It works on numbers only.

It may import `tables`, and the floors below.
"""
