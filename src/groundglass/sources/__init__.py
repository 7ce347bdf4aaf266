"""The places that images come from: folders, archives, tables, samples. One lister for each kind.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
