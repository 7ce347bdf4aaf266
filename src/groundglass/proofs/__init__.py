"""Proofs: do networks that are trained on a selection restore better? Arms, closed-form regression, statistics, verdicts.

May import every floor up to `plans`; the networks that are trained are in `training`, which imports nothing of this
package, so that it runs on a bare GPU machine.
"""
