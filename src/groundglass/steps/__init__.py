"""Planning, running and forecasting each kind of step.

It may import `audits`, `proofs` and `studies`, and the floors below.
"""
