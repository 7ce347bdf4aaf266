"""Planning, running and forecasting each kind of step. It may import `audits`, and every room below it."""
