"""The command line: one file per command, which parses, calls the library and prints.

It may import `reports` and `testing`, and the floors below.
"""
