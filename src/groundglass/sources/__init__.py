"""The places that images come from: folders, archives, tables, samples. One lister for each kind.

It may import `generators` and `made_images`, and the floors below.
"""
