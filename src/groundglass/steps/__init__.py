"""Planning, running and forecasting each kind of step. It may import `audits` and `proofs`, and the floors below."""
