"""The step `audit`: audit the gates before it."""
