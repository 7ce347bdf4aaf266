"""Proofs: arms, a closed-form regressor, statistics and verdicts on whether a selection trains better.

May import every floor up to `plans`; the networks that are trained are in `training`, which imports nothing of this
package, so that it runs on a bare GPU machine.
"""
