"""The step `audit`: audit the gates so far."""
