"""The functions that `import groundglass` gives to a notebook or a script: each calls what the commands call.

It may import `reports` and `testing`, and the floors below.
"""
