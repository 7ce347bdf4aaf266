"""The language of recipes: YAML with line marks, the grammar, errors that point at the line, the JSON schema."""
