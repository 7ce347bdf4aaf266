"""The questions, one file each; `annotators/catalog.py` lists them."""
