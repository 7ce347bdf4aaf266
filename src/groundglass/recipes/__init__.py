"""The language of recipes: YAML with line marks, the grammar, errors that point at a line, the JSON schema.

It may import `sources`, `measures`, `annotators`, `selections`, `transforms` and `releases`, and the floors below.
"""
