"""Benchmarks of a run: its score columns compared with the opinions of people, by the arithmetic of `ratings`.

It may import `plans`, and the floors below.
"""
