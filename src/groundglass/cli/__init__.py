"""The command line: one file per command, which parses, calls the library and prints.

It may import `reports`, `testing` and `web`, and the floors below.
"""
