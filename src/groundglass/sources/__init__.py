"""The places that images come from: folders, archives, tables, samples. One lister for each kind.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
