"""Audits: what sources are worth, judged by what is known of others."""
