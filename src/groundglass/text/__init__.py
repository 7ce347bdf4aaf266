"""How numbers, durations, names and commands are written for people, and the nearest valid word to a misspelt one.

It imports nothing of the package.
"""
