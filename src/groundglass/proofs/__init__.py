"""Proofs: arms, a closed-form regressor, statistics and verdicts on whether a selection trains better.

It may import `plans`, and the floors below.
"""
