"""The command line: one file a command, which parses, calls the library and prints.

It may import `reports` and `testing`, and what lies below.
"""
