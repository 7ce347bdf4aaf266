"""Planning, running and forecasting each kind of step.

It may import `audits`, `proofs`, `studies` and `benchmarks`, and the floors below.
"""
