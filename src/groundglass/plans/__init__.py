"""The records that steps need and pass on: planned steps, the state of a run, its folder and lock, image histories.

It may import `recipes`, and the floors below.
"""
