"""Where images come from: folders, archives, tables, samples. One lister a kind.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and what lies below.
"""
