"""Images that a step makes from others, degraded or restored: the records of how, and the pixels.

It may import `calls`, and the floors below.
"""
