"""Calls of servers: HTTP with limits, retries, refusals, API keys, and the ledger that a budget depends on.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
