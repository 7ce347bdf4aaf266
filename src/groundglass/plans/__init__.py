"""What a step needs and carries: planned steps, the state of a run, its folder and lock, and the history of images.

It may import `recipes`, and what lies below.
"""
