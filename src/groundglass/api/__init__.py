"""The functions that `import groundglass` gives to a notebook or a script: each calls what the commands call.

It may import `reports`, `testing` and `web`, and the floors below.
"""
