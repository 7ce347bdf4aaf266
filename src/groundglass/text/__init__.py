"""Formats numbers, durations, names and commands for people, and finds the nearest valid word to a misspelt one.

It imports nothing of the package.
"""
