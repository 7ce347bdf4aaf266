"""The static report of a run: one folder that opens from disk, without a server and without a network.

It may import `drafts`, and what lies below.
"""
